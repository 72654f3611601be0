"""STAR-ReID: a vision transformer shared by both modalities, aligned with each other and taught by words."""

"""Frames to people: YOLO on both modalities, thermal normalisation, tracking, choice of crops."""

"""STAR-ReID's training: PMT's baseline, alignment, and visual-textual reasoning."""

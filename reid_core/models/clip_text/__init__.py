"""CLIP's text towers: texts to features that meet those of images; through transformers."""

"""BLIP's captioning networks, through transformers."""

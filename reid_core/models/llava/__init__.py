"""LLaVA's describing networks, through transformers."""

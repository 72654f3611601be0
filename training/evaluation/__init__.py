"""Protocols and metrics: how good a retrieval, a model or the synthetic world is."""

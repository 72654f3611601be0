"""Checkpoints and the networks in them; importing this package loads no framework."""

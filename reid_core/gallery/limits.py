"""What bounds the work that a gallery's size makes, by default."""

EXEMPLARS = 256
"""Sightings of an identity that decide who joins it: those of some fifty tracklets."""

EXACT_UP_TO = 50_000
"""So many vectors that pass a filter are all compared; among more, a graph finds the nearest."""

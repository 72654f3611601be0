"""Frames in, sightings and links out: sources and the run that carries them to the gallery."""

"""The synthetic night shift: people, places and cameras in three spectra, regenerated from a seed."""

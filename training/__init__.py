"""Data sets, recipes, protocols and metrics. The rooms below never import it."""

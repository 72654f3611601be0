"""Places of the synthetic world, and what a camera sees of them when empty."""

"""A text encoder that reads what a witness says before it makes a vector of it."""

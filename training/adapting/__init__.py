"""Learning from a gallery's own footage, without labels: a head behind the model's vectors, or why not."""

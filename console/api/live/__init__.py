"""What comes in, as it comes in: read once a process from the gallery's outbox, told to all who follow it."""

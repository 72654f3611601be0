"""What public networks that never saw this world make of it."""

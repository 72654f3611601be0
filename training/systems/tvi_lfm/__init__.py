"""TVI-LFM: a text tower learns beside a network that has learned, and changes nothing of what that sees."""

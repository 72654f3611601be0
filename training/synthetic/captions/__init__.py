"""What an image shows of a person, in words and in labels."""

"""Text encoders learned from captions by regression, and what they are worth."""

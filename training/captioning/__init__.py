"""Training of the captioner that looks through an embedder's network, from images with captions."""

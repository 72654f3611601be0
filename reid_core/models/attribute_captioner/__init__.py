"""A small captioner: the attributes that an embedder's network lets one tell, put into words by a grammar."""

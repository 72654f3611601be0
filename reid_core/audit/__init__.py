"""Who used the gallery, for what and why: an append-only log whose rows are chained by a key.

`Trail` appends to it, `verifying` finds what was done to it behind its back.
"""

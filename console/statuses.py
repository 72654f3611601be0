"""Exit statuses of the command, beside those of errors (`reid_core.errors`)."""

INCOMPLETE = 1
"""Not everything could be read or delivered."""

WRONG = 1
"""What was checked is not as it should be."""

INTERRUPTED = 130
"""Ctrl-C ended it."""

BROKEN_PIPE = 141
"""Whoever read its output has gone."""

"""Sentences about many things: the first few of them, and how many there are."""

from collections.abc import Sequence

FEW = 3


def few(names: Sequence[str | int]) -> str:
    """The first few of some names, and how many more there are."""
    shown = ", ".join(map(str, names[:FEW]))
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW:,} more"


def plural(number: int, one: str, many: str | None = None) -> str:
    """``1 image``, ``2 images``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

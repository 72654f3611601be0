"""JSON files that are one object: what is said of each image, or of each identity."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError

__all__ = ["by_identity", "read_object"]


def read_object(file: Path, called: str, of: str) -> dict[str, Any]:
    """The object that a file holds.

    Args:
        file: to read.
        called: what it is, for sentences about it: ``caption file``.
        of: what it says, likewise: ``captions``.

    Raises:
        SourceError: it is missing, no JSON, no object or empty, or says two things of one name.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_said_once)
    except FileNotFoundError:
        raise SourceError(f"The {called} {file} does not exist.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"The {called} {file} cannot be read: {error}.") from None
    if not isinstance(values, dict) or not values:
        raise SourceError(f"The {called} {file} is no JSON object with {of}.")
    return values


def by_identity(file: Path, called: str, values: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """What an object says, by the numbers that its names are.

    Raises:
        SourceError: a name is no number, or two are the same one.
    """
    found: set[int] = set()
    for name, said in values.items():
        if not (name.isascii() and name.isdigit()):
            raise SourceError(f"The {called} {file} is by identity, and {name!r} is no identity's number.")
        if int(name) in found:
            raise SourceError(f"The names in the {called} {file} name identity {int(name)} twice.")
        found.add(int(name))
        yield int(name), said


def _said_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """JSON itself takes the last of two."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise ValueError(f"it says two things of {name!r}")
    return found

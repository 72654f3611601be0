"""Where a list goes on, as one opaque word."""

import base64
import binascii

from reid_core.errors import UsageError

_LARGEST = 2**62


def packed(kind: str, place: int | None) -> str | None:
    """A place in a list of a kind; ``None`` where the list has ended."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode().rstrip("=")


def unpacked(kind: str, word: str | None) -> int | None:
    """What `packed` gave; ``None`` for the beginning.

    Raises:
        UsageError: it is none, or of another list.
    """
    if word is None:
        return None
    try:
        said = base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True).decode()
        found, _, place = said.partition(":")
        number = int(place)
    except (ValueError, binascii.Error):
        found, number = "", -1
    if found != kind or not 0 <= number <= _LARGEST:
        raise UsageError("The cursor is damaged, or of another list.", "Ask for the first page without one.")
    return number

"""Ids taken out of what a row says of others: the row stays, and names them no more."""

from collections.abc import Collection
from typing import Any

ERASED = "erased"
"""What stands where a text named somebody."""


def scrubbed(value: Any, gone: Collection[str]) -> Any:
    """A JSON value that names nobody who is gone.

    What is about them goes whole: a member of a list that names them, and a part (a runner-up, who somebody
    was before). Elsewhere the id alone goes.

    Args:
        value: as `json` reads it.
        gone: ids.
    """
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in gone}
        return {name: None if _is_about(one, gone) else scrubbed(one, gone) for name, one in kept.items()}
    if isinstance(value, list):
        return [scrubbed(one, gone) for one in value if not _is_about(one, gone)]
    if isinstance(value, str):
        if value in gone:
            return None
        return without_ids(value, gone) if len(value) > _SHORTEST else value
    return value


def without_ids(text: str, gone: Collection[str]) -> str:
    """A text in which no id of theirs stands."""
    for one in gone:
        if one in text:
            text = text.replace(one, ERASED)
    return text


# No id is shorter than a UUID but for those of tests and of callers of their own.
_SHORTEST = 36


def _is_about(value: Any, gone: Collection[str]) -> bool:
    if isinstance(value, str):
        return value in gone
    if isinstance(value, dict):
        return any(isinstance(one, str) and one in gone for one in value.values())
    if isinstance(value, list):
        # A link as a correction keeps it: tracklet, model, candidates.
        return bool(value) and isinstance(value[0], str) and value[0] in gone
    return False

"""What pydantic found wrong, as one thing that can be said in a sentence."""

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class Wrong:
    """The first thing wrong with some values.

    Attributes:
        kind: a key that nobody knows, a key that must be there, or a value that cannot be.
        key: with the sections above it, ``tracker.lost_seconds``; empty where it is about the whole.
        message: of the check.
        nearest: of an unknown key, the valid one that looks most like it, with its sections.
    """

    kind: Literal["unknown", "missing", "value"]
    key: str
    message: str
    nearest: str | None = None

    @property
    def hint(self) -> str:
        """What was meant, perhaps."""
        return f"Did you mean {self.nearest!r}?" if self.nearest else ""


def first_wrong(
    model: type[BaseModel], error: ValidationError, sections: Mapping[str, type[BaseModel]] | None = None
) -> Wrong:
    """What to say of an error: unknown keys come first, since what is missing may only be misspelt.

    Args:
        model: that refused the values.
        error: its refusal.
        sections: models of those keys of it whose type another key decides.
    """
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        valid = _names_at(model, location[:-1], sections or {})
        near = difflib.get_close_matches(location[-1], valid, n=1, cutoff=0.0)
        return Wrong("unknown", key, first["msg"], ".".join([*location[:-1], near[0]]) if near else None)
    return Wrong("missing" if first["type"] == "missing" else "value", key, first["msg"])


def _names_at(
    model: type[BaseModel], location: Sequence[str], sections: Mapping[str, type[BaseModel]]
) -> list[str]:
    """The valid keys of the section at a location (unions and lists are looked through)."""
    models = [model]
    for depth, part in enumerate(location):
        if depth == 0 and part in sections:
            models = [sections[part]]
            continue
        fields = [each.model_fields[part].annotation for each in models if part in each.model_fields]
        models = [inner for annotation in fields for inner in _models_in(annotation)] or models
    return list(dict.fromkeys(name for each in models for name in each.model_fields))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_origin(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, tuple, list, dict):
        for branch in get_args(annotation):
            yield from _models_in(branch)

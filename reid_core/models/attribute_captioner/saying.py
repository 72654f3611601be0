"""Answers to terms, and terms to a caption."""

from collections.abc import Iterator, Mapping, Sequence

from reid_core.models.attribute_captioner.groups import ALIKE, GENERIC, GROUPS, THINGS
from reid_core.types import Floats
from reid_core.words.phrasing import sentence_of
from reid_core.words.terms import Term

__all__ = ["Certainty", "said", "terms_of", "value_of"]

Certainty = Mapping[str, float]
"""Group to the probability from which on something is said."""


def said(chances: Mapping[str, Floats], values: Mapping[str, Sequence[str]], certain: Certainty) -> str:
    """The caption of one crop, from each group's probabilities; see `terms_of`."""
    return sentence_of(tuple(terms_of(chances, values, certain)))


def terms_of(
    chances: Mapping[str, Floats], values: Mapping[str, Sequence[str]], certain: Certainty
) -> Iterator[Term]:
    """What is certain enough to be said.

    Args:
        chances: of each group that is asked: of "nothing" first, then of its values.
        values: of each group.
        certain: of each group.
    """
    things: dict[str, str] = {}
    for name, group in GROUPS.items():
        if name not in chances or (group.of and group.of not in things):
            continue
        value = value_of(name, chances[name], values[name], certain[name])
        if value is None:
            continue
        if name in THINGS:
            things[name] = value
        yield Term(group.attribute, value, things.get(group.of, ""))


def value_of(name: str, chances: Floats, values: Sequence[str], certain: float) -> str | None:
    """What is said of a group: the likeliest value, or a generic word where no more is certain than that.

    Args:
        name: of the group.
        chances: of "nothing" first, then of its values.
        values: of the group.
        certain: see `Certainty`.

    Returns:
        ``None`` where nothing is certain enough.
    """
    there = float(chances[1:].sum()) if GROUPS[name].silent else 1.0
    best = int(chances[1:].argmax())
    likeliest = float(chances[1 + best])
    if name in THINGS:
        if there < certain:
            return None
        if likeliest >= certain * there:
            return values[best]
        alike = sum(float(chances[1 + values.index(one)]) for one in ALIKE.get(name, ()) if one in values)
        return ALIKE[name][0] if alike >= certain * there > 0 else GENERIC.get(name)
    return values[best] if likeliest >= certain else None

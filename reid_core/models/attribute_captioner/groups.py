"""What a crop is asked: groups of values of which one is true, or nothing is to be said.

A caption is read back as terms (`reid_core.words.terms`), and each term is an answer of one group. What a
caption leaves out of a group whose absence means nothing, such as the colour of shoes, is no answer; that it
names no hat is one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reid_core.words.terms import Term
from reid_core.words.wardrobe import KINDS, WARDROBE

__all__ = ["ALIKE", "COLOURED", "GENERIC", "GROUPS", "Group", "answers_of", "group_of"]

WORN = ("outer", "top", "lower", "shoes", "hat", "scarf")
GENERIC = {"top": "top", "shoes": "shoes", "bag": "bag"}
"""Groups that have a word for a thing whose kind is not told."""
ALIKE = {"lower": ("trousers", "jeans", "leggings")}
"""Values of a group that the first of them is a word for, where which one is not told."""
_ALONE = ("backpack", "umbrella", "telephone", "pushchair", "box")
_ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Group:
    """One question.

    Attributes:
        attribute: of the terms that answer it.
        of: group of the thing that a colour, pattern or cut is of; empty for all else.
        silent: whether a caption that says nothing of it says that there is none.
        coloured: whether only visible light tells it.
    """

    attribute: str
    of: str = ""
    silent: bool = True
    coloured: bool = False


def _things() -> dict[str, Group]:
    parts = {part: Group(part) for part in WARDROBE if part not in ("bag", "carried")}
    alone = {kind: Group(KINDS[kind]) for kind in _ALONE}
    return {**parts, "bag": Group("bag"), **alone}


THINGS = _things()
_COLOURED_THINGS = (*WORN, "bag", "backpack", "umbrella")
GROUPS: Mapping[str, Group] = {
    "gender": Group("gender", silent=False),
    "age": Group("age"),
    "hair length": Group("hair length"),
    "hair style": Group("hair style"),
    "hair colour": Group("hair colour", silent=False, coloured=True),
    "beard": Group("beard"),
    **THINGS,
    **{f"colour of {one}": Group("colour", one, silent=False, coloured=True) for one in _COLOURED_THINGS},
    **{f"pattern of {one}": Group("pattern", one) for one in ("outer", "top", "lower")},
    **{f"sleeves of {one}": Group("sleeves", one, silent=False) for one in ("outer", "top")},
    **{f"length of {one}": Group("length", one) for one in ("outer", "lower")},
}
"""Every question by its name; those about a thing before those about its colour and cut."""

COLOURED = frozenset(name for name, group in GROUPS.items() if group.coloured)


def answers_of(
    terms: Iterable[Term], values: Mapping[str, Sequence[str]]
) -> dict[str, frozenset[str] | None]:
    """What a caption answers to each group.

    Args:
        terms: of the caption.
        values: group to the values that it knows.

    Returns:
        group to the values that may be true: one where it is told, several where only a generic word is,
        none where nothing is there; ``None`` where the caption does not tell.
    """
    told: dict[str, str] = {}
    for term in terms:
        name = group_of(term)
        if name is not None and not term.denied:
            told.setdefault(name, term.value)
    return {name: _answer(name, told, values[name]) for name in values}


def _answer(name: str, told: Mapping[str, str], values: Sequence[str]) -> frozenset[str] | None:
    group, value = GROUPS[name], told.get(name)
    if group.of and group.of not in told:
        return None
    if value is None:
        return frozenset() if group.silent else None
    if value in values:
        return frozenset([value])
    return frozenset(values) if value == GENERIC.get(name) else None


def group_of(term: Term) -> str | None:
    """The group that a term answers, if there is one."""
    if term.of or term.attribute in ("colour", "pattern", "sleeves", "length"):
        thing = _thing(KINDS.get(term.of, ""), term.of)
        name = f"{term.attribute} of {thing}"
    else:
        name = _thing(term.attribute, term.value)
    return name if name in GROUPS and term.value != _ANYTHING else None


def _thing(attribute: str, value: str) -> str:
    return value if value in _ALONE else attribute

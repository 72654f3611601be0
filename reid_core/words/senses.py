"""The listed words and what each means, by their letters: "T-shirt", "t shirt" and "tshirt" are one word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from reid_core.words.people import BY_COMPANY, HAIR, MADE, PEOPLE
from reid_core.words.terms import How
from reid_core.words.wardrobe import WARDROBE

__all__ = ["LONGEST", "Sense", "in_company", "key", "listed", "said_as"]

LONGEST = 5
"""Words in the longest phrase."""


@dataclass(frozen=True, slots=True)
class Sense:
    """What words mean.

    Attributes:
        meanings: pairs of attribute and value; all are meant.
        how: where that comes from.
        denied: they say that it is not there.
    """

    meanings: tuple[tuple[str, str], ...]
    how: How
    denied: bool = False

    @property
    def attribute(self) -> str:
        """Of the first meaning."""
        return self.meanings[0][0]


def key(words: str) -> str:
    """Their letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]+", "", words.lower())


@cache
def listed() -> dict[str, Sense]:
    """Every listed word and phrase by its key."""
    found: dict[str, Sense] = {}
    for table in (WARDROBE, PEOPLE, HAIR, MADE):
        for attribute, rows in table.items():
            for value, row in rows.items():
                for words, how in _of_row(row):
                    found.setdefault(key(words), Sense(_meanings(attribute, value), how, value[0] == "!"))
    return found


@cache
def said_as() -> dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each attribute and value the captions' words and the other listed ones."""
    found: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for table in (WARDROBE, PEOPLE, HAIR, MADE):
        for attribute, rows in table.items():
            for value, row in rows.items():
                plain = tuple(words for words, how in _of_row(row) if how is How.PLAIN)
                other = tuple(words for words, how in _of_row(row) if how is How.LISTED)
                found[attribute, value] = (plain, other)
    return found


def in_company(word: str, attribute: str) -> tuple[str, str] | None:
    """What a word means beside a noun of this attribute (``hair``, ``person`` or a part of the clothes)."""
    meaning = BY_COMPANY.get(word, {}).get(attribute)
    if meaning is None:
        return None
    attribute, _, value = meaning.partition(":")
    return attribute, value


def _of_row(row: str) -> Iterator[tuple[str, How]]:
    plain, _, others = row.partition(";")
    for words, how in ((plain, How.PLAIN), (others, How.LISTED)):
        yield from ((one.strip(), how) for one in words.split(",") if one.strip())


def _meanings(attribute: str, value: str) -> tuple[tuple[str, str], ...]:
    """``gender`` with ``male+old`` is a gender and an age."""
    values = value.lstrip("!").split("+")
    attributes = attribute.split("+")
    if attribute == "gender" and len(values) > 1:
        attributes = ["gender", "age"]
    elif value == "child":
        attributes = ["age"]
    return tuple(zip(attributes, values, strict=True))

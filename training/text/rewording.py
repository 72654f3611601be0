"""Captions said again in the words of a list of witnesses' descriptions, to measure what other words cost.

The list is YAML: by kind of difficulty, entries with a ``plain`` description and a ``query`` in which each
content word or phrase stands as ``[WORDS=VALUE]``, what it is to be read as (``a|b``: either will do; ``!a``:
said not to be there; ``-``: nothing that can be searched for).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from reid_core.errors import SourceError
from reid_core.words.paraphrasing import in_place, is_several
from reid_core.words.resolving import resolved
from reid_core.words.tokens import tokens_of
from reid_core.words.wardrobe import KINDS

__all__ = ["read_rewordings", "reworded"]

_MARKED = re.compile(r"\[([^\]=]+)=([^\]]+)\]")
_OTHERS = frozenset(("colour", "gender"))
_PRONOUNS = frozenset(("he", "she", "him", "her", "his", "hers"))


def read_rewordings(file: Path) -> Mapping[str, tuple[str, ...]]:
    """The words of a list for each value that one of them stands for alone.

    Raises:
        SourceError: it cannot be read, or is no such list.
    """
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        queries = [entry["query"] for entries in said.values() for entry in entries]
        marked = [each for query in queries for each in _MARKED.findall(query)]
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise SourceError(f"The list of descriptions {file} cannot be read: {error}.") from None
    found: dict[str, set[str]] = {}
    for words, values in marked:
        value = values.split("|")[0]
        if value != "-" and not value.startswith("!") and "+" not in value:
            found.setdefault(value, set()).add(words)
    return {value: tuple(sorted(words)) for value, words in found.items()}


def reworded(text: str, words: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> str:
    """A caption whose things, colours and people are named in other words, wherever there are any.

    Args:
        text: in the words of captions.
        words: for each value, as `read_rewordings` gives them.
        rng: what is drawn from.
    """
    # From behind, so that what comes before keeps its place.
    for item in reversed(tuple(resolved(tokens_of(text)))):
        sense = item.sense
        if sense is None or sense.denied or len(sense.meanings) != 1 or item.words in _PRONOUNS:
            continue
        attribute, value = sense.meanings[0]
        thing = value in KINDS
        if not thing and attribute not in _OTHERS:
            continue
        others = [
            each
            for each in words.get(value, ())
            if each != item.words
            and _may_stand_for(each, attribute)
            and (not thing or is_several(each) is is_several(item.words))
        ]
        if others:
            text = in_place(text, item, others[int(rng.integers(len(others)))])
    return text


def _may_stand_for(words: str, attribute: str) -> bool:
    """Whether words say nothing else, as far as is known: "brunette" is of hair, a boy is a child."""
    senses = [item.sense for item in resolved(tokens_of(words)) if item.sense is not None]
    return all(sense.attribute == attribute and len(sense.meanings) == 1 for sense in senses)

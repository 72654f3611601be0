"""Misspelt words: the word of the vocabulary that differs by least, where there is just one such reading.

A word that English has (the list of pyspellchecker) is no misspelling: a plant is not taken for pants. Nor is
one with letters of another alphabet, which only looks like a word that is left out.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

__all__ = ["corrected", "is_english"]

_SHORTEST = 4
_TWO_SLIPS_FROM = 7
_CANDIDATES = 12


@cache
def _english() -> frozenset[str]:
    from spellchecker import SpellChecker

    return frozenset(SpellChecker(language="en", distance=1).word_frequency.words())


def is_english(word: str) -> bool:
    """Whether English has the word, in lower case."""
    return word in _english()


def corrected(word: str, vocabulary: Sequence[str], meaning: Callable[[str], object]) -> str | None:
    """What a word was meant to be.

    One letter too many, too few, another or two exchanged is a slip; words of seven letters may have two.

    Args:
        word: in lower case.
        vocabulary: words it may be, in lower case.
        meaning: of one of them: where several are as near and mean different things, none is taken. Of two
            as near, one that means nothing (``None``) stands behind.

    Returns:
        A word of the vocabulary; ``None`` where nothing is near, or more than one reading.
    """
    if len(word) < _SHORTEST or is_english(word) or not all(map(_is_latin, word)):
        return None
    slips = 2 if len(word) >= _TWO_SLIPS_FROM else 1
    found = process.extract(
        word, vocabulary, scorer=OSA.distance, processor=None, score_cutoff=slips, limit=_CANDIDATES
    )
    near = [((*slips_of(one, int(distance), word), meaning(one) is None), one) for one, distance, _ in found]
    best = [one for rank, one in near if rank == min(near)[0]]
    return best[0] if best and len({meaning(one) or one for one in best}) == 1 else None


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def slips_of(candidate: str, distance: int, word: str) -> tuple[int, bool, bool]:
    """How unlike two words are: slips, whether the first letters differ, whether letters are new.

    People seldom miss the first letter, and exchange letters more often than they make new ones up.
    """
    return distance, candidate[0] != word[0], sorted(candidate) != sorted(word)

"""A rule-based paraphraser: captions said again in other words of the same meaning, for training.

It goes through the dictionary of `reid_core.words.understanding` the other way round (a red jacket becomes
a vermilion windcheater), so that a text encoder meets the words that witnesses use. It is no language model:
the order of words and all else stays. Results that use it say so by its name.
"""

import re
from functools import cache

import numpy as np

from reid_core.colours import contains_colour
from reid_core.errors import UsageError
from reid_core.words.assembling import THINGS, assembled
from reid_core.words.protected import fit_for_captions
from reid_core.words.resolving import Item, resolved, wordnet_names
from reid_core.words.senses import said_as
from reid_core.words.shades import listed_names, named_colours
from reid_core.words.spelling import is_english
from reid_core.words.terms import How, Term
from reid_core.words.tokens import tokens_of
from reid_core.words.whose import PRONOUNS

__all__ = ["NAME", "in_place", "is_several", "other_words", "paraphrase"]

NAME = "rule-based paraphraser 1"
"""What results call it."""

_ATTRIBUTES = THINGS | {"colour", "gender", "build"}
_MOST_WORDS = 2


def paraphrase(text: str, p: float, rng: np.random.Generator) -> str:
    """A caption in other words.

    Each word for a garment, a thing, a colour or a person is put in another way with probability ``p``, where
    the text is then still understood as before. A text without colours gets none.

    Args:
        text: a caption, in the words of captions; of any case.
        p: 0..1.
        rng: what is drawn from; a draw for each such word, and one more where it is put in another way.

    Raises:
        UsageError: ``p`` is no probability.
    """
    if not 0 <= p <= 1:
        raise UsageError(f"The probability of a paraphrase is between 0 and 1, not {p}.")
    terms = _terms(text)
    # From behind, so that what comes before keeps its place.
    for item in reversed(tuple(resolved(tokens_of(text)))):
        others = _others(item)
        if not others or rng.random() >= p:
            continue
        put = others[int(rng.integers(len(others)))]
        changed = in_place(text, item, put)
        if _terms(changed) == terms:
            text = changed
    return text


def _terms(text: str) -> tuple[Term, ...]:
    return assembled(tuple(resolved(tokens_of(text))))[0]


def _others(item: Item) -> tuple[str, ...]:
    """Other words for what the captions' own words of an item mean."""
    sense = item.sense
    if sense is None or sense.how is not How.PLAIN or len(sense.meanings) != 1 or sense.denied:
        return ()
    attribute, value = sense.meanings[0]
    several = is_several(item.words)
    return tuple(
        words
        for words in other_words(attribute, value)
        if words != item.words and is_several(words) is several
    )


@cache
def other_words(attribute: str, value: str) -> tuple[str, ...]:
    """Words that mean this value, the captions' own among them; none for what is not put in another way."""
    if attribute not in _ATTRIBUTES:
        return ()
    if attribute == "colour":
        named = (name for name, colour in named_colours().items() if colour == value)
        return tuple(one for one in (*listed_names(value), *named) if _is_said(one))
    plain, listed = said_as().get((attribute, value), ((), ()))
    wordnet = wordnet_names(attribute, value)
    # Captions never mention peoples, and those of infrared crops no colours. "A man" is no "a himself".
    return tuple(
        one
        for one in (*plain, *listed, *wordnet)
        if one not in PRONOUNS and not contains_colour(one) and fit_for_captions(one) == one
    )


def _is_said(name: str) -> bool:
    """Whether people would call a colour so: the survey has longer names, CSS has several words in one."""
    words = re.split(r"[\s-]", name)
    return len(words) <= _MOST_WORDS and all(map(is_english, words))


def is_several(words: str) -> bool:
    """Whether English names it in the plural."""
    return words.endswith("s") and not words.endswith(("ss", "us"))


def in_place(text: str, item: Item, put: str) -> str:
    """The text with other words in an item's place: a capital where one was, and their own article."""
    before, after = text[: item.start], text[item.end :]
    if text[item.start].isupper():
        put = put[0].upper() + put[1:]
    article = re.search(r"\b(an?)(\s+)$", before, re.IGNORECASE)
    if article is not None:
        wanted = article[1][0] + ("n" if put[0].lower() in "aeiou" else "")
        before = before[: article.start()] + wanted + article[2]
    return before + put + after

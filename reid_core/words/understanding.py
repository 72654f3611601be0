"""What a witness's words say, in the words that captions and text encoders know.

Words first, then vectors: the words are looked up (`reid_core.words.resolving`), put together
(`reid_core.words.assembling`) and said again in the words of captions (`reid_core.words.phrasing`). Nothing
is guessed silently: how each word was read is part of the answer.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from reid_core.errors import UsageError
from reid_core.words.assembling import assembled
from reid_core.words.markup import without_markup
from reid_core.words.phrasing import sentence_of
from reid_core.words.protected import Kept, fit_for_search
from reid_core.words.resolving import Item, resolved
from reid_core.words.senses import key
from reid_core.words.terms import How, Reading, Understanding
from reid_core.words.tokens import tokens_of

__all__ = ["MOST_CHARACTERS", "MOST_WORDS", "understand"]

MOST_WORDS = 200
"""Words of a description; longer ones are refused."""
MOST_CHARACTERS = 2000
"""Characters of a description."""
_LATIN = 0.8
_FEWEST_WORDS, _STRANGE = 4, 0.6
_ENGLISH_ONLY = "Descriptions are read in English only."


def understand(text: str) -> Understanding:
    """What a description of a person says.

    Spelling and inflection are mended, colours are named by their value, ages and heights are grouped,
    denials ("no bag") are kept apart, and words that nobody is searched by are left out. Tags and other
    markup are left out too. Words that mean nothing here are told, not guessed.

    Args:
        text: English, up to `MOST_WORDS` words.

    Raises:
        UsageError: it is empty, too long, has no words, or is not English.
    """
    if not text.strip():
        raise UsageError("The description is empty.", "Say what the person wears or carries.")
    count = len(text.split())
    if len(text) > MOST_CHARACTERS or count > MOST_WORDS:
        raise UsageError(
            f"The description has {count:,} words and {len(text):,} characters; at most {MOST_WORDS} words "
            f"and {MOST_CHARACTERS:,} characters are read.",
            "Say in a sentence or two what the person wears and carries.",
        )
    plain = without_markup(text)
    _check_script(plain)
    kept = fit_for_search(plain)
    items = tuple(resolved(tokens_of(kept.text)))
    _check_language(items, kept.text)
    terms, readings = assembled(items)
    left_out = _left_out(plain, kept)
    placed = [_placed(plain, kept, one) for one in readings]
    together = sorted([*left_out, *placed], key=lambda one: one.start)
    return Understanding(text, terms, tuple(together), sentence_of(terms))


def _check_script(text: str) -> None:
    letters = [one for one in text if one.isalpha()]
    if not letters and not re.search(r"\d", text):
        raise UsageError("The description has no words.", "Say what the person wears or carries.")
    latin = sum(one.isascii() for one in letters)
    if latin < _LATIN * len(letters):
        raise UsageError(f"The description is not in English. {_ENGLISH_ONLY}")


def _check_language(items: Sequence[Item], text: str) -> None:
    """Refuse a text whose words mostly mean nothing here and mostly are no English words."""
    words = [item for item in items if key(item.words)]
    strange = [item for item in words if item.sense is None and not item.silent]
    # What was taken for a misspelling may be another language's word.
    misspelt = sum(item.sense is not None and item.sense.how is How.SPELLING for item in words)
    if len(words) < _FEWEST_WORDS or len(strange) + 0.5 * misspelt <= _STRANGE * len(words):
        return
    from simplemma import in_target_language

    if in_target_language(text, lang="en") < _STRANGE:
        some = ", ".join(dict.fromkeys(item.words for item in strange[:3]))
        raise UsageError(f"The description seems not to be in English ({some}). {_ENGLISH_ONLY}")


def _left_out(plain: str, kept: Kept) -> list[Reading]:
    """Where the protected words stood."""
    found, at = [], 0
    for one in kept.left_out:
        place = plain.find(one.words)
        at = place if place >= 0 else at
        found.append(Reading(one.words, at, (), How.LEFT_OUT, note=one.about.value))
    return found


def _placed(plain: str, kept: Kept, reading: Reading) -> Reading:
    """A reading where its words stand in the text before protected words were taken out of it."""
    if plain == kept.text:
        return reading
    nth = kept.text.lower().count(reading.words, 0, reading.start)
    place = -1
    for _ in range(nth + 1):
        place = plain.lower().find(reading.words, place + 1)
    return replace(reading, start=place if place >= 0 else reading.start)

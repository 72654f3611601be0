"""Words to senses: the longest run of words that means something, found in one table after the other."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reid_core.words.measures import measured
from reid_core.words.people import BY_COMPANY
from reid_core.words.senses import LONGEST, Sense, key, listed
from reid_core.words.shades import COLOURS, SHADED, colour_sense, named_colours, shaded
from reid_core.words.spelling import corrected, is_english
from reid_core.words.terms import How
from reid_core.words.tokens import DENYING, LEADING, SILENT, TURNING, UNSURE, Kind, Token

__all__ = ["Item", "resolved", "wordnet", "wordnet_names"]

_LETTERS_OF_A_PART = 3
_KNOWN_CUES = DENYING | UNSURE | TURNING


@dataclass(frozen=True, slots=True)
class Item:
    """Some words of a description and what they mean.

    Attributes:
        words: in lower case, with one space between.
        start, end: where they stand, in characters.
        sense: what they mean alone; ``None`` where that is nothing, or depends on what stands beside them.
        note: what a misspelling was taken for.
        silent: they only hold the sentence together.
    """

    words: str
    start: int
    end: int
    sense: Sense | None
    note: str = ""
    silent: bool = False


@cache
def _wordnet_words() -> dict[str, str]:
    file = Path(__file__).with_name("wordnet.json")
    said: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["words"]
    return said


def wordnet_names(attribute: str, value: str) -> tuple[str, ...]:
    """What WordNet has as a kind of this, or as the same."""
    return tuple(word for word, meaning in _wordnet_words().items() if meaning == f"{attribute}:{value}")


@cache
def wordnet() -> dict[str, Sense]:
    """Words that WordNet has as a kind of a listed one, or as the same, by key."""
    found = {}
    for word, meaning in _wordnet_words().items():
        attribute, _, value = meaning.partition(":")
        found[key(word)] = Sense(((attribute, value),), How.WORDNET)
    return found


def resolved(tokens: Sequence[Token]) -> Iterator[Item]:
    """The items of a description in order; marks are items too."""
    at = 0
    while at < len(tokens):
        item, taken = _item(tokens, at)
        yield item
        at += taken


def _item(tokens: Sequence[Token], at: int) -> tuple[Item, int]:
    first = tokens[at]
    if first.kind is Kind.MARK:
        return Item(first.text, first.start, first.end, None, silent=True), 1
    number = measured(tokens, at)
    if number is not None:
        sense, taken = number
        said = " ".join(token.text for token in tokens[at : at + taken])
        return Item(said, first.start, tokens[at + taken - 1].end, sense, silent=sense is None), taken
    for length in range(_run(tokens, at), 0, -1):
        words = tuple(token.text for token in tokens[at : at + length])
        found = _sense(words)
        if found is not None:
            return Item(" ".join(words), first.start, tokens[at + length - 1].end, found), length
    word = first.text
    silent = first.kind is Kind.NUMBER or word in SILENT or word in _KNOWN_CUES
    if silent or word in BY_COMPANY or word in SHADED:
        return Item(word, first.start, first.end, None, silent=silent), 1
    meant = _meant(word)
    if meant is None:
        return Item(word, first.start, first.end, None), 1
    if meant in SILENT or meant in _KNOWN_CUES or meant in BY_COMPANY or meant in SHADED:
        return Item(meant, first.start, first.end, None, meant, meant not in BY_COMPANY), 1
    sense = _sense((meant,))
    assert sense is not None
    return Item(word, first.start, first.end, Sense(sense.meanings, How.SPELLING, sense.denied), meant), 1


def _run(tokens: Sequence[Token], at: int) -> int:
    """How many tokens from here may be one phrase: no mark between, at most `LONGEST`."""
    length = 1
    while length < LONGEST and at + length < len(tokens) and tokens[at + length].kind is not Kind.MARK:
        length += 1
    return length


@lru_cache(maxsize=4096)
def _sense(words: tuple[str, ...]) -> Sense | None:
    """What a phrase means as it stands, or with its last word as dictionaries have it."""
    whole = key("".join(words))
    if len(words) == 1 and words[0] in SILENT - {"his", "her", "he", "she"}:
        return None
    # "as hat" has the letters of no word: parts that are joined must be words of their own.
    joined = len(words) == 1 or all(len(word) >= _LETTERS_OF_A_PART and word not in SILENT for word in words)
    if whole in listed() and (joined or words in _phrases()):
        return listed()[whole]
    colour = colour_sense(words)
    if colour is not None:
        return colour
    if joined and whole in wordnet():
        return wordnet()[whole]
    if len(words) > 1 and words[0] in SHADED:
        base_colour = _sense(words[1:])
        if base_colour is not None and base_colour.attribute == "colour":
            ((_, value),) = base_colour.meanings
            return Sense((("colour", shaded(words[0], value)),), base_colour.how)
    base = _base(words[-1])
    if base != words[-1]:
        return _sense((*words[:-1], base))
    return _lacking(words[0]) if len(words) == 1 else None


@cache
def _phrases() -> frozenset[tuple[str, ...]]:
    from reid_core.words.senses import said_as
    from reid_core.words.tokens import tokens_of

    return frozenset(
        tuple(token.text for token in tokens_of(words))
        for rows in said_as().values()
        for row in rows
        for words in row
    )


def _base(word: str) -> str:
    """The form that dictionaries have: of several the one."""
    from simplemma import lemmatize

    # "Faded" is no fade: what is done to a thing is not the thing.
    done = len(word) <= _LETTERS_OF_A_PART or word.endswith(("ed", "ing"))
    return word if done else lemmatize(word, lang="en").lower()


def _lacking(word: str) -> Sense | None:
    """ "Hatless" denies a hat."""
    stem = word.removesuffix("less")
    if stem == word or len(stem) < _LETTERS_OF_A_PART:
        return None
    found = listed().get(stem)
    return Sense(found.meanings, found.how, denied=True) if found is not None else None


@cache
def _vocabulary() -> tuple[str, ...]:
    """Words a misspelling may stand for: all that mean something alone, and those that mean nothing."""
    colours = {name for name in named_colours() if is_english(name)}
    words = {*listed(), *wordnet(), *colours, *BY_COMPANY, *SHADED, *map(key, COLOURS)}
    return tuple(sorted(words | (LEADING | SILENT | _KNOWN_CUES)))


@lru_cache(maxsize=4096)
def _meant(word: str) -> str | None:
    return corrected(word, _vocabulary(), _meaning)


def _meaning(word: str) -> object:
    sense = _sense((word,))
    return sense.meanings if sense is not None else None

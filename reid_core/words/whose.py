"""Whether words are about the person who is looked for, about somebody beside them, or about a thing."""

from collections.abc import Sequence

from reid_core.words.clause import DESCRIBING, HAIR, THINGS
from reid_core.words.people import AGES_AND_STATURES, BY_COMPANY, COMPANIONS, SIZES
from reid_core.words.protected_words import PERSONS
from reid_core.words.resolving import Item
from reid_core.words.senses import key
from reid_core.words.tokens import LINKING

__all__ = [
    "PRONOUNS",
    "belongs_to_a_thing",
    "is_noun",
    "is_of_a_thing",
    "names_a_person",
    "somebody_behind",
    "somebody_else_follows",
]

PRONOUNS = frozenset(("he", "she", "him", "her", "his", "hers", "himself", "herself"))
_PERSONS = frozenset(PERSONS.split()) | {"person", "suspect", "figure", "stranger", "assailant", "attacker"}
_PERSONS |= {"thief", "robber", "offender", "perpetrator", "someone", "somebody"}
_ANOTHER = frozenset(("a", "an", "another", "his", "her", "their"))
_DETERMINERS = _ANOTHER | {"the", "some", "two", "three", "other"}
_NEAR = """
with by beside near behind to alongside next from for after at against towards toward past holding carrying
pushing pulling dragging accompanied
"""
_BESIDE = (LINKING - {"or", "nor"}) | frozenset(_NEAR.split())
_WAS = frozenset(("is", "are", "was", "were", "very", "quite", "rather", "fairly", ":"))
_ADVERBS = frozenset(("very", "quite", "rather", "fairly"))
_TRAITS = frozenset(("age", "height", "build", "hair length", "hair style", "hair colour"))


def is_noun(item: Item) -> bool:
    """Whether an item names a person: "man", "child", not "he" or "tall"."""
    sense = item.sense
    if sense is None or item.words in PRONOUNS:
        return False
    return sense.attribute == "gender" or ("age", "child") in sense.meanings


def names_a_person(item: Item) -> bool:
    """The same, and "suspect" or "he"."""
    return is_noun(item) or item.words in PRONOUNS or item.words in _PERSONS


def is_of_a_thing(items: Sequence[Item], at: int) -> bool:
    """Whether a noun for a person says whose or for whom a thing is: "a woman's bag", "ladies shoes"."""
    if items[at].end - items[at].start > len(items[at].words):
        return True
    for item in items[at + 1 :]:
        sense = item.sense
        strange = sense is None and not item.silent
        if not strange and (sense is None or sense.attribute not in DESCRIBING):
            return sense is not None and (sense.attribute in THINGS or sense.attribute == HAIR)
    return False


def somebody_else_follows(items: Sequence[Item], at: int) -> bool:
    """Whether behind "with", "next to" or "and" another person is named: "and a tall woman in blue"."""
    if items[at].words not in _BESIDE:
        return False
    place = somebody_behind(items, at)
    between = {item.words for item in items[at + 1 : place]} if place is not None else set()
    # "A tall and young man" is one.
    return place is not None and (items[at].words not in LINKING or bool(between & _ANOTHER))


def somebody_behind(items: Sequence[Item], at: int) -> int | None:
    """Where behind an item the next noun for a person stands, if only words that describe are between."""
    for place in range(at + 1, len(items)):
        item = items[place]
        if is_noun(item) or item.words in COMPANIONS:
            return None if is_of_a_thing(items, place) else place
        described = item.sense is None or item.sense.attribute in _TRAITS | DESCRIBING
        silent = item.silent and item.words not in _ADVERBS
        if item.words not in _DETERMINERS and (silent or not described):
            return None
    return None


def belongs_to_a_thing(items: Sequence[Item], at: int, behind: bool) -> bool:
    """Whether a size or an age is a thing's: "a small red bag", not "a small man", "tall, black coat".

    Args:
        behind: it is said of the thing before it, as in "his bag was small".
    """
    if items[at].words not in SIZES:
        return False
    if behind and at and items[at - 1].words in _WAS:
        return True
    article = at > 0 and items[at - 1].words in _DETERMINERS
    strange = False
    for item in items[at + 1 :]:
        sense = item.sense
        if names_a_person(item):
            return False
        if item.words == "," and article and not strange:
            continue
        if sense is None and key(item.words) in BY_COMPANY:
            continue
        if item.silent:
            break
        if sense is None:
            strange = True
        elif sense.attribute in THINGS or sense.attribute in (HAIR, "beard"):
            return True
        elif sense.attribute not in _TRAITS | DESCRIBING:
            return False
    # Of a noun that means nothing here: "a small dog", but "a young hipster".
    return strange and items[at].words not in AGES_AND_STATURES

"""Items to terms: which colour is of which garment, what is denied, and who is spoken of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from reid_core.words.people import BY_COMPANY
from reid_core.words.resolving import Item
from reid_core.words.senses import Sense, in_company, key
from reid_core.words.shades import SHADED, hair_colour
from reid_core.words.terms import How, Reading, Term
from reid_core.words.tokens import DENYING, LEADING, LINKING, TURNING, UNSURE
from reid_core.words.wardrobe import WARDROBE

__all__ = ["assembled"]

THINGS = frozenset(WARDROBE)
"""Attributes whose values are things."""
_DESCRIBING = frozenset(("colour", "pattern", "sleeves", "length", "fit", "worn"))
_STOPS = frozenset(".;:!?()")
_PRONOUNS = frozenset(["he", "she", "him", "her", "his", "hers", "himself", "herself"])
_UPPER = frozenset(("outer", "top"))
_HAIR = "hair"


@dataclass
class _Said:
    """A word that describes, before it is known what; ``reading`` is its place in the readings."""

    item: Item
    sense: Sense | None
    reading: int
    denied: bool


@dataclass
class _Clause:
    """What is known while a description is gone through."""

    terms: list[Term] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    waiting: list[_Said] = field(default_factory=list)
    thing: Term | None = None
    since_thing: bool = False
    strange: bool = False
    deny: bool = False
    denied_one: bool = False
    unsure: bool = False


def assembled(items: Sequence[Item]) -> tuple[tuple[Term, ...], tuple[Reading, ...]]:
    """The terms of a description and how its words were read."""
    clause = _Clause()
    for at, item in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) else None
        if _is_cue(clause, item, items, at):
            continue
        sense = item.sense
        if _describes_next(item, sense, following):
            _wait(clause, item, sense)
        elif sense is None:
            _strange(clause, item)
        elif sense.attribute in THINGS or sense.attribute == _HAIR:
            _noun(clause, item, sense)
        elif sense.attribute in _DESCRIBING:
            _wait(clause, item, sense)
        else:
            _person(clause, item, sense)
    _flush(clause)
    return _consistent(clause)


def _is_cue(clause: _Clause, item: Item, items: Sequence[Item], at: int) -> bool:
    """Whether an item only steers how others are read; then it has done so."""
    word = item.words
    if word in DENYING:
        following = items[at + 1].words if at + 1 < len(items) else ""
        if following in ("only", "just"):
            return True
        clause.deny, clause.denied_one = not (clause.deny and word == "without"), False
        if word == "nothing" and not any(
            one.sense is not None and one.sense.attribute in THINGS for one in items[at + 1 :]
        ):
            _noun(clause, item, Sense((("carried", "anything"),), How.PLAIN))
        return True
    if clause.deny and word in UNSURE:
        clause.deny, clause.unsure = False, True
        return True
    if word in _STOPS or word in TURNING:
        _flush(clause)
        clause.deny = clause.unsure = False
        return True
    if word == ",":
        if clause.deny and clause.denied_one and not _list_goes_on(items, at):
            clause.deny = False
        if clause.waiting and clause.since_thing and not clause.strange:
            # "A jacket, green, and jeans".
            _flush(clause)
        clause.since_thing = (
            clause.thing is not None and clause.thing.attribute != _HAIR and not clause.waiting
        )
        return True
    if word in LINKING:
        if (
            clause.deny
            and clause.denied_one
            and word not in ("or", "nor", "/")
            and not _list_goes_on(items, at)
        ):
            clause.deny = False
        return True
    if word in LEADING:
        if clause.denied_one:
            clause.deny = False
        if clause.waiting or clause.strange:
            _flush(clause)
        return True
    if word in ("one", "ones") and clause.thing is not None and clause.waiting:
        attribute = clause.thing.attribute
        _noun(clause, item, Sense(((attribute, clause.thing.value),), How.PLAIN))
        return True
    return item.silent


def _list_goes_on(items: Sequence[Item], at: int) -> bool:
    """Whether behind a comma or "and" only things follow up to an "or": "no bag, hat or glasses"."""
    for item in items[at + 1 :]:
        if item.words in ("or", "nor"):
            return True
        plain = item.sense is not None and item.sense.attribute in THINGS
        if not plain and item.words not in (",", "a", "an", "any"):
            return False
    return False


def _describes_next(item: Item, sense: Sense | None, following: Item | None) -> bool:
    """Whether a word takes its meaning from what stands behind it."""
    if following is None or following.sense is None or following.sense.denied:
        return sense is None and key(item.words) in BY_COMPANY
    beside = following.sense.attribute
    if sense is None:
        return key(item.words) in BY_COMPANY or item.words in SHADED
    if sense.attribute in THINGS and beside in THINGS:
        same = sense.attribute == beside or {sense.attribute, beside} <= _UPPER
        return same or in_company(key(item.words), beside) is not None
    return in_company(key(item.words), _company(beside)) is not None and sense.attribute not in _DESCRIBING


def _company(attribute: str) -> str:
    if attribute in ("gender", "age", "height", "build"):
        return "person"
    return attribute


def _read(clause: _Clause, item: Item, values: Sequence[str], how: How, denied: bool = False) -> int:
    clause.readings.append(Reading(item.words, item.start, tuple(values), how, denied, item.note))
    return len(clause.readings) - 1


def _strange(clause: _Clause, item: Item) -> None:
    """A word that means nothing; colours before it may be of what it names."""
    _read(clause, item, (), How.NOT_UNDERSTOOD)
    clause.strange = clause.strange or bool(clause.waiting)


def _wait(clause: _Clause, item: Item, sense: Sense | None) -> None:
    place = _read(clause, item, (), How.NOT_UNDERSTOOD)
    clause.waiting.append(_Said(item, sense, place, clause.deny))
    clause.strange = False


def _put(clause: _Clause, said: _Said, attribute: str, value: str, of: str, how: How, denied: bool) -> None:
    """A describing word found what it is of."""
    term = Term(attribute, value, of, denied)
    clause.terms.append(term)
    clause.readings[said.reading] = replace(
        clause.readings[said.reading],
        values=(*clause.readings[said.reading].values, value),
        how=how,
        denied=denied,
    )


def _noun(clause: _Clause, item: Item, sense: Sense) -> None:
    """A thing, or hair, with all that waited for it."""
    attribute, value = sense.meanings[0]
    denied = sense.denied or clause.deny
    if clause.unsure:
        _read(clause, item, (), How.OPEN)
        clause.waiting, clause.strange = [], False
        return
    if value != "anything" or denied:
        _read(clause, item, (value,), sense.how, denied)
    upgraded = _upgraded(clause, attribute, value)
    clause.thing = Term(attribute, upgraded, denied=denied)
    if attribute != _HAIR and (value != "anything" or denied):
        clause.terms.append(clause.thing)
    _attach(clause)
    clause.since_thing = False
    clause.denied_one = clause.denied_one or clause.deny


def _upgraded(clause: _Clause, attribute: str, value: str) -> str:
    """The kind of thing that the words before it make of a thing: a padded jacket is a down jacket."""
    for said in clause.waiting:
        meant = in_company(key(said.item.words), attribute)
        if (
            meant is not None
            and meant[0] in THINGS
            and value in ("jacket", "coat", "sweater", "shoes", "hat", "top")
        ):
            place = clause.readings[said.reading]
            clause.readings[said.reading] = replace(place, values=(meant[1],), how=How.PLAIN)
            return meant[1] if meant[0] == attribute else value
    return value


def _attach(clause: _Clause) -> None:
    """All that waits is of the thing."""
    thing = clause.thing
    for said in clause.waiting:
        if thing is None:
            _put_free(clause, said)
            continue
        meant = in_company(key(said.item.words), thing.attribute)
        if said.sense is not None and (thing.attribute, thing.value) in said.sense.meanings:
            # "A crew-neck sweatshirt": both name the same thing.
            reading = clause.readings[said.reading]
            clause.readings[said.reading] = replace(
                reading, values=(thing.value,), how=said.sense.how, denied=thing.denied
            )
            continue
        how = said.sense.how if said.sense is not None else How.PLAIN
        denied = thing.denied
        if thing.attribute == _HAIR and said.sense is not None and said.sense.attribute == "colour":
            value = _hair_value(said)
            _put(clause, said, "hair colour", value, "", how, denied)
        elif meant is not None and meant[0] not in THINGS:
            of = "" if thing.attribute == _HAIR else thing.value
            _put(clause, said, meant[0], meant[1], of, how, denied)
        elif said.sense is not None and said.sense.attribute in _DESCRIBING and thing.attribute != _HAIR:
            for attribute, value in said.sense.meanings:
                _put(clause, said, attribute, value, thing.value, how, denied)
        elif said.item.words in ("dark", "light") and thing.attribute in THINGS:
            _put(clause, said, "colour", said.item.words, thing.value, How.PLAIN, denied)
    clause.waiting, clause.strange = [], False


def _hair_value(said: _Said) -> str:
    assert said.sense is not None
    words = said.item.words
    if words in ("dark brown", "light brown"):
        return "dark brown" if words[0] == "d" else "brown"
    return hair_colour(said.sense.meanings[0][1])


def _flush(clause: _Clause) -> None:
    """The end of a clause: what still waits is of the thing before it, or of all clothes."""
    waiting, strange = clause.waiting, clause.strange
    if not waiting or strange:
        clause.waiting, clause.strange = [], False
        return
    if clause.thing is not None and not any(said.denied for said in waiting):
        _attach(clause)
    clause.waiting, clause.strange = [], False
    if clause.thing is None or any(said.denied for said in waiting):
        for said in waiting:
            _put_free(clause, said)


def _put_free(clause: _Clause, said: _Said) -> None:
    """A describing word that is of nothing named: a colour or pattern of all they wear."""
    if said.sense is None:
        meant = in_company(key(said.item.words), "person")
        if meant is not None:
            _put(clause, said, meant[0], meant[1], "", How.PLAIN, said.denied)
        return
    for attribute, value in said.sense.meanings:
        if attribute in ("colour", "pattern"):
            _put(clause, said, attribute, value, "", said.sense.how, said.denied)


def _person(clause: _Clause, item: Item, sense: Sense) -> None:
    """Who is spoken of, and what is true of them at once."""
    denied = sense.denied or (clause.deny and item.words not in _PRONOUNS)
    if clause.unsure:
        if item.words not in _PRONOUNS:
            _read(clause, item, (), How.OPEN)
        return
    for said in clause.waiting:
        meant = in_company(key(said.item.words), _company(sense.attribute))
        if meant is not None:
            _put(clause, said, meant[0], meant[1], "", How.PLAIN, said.denied)
    clause.waiting = [
        said for said in clause.waiting if clause.readings[said.reading].how is How.NOT_UNDERSTOOD
    ]
    if item.words not in _PRONOUNS:
        _read(clause, item, [value for _, value in sense.meanings], sense.how, denied)
    clause.terms += [Term(attribute, value, "", denied) for attribute, value in sense.meanings]
    clause.denied_one = clause.denied_one or denied


def _consistent(clause: _Clause) -> tuple[tuple[Term, ...], tuple[Reading, ...]]:
    """Without what is about somebody else: of two genders or ages the first said counts."""
    first: dict[str, str] = {}
    terms: list[Term] = []
    others: set[str] = set()
    for term in dict.fromkeys(clause.terms):
        single = term.attribute in ("gender", "age") and not term.denied
        if single and first.setdefault(term.attribute, term.value) != term.value:
            others.add(term.value)
        else:
            terms.append(term)
    readings: Iterable[Reading] = clause.readings
    return tuple(terms), tuple(
        replace(one, values=(), how=How.OPEN) if others & set(one.values) and one.how is not How.OPEN else one
        for one in readings
    )

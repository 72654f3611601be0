"""Items to terms: which colour is of which garment, what is denied, and who is spoken of."""

from collections.abc import Sequence
from dataclasses import replace

from reid_core.words.clause import DESCRIBING, HAIR, THINGS, Clause, hair_value
from reid_core.words.cues import is_cue
from reid_core.words.people import BY_COMPANY
from reid_core.words.resolving import Item
from reid_core.words.senses import Sense, in_company, key
from reid_core.words.shades import SHADED
from reid_core.words.terms import How, Reading, Term
from reid_core.words.tokens import LINKING
from reid_core.words.wardrobe import NOT_SEARCHED
from reid_core.words.whose import PRONOUNS, belongs_to_a_thing, is_noun, is_of_a_thing, somebody_behind

__all__ = ["THINGS", "assembled"]

_POSSESSIVE = frozenset(("his", "her", "their", "another", "other"))
_UPPER = frozenset(("outer", "top"))
_OF_HAIR = frozenset(("hair length", "hair style"))
_TRAITS = frozenset(("age", "height", "build"))


def assembled(items: Sequence[Item]) -> tuple[tuple[Term, ...], tuple[Reading, ...]]:
    """The terms of a description and how its words were read."""
    clause = Clause()
    for at, item in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) else None
        if is_cue(clause, items, at):
            continue
        sense = item.sense
        if _describes_next(item, sense, following) or belongs_to_a_thing(items, at, clause.behind):
            clause.wait(item, sense)
        elif sense is None and item.words in ("one", "ones"):
            assert clause.thing is not None
            _noun(clause, item, Sense(((clause.thing.attribute, clause.thing.value),), How.PLAIN))
        elif sense is None:
            _strange(clause, items, at)
        elif sense.attribute in THINGS or sense.attribute == HAIR:
            _noun(clause, item, sense)
        elif sense.attribute in DESCRIBING:
            clause.wait(item, sense, bare=at > 0 and items[at - 1].words == "in")
        else:
            _person(clause, items, at, sense)
    clause.end()
    return _consistent(clause)


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
    return in_company(key(item.words), _company(beside)) is not None and sense.attribute not in DESCRIBING


def _company(attribute: str) -> str:
    if attribute in ("gender", "age", "height", "build"):
        return "person"
    return attribute


def _strange(clause: Clause, items: Sequence[Item], at: int) -> None:
    """A word that means nothing; colours just before it may be of what it names."""
    item, before = items[at], items[at - 1].words if at else ""
    clause.read(item, (), How.NOT_UNDERSTOOD)
    following = items[at + 1].sense if at + 1 < len(items) else None
    if item.words in NOT_SEARCHED and (following is None or following.attribute not in THINGS):
        clause.waiting, clause.strange = [], False
        clause.lost = clause.behind = True
    else:
        # "A red, dirty and torn coat" is a red coat.
        clause.strange = bool(clause.waiting) and before != "," and before not in LINKING
        clause.lost, clause.behind = True, False
    if clause.deny:
        # "No gloves with a red coat"; "not actually carrying a bag" goes on.
        clause.denied_one = clause.denied_one or clause.nothing_of
        clause.denied_word = True


def _noun(clause: Clause, item: Item, sense: Sense) -> None:
    """A thing, or hair, with all that waited for it."""
    if clause.open:
        clause.leave_open(item)
        return
    attribute, value = sense.meanings[0]
    denied = sense.denied or clause.deny
    if value != "anything" or denied:
        clause.read(item, (value,), sense.how, denied)
    thing = Term(attribute, _upgraded(clause, attribute, value), denied=denied)
    if attribute != HAIR and (value != "anything" or denied):
        clause.terms.append(thing)
    clause.name(thing)
    clause.denied_one = clause.denied_one or clause.deny


def _upgraded(clause: Clause, attribute: str, value: str) -> str:
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


def _person(clause: Clause, items: Sequence[Item], at: int, sense: Sense) -> None:
    """Who is spoken of, and what is true of them at once."""
    item = items[at]
    pronoun = item.words in PRONOUNS
    gender = dict(sense.meanings).get("gender", "")
    known = _first(clause, "gender")
    if gender and not pronoun and known not in ("", gender) and is_of_a_thing(items, at):
        # "A man with a woman's bag".
        clause.read(item, (), How.OPEN)
        return
    _whom(clause, items, at, gender)
    if clause.open:
        other_said = clause.other_said
        if not pronoun:
            clause.leave_open(item)
        # Who somebody is says nothing yet of what they wear.
        clause.other_said = other_said
        return
    for said in clause.waiting:
        meant = in_company(key(said.item.words), _company(sense.attribute))
        if meant is not None:
            clause.put(said, *meant, "", How.PLAIN, said.denied)
        elif sense.attribute in _OF_HAIR and said.sense is not None and said.sense.attribute == "colour":
            # "A black ponytail".
            clause.put(said, "hair colour", hair_value(said), "", said.sense.how, said.denied)
    clause.waiting = [
        said for said in clause.waiting if clause.readings[said.reading].how is How.NOT_UNDERSTOOD
    ]
    if sense.attribute == "gender" and clause.denied_trait and not pronoun:
        # "Not a tall man" is a man.
        clause.deny = False
    denied = sense.denied or (clause.deny and not pronoun)
    if not pronoun:
        clause.read(item, [value for _, value in sense.meanings], sense.how, denied)
    clause.terms += [Term(attribute, value, "", denied) for attribute, value in sense.meanings]
    clause.denied_one = clause.denied_one or denied
    clause.denied_trait = clause.denied_trait or (denied and sense.attribute in _TRAITS)


def _whom(clause: Clause, items: Sequence[Item], at: int, gender: str) -> None:
    """Whether from here on the person is spoken of, or somebody else."""
    item, noun = items[at], is_noun(items[at])
    if not gender or (noun and is_of_a_thing(items, at)):
        return
    before = items[at - 1].words if at else ""
    if clause.gender and gender != clause.gender:
        clause.other, clause.other_said = True, clause.other and clause.other_said
    elif noun and clause.gender and before in _POSSESSIVE:
        clause.other, clause.other_said = True, False
    elif clause.gender and item.words in PRONOUNS and somebody_behind(items, at) is None:
        clause.other = False
    if noun and not clause.other:
        clause.gender = clause.gender or gender


def _first(clause: Clause, attribute: str) -> str:
    """What was said first of an attribute; empty for nothing."""
    return next((one.value for one in clause.terms if one.attribute == attribute and not one.denied), "")


def _consistent(clause: Clause) -> tuple[tuple[Term, ...], tuple[Reading, ...]]:
    """Of two genders or ages the first said counts, and what is left of the others is left open."""
    terms: list[Term] = []
    others: set[str] = set()
    for term in dict.fromkeys(clause.terms):
        single = term.attribute in ("gender", "age") and not term.denied
        if single and _first(clause, term.attribute) != term.value:
            others.add(term.value)
        else:
            terms.append(term)
    return tuple(terms), tuple(_without(one, others) for one in clause.readings)


def _without(reading: Reading, others: set[str]) -> Reading:
    """A reading without values that do not count: a boy of sixteen is male, and no child."""
    left = tuple(value for value in reading.values if value not in others)
    if left == reading.values:
        return reading
    return replace(reading, values=left, how=reading.how if left else How.OPEN)

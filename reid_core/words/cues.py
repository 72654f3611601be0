"""Words and marks that only steer how others are read: denials, commas, prepositions, verbs."""

from collections.abc import Sequence

from reid_core.words.clause import DESCRIBING, HAIR, THINGS, Clause
from reid_core.words.resolving import Item
from reid_core.words.terms import How, Term
from reid_core.words.tokens import DENYING, LEADING, LINKING, TURNING, UNSURE, UNSURE_ALONE
from reid_core.words.wardrobe import CARRIED
from reid_core.words.whose import names_a_person, somebody_else_follows

__all__ = ["is_cue"]

_STOPS = frozenset(".;:!?()")
_ENDS = frozenset(".;!?")
_EITHER = frozenset(("or", "nor", "/"))
_ARTICLES = frozenset(("a", "an", "any"))
_IS = frozenset(("is", "are", "was", "were", "be", "been"))
_DRESSED = frozenset(("dressed", "clad", "wearing", "wears", "wore", "wear"))
_WHO = frozenset(("who", "they", "person", "suspect", "individual", "figure", "i"))
_NO_DENIAL = frozenset(("only", "just", "miss"))


def is_cue(clause: Clause, items: Sequence[Item], at: int) -> bool:
    """Whether an item only steers how others are read; then it has done so."""
    item = items[at]
    word = item.words
    if clause.person and not clause.other and somebody_else_follows(items, at):
        clause.end()
        clause.deny, clause.other, clause.other_said = False, True, False
    clause.person = clause.person or names_a_person(item)
    if word in DENYING:
        _deny(clause, items, at)
    elif word in UNSURE_ALONE or (clause.deny and word in UNSURE):
        # "Without a doubt" is sure.
        clause.unsure, clause.deny = not (clause.deny and word == "doubt"), False
        clause.opened = False
    elif word in _STOPS or word in TURNING:
        _stop(clause, word)
    elif word == ",":
        _comma(clause, items, at)
    elif word in LINKING:
        _link(clause, items, at)
    elif word in LEADING:
        _lead(clause, items, at)
    elif word in ("a", "an") and at and items[at - 1].words in LINKING:
        # "Wearing black and a red hat": what waits is of nothing that follows.
        clause.end()
    elif word in ("one", "ones") and clause.thing is not None and clause.waiting:
        # "A black one" is what was named before.
        return False
    else:
        return item.silent
    return True


def _deny(clause: Clause, items: Sequence[Item], at: int) -> None:
    word, following = items[at].words, items[at + 1].words if at + 1 < len(items) else ""
    if following in _NO_DENIAL:
        return
    clause.deny = not (clause.deny and word == "without")
    clause.nothing_of = word in ("no", "without")
    clause.denied_one = clause.denied_trait = False
    clause.denied_word = word == "nothing"
    if word == "nothing" and following != "on" and not _thing_follows(items, at):
        clause.read(items[at], ("anything",), How.PLAIN, denied=True)
        clause.name(Term("carried", "anything", denied=True))
        clause.terms.append(Term("carried", "anything", denied=True))
        clause.denied_one = True


def _thing_follows(items: Sequence[Item], at: int) -> bool:
    """Whether a thing is named before the next comma or stop."""
    for item in items[at + 1 :]:
        if item.words == "," or item.words in _STOPS:
            return False
        if item.sense is not None and item.sense.attribute in THINGS:
            return True
    return False


def _stop(clause: Clause, word: str) -> None:
    clause.end()
    clause.deny = clause.unsure = False
    clause.other = clause.other and word not in _ENDS
    # "Coat: red".
    clause.behind = word == ":" and (clause.thing is not None or clause.lost)
    clause.lost = clause.lost and clause.behind


def _comma(clause: Clause, items: Sequence[Item], at: int) -> None:
    waiting = clause.waiting
    behind = any(said.behind for said in waiting)
    bare = all(said.bare and said.coloured for said in waiting) and _is_new(items, at + 1)
    if waiting and (clause.strange or behind or bare or clause.since_thing):
        # "A jacket, green, and jeans"; "coat red, hat blue"; "red gloves, blue coat"; "in black, red cap".
        clause.end()
    row = clause.nothing_of and bool(waiting) and not behind and not any(said.coloured for said in waiting)
    denied = clause.denied_one or clause.denied_word or (bool(waiting) and not row)
    if clause.deny and denied and not _list_goes_on(clause, items, at):
        # "No large, black bag" is one thing.
        clause.end()
        clause.deny = False
    if clause.unsure and clause.opened and not _list_goes_on(clause, items, at):
        clause.unsure = False
    # "With a child, wearing a red coat": it is the person's.
    clause.other = clause.other and clause.other_said
    thing = clause.thing
    clause.since_thing = thing is not None and thing.attribute in THINGS and not clause.waiting
    clause.behind = False


def _is_new(items: Sequence[Item], at: int) -> bool:
    """Whether behind a comma something new begins: "in black, red cap", not "in black, baggy trousers"."""
    sense = items[at].sense if at < len(items) else None
    if sense is None:
        return False
    if sense.attribute == "colour" or sense.attribute.startswith(HAIR):
        return True
    return sense.attribute in THINGS and " " not in items[at].words


def _link(clause: Clause, items: Sequence[Item], at: int) -> None:
    behind = any(said.behind for said in clause.waiting)
    if behind or (clause.waiting and clause.strange):
        clause.denied_one = clause.denied_one or any(said.denied for said in clause.waiting)
        clause.end()
    # "Black and white" is said of one thing, "black and his hat" is not.
    clause.behind = behind
    either = items[at].words in _EITHER
    if clause.deny and clause.denied_one and not either and not _list_goes_on(clause, items, at):
        clause.deny = False


def _lead(clause: Clause, items: Sequence[Item], at: int) -> None:
    word, before = items[at].words, items[at - 1] if at else None
    goes_on = before is not None and before.words in _EITHER
    if clause.deny and not goes_on and (clause.denied_one or any(said.denied for said in clause.waiting)):
        # "No hat or carrying a bag" denies both.
        clause.deny = False
    if clause.waiting or clause.strange:
        clause.end()
    if word in _IS:
        named = clause.thing is not None or clause.lost
        clause.behind = named and before is not None and not _is_somebody(before)
    elif word != "in" or not _is_coloured_in(clause, items, at):
        clause.behind = False
    if word in _DRESSED:
        clause.free = True


def _is_coloured_in(clause: Clause, items: Sequence[Item], at: int) -> bool:
    """Whether "in" leads to the colour of the garment before it: "a jacket in red and ..."."""
    worn = clause.thing is not None and clause.thing.attribute not in (HAIR, *CARRIED)
    sense = items[at + 1].sense if at + 1 < len(items) else None
    return worn and clause.behind and sense is not None and sense.attribute == "colour"


def _is_somebody(item: Item) -> bool:
    """Whether a person is named, rather than a thing: what he was is no colour of his coat."""
    sense = item.sense
    return item.words in _WHO or (sense is not None and sense.attribute not in (*THINGS, HAIR, *DESCRIBING))


def _list_goes_on(clause: Clause, items: Sequence[Item], at: int) -> bool:
    """Whether behind a comma or "and" only things follow up to an "or": "no bag, hat or glasses".

    Words that describe may follow where nothing was named yet: "no red, blue or green coat".
    """
    entry: list[bool] = []
    for item in items[at + 1 :]:
        if item.words in _EITHER:
            return True
        if item.words == ",":
            entry = []
            continue
        if item.words in _ARTICLES:
            continue
        plain = item.sense is not None and item.sense.attribute in THINGS
        described = item.sense is not None and item.sense.attribute in DESCRIBING and not clause.denied_one
        strange = item.sense is None and not item.silent and item.words not in _STOPS
        if not (plain or described or strange) or (entry and not (plain and entry[-1])):
            return False
        entry.append(not strange)
    return False

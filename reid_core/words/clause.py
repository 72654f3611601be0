"""What is known while a description is gone through: what waits for its noun, and what is said of what."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reid_core.words.resolving import Item
from reid_core.words.senses import Sense, in_company, key
from reid_core.words.shades import hair_colour
from reid_core.words.terms import How, Reading, Term
from reid_core.words.wardrobe import WARDROBE

__all__ = ["DESCRIBING", "HAIR", "THINGS", "Clause", "Said", "hair_value"]

THINGS = frozenset(WARDROBE)
"""Attributes whose values are things."""
DESCRIBING = frozenset(("colour", "pattern", "sleeves", "length", "fit", "worn"))
"""Attributes of things."""
HAIR = "hair"


@dataclass(frozen=True, slots=True)
class Said:
    """A word that describes, before it is known what.

    Attributes:
        item: the word.
        sense: what it means alone.
        reading: its place in the readings.
        denied: it is said not to be so.
        behind: it is said of the thing before it: "his coat was red".
        free: it is said of all clothes: "dressed in red".
        bare: it stands straight behind "in".
    """

    item: Item
    sense: Sense | None
    reading: int
    denied: bool
    behind: bool
    free: bool
    bare: bool

    @property
    def coloured(self) -> bool:
        """Whether it is a colour or pattern, rather than a size or cut."""
        return self.sense is not None and self.sense.attribute in ("colour", "pattern")


@dataclass
class Clause:
    """What is known so far.

    Attributes:
        terms, readings: of what is behind.
        waiting: words that describe a thing not yet named.
        thing: the last thing that was named.
        since_thing: a comma stands behind the thing, and nothing but what describes behind the comma.
        behind: what comes next is said of the thing before: "coat red", "the coat was".
        lost: the last noun is nothing that captions know; what is said of it is given to nothing else.
        strange: so is the noun of what waits.
        free: what comes next is said of all clothes, up to the next thing.
        deny: what comes next is said not to be there; ``nothing_of``: by "no" or "without", so up to a noun.
        denied_one: a noun was denied since; ``denied_trait``: a height, age or build; ``denied_word``: a word
            that means nothing.
        unsure: the witness is not sure of what comes; ``opened``: of something since.
        person: somebody was named; ``gender`` is theirs, where a noun said it.
        other: what comes is about somebody else; ``other_said``: something of them was said.
    """

    terms: list[Term] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    waiting: list[Said] = field(default_factory=list)
    thing: Term | None = None
    since_thing: bool = False
    behind: bool = False
    lost: bool = False
    strange: bool = False
    free: bool = False
    deny: bool = False
    nothing_of: bool = False
    denied_one: bool = False
    denied_trait: bool = False
    denied_word: bool = False
    unsure: bool = False
    opened: bool = False
    person: bool = False
    gender: str = ""
    other: bool = False
    other_said: bool = False

    @property
    def open(self) -> bool:
        """Whether what comes is not said of the person, or not for sure."""
        return self.unsure or self.other

    def read(self, item: Item, values: Sequence[str], how: How, denied: bool = False) -> int:
        """Keep how an item was read; returns its place."""
        self.readings.append(Reading(item.words, item.start, tuple(values), how, denied, item.note))
        return len(self.readings) - 1

    def leave_open(self, item: Item) -> None:
        """Keep that an item is not of the person, or not for sure."""
        self.read(item, (), How.OPEN)
        self.opened, self.other_said = True, self.other
        self.waiting, self.strange = [], False

    def wait(self, item: Item, sense: Sense | None, bare: bool = False) -> None:
        """Keep a describing word until its noun comes; ``bare``: straight behind "in"."""
        if self.open:
            self.leave_open(item)
            return
        bare = bare and not self.behind
        place = self.read(item, (), How.NOT_UNDERSTOOD)
        said = Said(item, sense, place, self.deny, self.behind, self.free or bare, bare)
        if self.strange and said.coloured and any(one.coloured for one in self.waiting):
            # "Red gloves black coat": the first colour has found its noun, though captions do not know it.
            self.waiting = []
        self.waiting.append(said)
        self.strange = False

    def end(self) -> None:
        """The end of a clause: what still waits is of the thing before it, or of all clothes."""
        waiting, strange, thing = self.waiting, self.strange, self.thing
        self.waiting, self.strange = [], False
        if strange or (self.lost and any(said.behind for said in waiting)):
            return
        for said in waiting:
            if thing is not None and _may_be_of(said, thing):
                self._attach(said, thing)
            else:
                self._put_free(said)

    def name(self, thing: Term) -> None:
        """A thing is named: all that waits is of it."""
        waiting, self.waiting, self.strange = self.waiting, [], False
        self.thing = thing
        for said in waiting:
            self._attach(said, thing)
        coloured = any(said.coloured for said in waiting)
        self.behind, self.since_thing, self.lost, self.free = not coloured, False, False, False

    def put(self, said: Said, attribute: str, value: str, of: str, how: How, denied: bool) -> None:
        """A describing word found what it is of."""
        self.terms.append(Term(attribute, value, of, denied))
        reading = self.readings[said.reading]
        self.readings[said.reading] = replace(
            reading, values=(*reading.values, value), how=how, denied=denied
        )

    def _attach(self, said: Said, thing: Term) -> None:
        meant = in_company(key(said.item.words), thing.attribute)
        how = said.sense.how if said.sense is not None else How.PLAIN
        denied = thing.denied or said.denied
        if said.sense is not None and (thing.attribute, thing.value) in said.sense.meanings:
            # "A crew-neck sweatshirt": both name the same thing.
            reading = self.readings[said.reading]
            self.readings[said.reading] = replace(
                reading, values=(thing.value,), how=how, denied=thing.denied
            )
        elif thing.attribute == HAIR and said.sense is not None and said.sense.attribute == "colour":
            self.put(said, "hair colour", hair_value(said), "", how, denied)
        elif meant is not None and meant[0] not in THINGS:
            self.put(said, *meant, "" if thing.attribute == HAIR else thing.value, how, denied)
        elif said.sense is not None and said.sense.attribute in DESCRIBING and thing.attribute != HAIR:
            for attribute, value in said.sense.meanings:
                self.put(said, attribute, value, thing.value, how, denied)
        elif said.item.words in ("dark", "light") and thing.attribute in THINGS:
            self.put(said, "colour", said.item.words, thing.value, How.PLAIN, denied)

    def _put_free(self, said: Said) -> None:
        """A describing word that is of nothing named: a colour or pattern of all they wear."""
        if said.sense is None:
            meant = in_company(key(said.item.words), "person")
            if meant is not None:
                self.put(said, *meant, "", How.PLAIN, said.denied)
            return
        for attribute, value in said.sense.meanings:
            if attribute in ("colour", "pattern"):
                self.put(said, attribute, value, "", said.sense.how, said.denied)


def _may_be_of(said: Said, thing: Term) -> bool:
    """Whether a word may be said of the thing before it: "not red" only where it clearly is."""
    if said.free and said.coloured:
        return False
    return said.behind if said.denied else not thing.denied


def hair_value(said: Said) -> str:
    """What a colour is called of hair."""
    assert said.sense is not None
    words = said.item.words
    if words in ("dark brown", "light brown"):
        return "dark brown" if words[0] == "d" else "brown"
    return hair_colour(said.sense.meanings[0][1])

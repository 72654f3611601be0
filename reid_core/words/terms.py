"""What a description says, as data: terms, and how each of its words was understood."""

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """Where the reading of words comes from."""

    PLAIN = "plain"
    """They are the captions' own."""
    LISTED = "listed"
    """A list of what British and American speakers say."""
    COLOUR = "colour"
    """The colour of that name, by its value."""
    WORDNET = "WordNet"
    """WordNet has them as a kind of it, or as the same."""
    SPELLING = "spelling"
    """They are taken for a misspelling of it."""
    NUMBER = "number"
    """An age or a height."""
    NOT_UNDERSTOOD = "not understood"
    """They say nothing that can be searched for."""
    OPEN = "left open"
    """The witness was not sure of them, or they are about somebody else."""
    LEFT_OUT = "left out"
    """Nobody is searched for by them: ethnicity, religion, health and the like."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a description says.

    Attributes:
        attribute: what it is about: ``gender``, ``age``, ``height``, ``build``, ``hair length``,
            ``hair style``, ``hair colour``, ``beard``; a part of the clothes (``outer``, ``top``, ``lower``,
            ``shoes``, ``hat``, ``scarf``, ``glasses``) or of what is carried (``bag``, ``carried``);
            ``colour``, ``pattern``, ``sleeves``, ``length``, ``fit`` or ``worn`` of one of these.
        value: a canonical one, such as ``down jacket`` or ``dark red``.
        of: the thing that a colour, pattern, cut or fit is of; empty for all clothes.
        denied: it is said not to be there.
    """

    attribute: str
    value: str
    of: str = ""
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How words were understood.

    Attributes:
        words: as they stand in the description.
        start: where, in characters of it.
        values: canonical values; empty where there are none.
        how: where the reading comes from.
        denied: they are said not to be there.
        note: what kind of words were left out, or what a misspelling was taken for; else empty.
    """

    words: str
    start: int
    values: tuple[str, ...]
    how: How
    denied: bool = False
    note: str = ""

    @property
    def told(self) -> str:
        """What a user is told of them; nothing of captions' own words, which are read as they stand."""
        if self.how is How.NOT_UNDERSTOOD:
            return f"{self.words} not understood"
        if self.how is How.OPEN:
            return f"{self.words} left open"
        if self.how is How.LEFT_OUT:
            return f"{self.words} left out ({self.note})"
        value = " and ".join(self.values)
        plain = self.how is How.PLAIN and not self.note
        return "" if plain or self.words == value else f"{self.words} read as {'no ' * self.denied}{value}"


@dataclass(frozen=True, slots=True)
class Understanding:
    """A description as it was understood.

    Attributes:
        text: as it was given.
        terms: what it says, in the order in which it says it.
        readings: of all its words that carry content.
        sentence: the same in the words of captions, for a text encoder; what is denied is not in it. Empty
            where nothing was understood.
    """

    text: str
    terms: tuple[Term, ...]
    readings: tuple[Reading, ...]
    sentence: str

    @property
    def told(self) -> str:
        """How the words were understood, in one line: ``crimson read as red; wellies not understood``."""
        return "; ".join(dict.fromkeys(told for one in self.readings if (told := one.told)))

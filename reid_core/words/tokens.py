"""A description cut into words, numbers and marks, and the words that only hold it together."""

import re
from dataclasses import dataclass
from enum import Enum, auto

__all__ = [
    "DENYING",
    "LEADING",
    "LINKING",
    "SILENT",
    "TURNING",
    "UNSURE",
    "UNSURE_ALONE",
    "Kind",
    "Token",
    "tokens_of",
]


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    NUMBER = auto()
    MARK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text, in lower case, and where it stands; ``joined``: nothing but a hyphen before it."""

    text: str
    start: int
    end: int
    kind: Kind
    joined: bool


_TOKEN = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)|(?P<mark>[^\w\s]|_)")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


DENYING = _set(
    """
    no not without never nor neither none nothing lacking minus lacks lacked sans nobody cannot can't couldn't
    cant couldnt ain't
    isn't wasn't aren't weren't hasn't haven't hadn't didn't doesn't don't wouldn't couldn't isnt wasnt
    hasnt hadnt didnt doesnt dont
    """
)
"""What denies the things behind it."""
TURNING = _set(
    """
    but just only rather instead though although however yet except then otherwise
    """
)
"""What ends a denial."""
UNSURE_ALONE = _set("unsure uncertain dunno forget forgot forgotten doubt")
"""These leave open what comes behind: "unsure about his hat"."""
UNSURE = UNSURE_ALONE | _set(
    "sure certain remember recall know notice noticed tell clear think whether see seen spot idea say make"
)
"""Behind a denial these do so too: "not sure if he had a hat", "couldn't see his shoes"."""
LINKING = frozenset(("and", "or", "n", "nor", "&", "/", "+", "plus"))
LEADING = _set(
    """
    with in wearing wears wore worn wear carrying carries carried carry holding holds held hold has have
    had having is are was were be been on over under sporting dressed clad pushing pushes pushed push
    pulling pulls pulled pull dragging drags dragged drag talking looking using underneath beneath
    around round inside paired matched combined teamed got at by from to into near behind beside next
    through past outside towards toward against alongside accompanied
    """
)
"""Verbs and prepositions: what comes behind is no longer said of what stood before."""
SILENT = (
    LINKING
    | LEADING
    | TURNING
    | _set(
        """
    a an the of that which who whom whose this these those there it its they their theirs them any
    some other another same both each every all also too very quite really rather fairly pretty so
    as well like about around approximately roughly maybe perhaps probably possibly i we you my our me us
    your for if when while where seen saw see looked look looks looking seemed seems seem appears
    appeared appear kind sort type style styled pair piece set one ones someone somebody anyone
    anybody person persons pedestrian pedestrians people individual figure suspect body head neck
    back front side hand hands arm arms shoulder shoulders chest feet foot face waist leg legs left
    right up down out off away along walking walks walked walk standing stands stood stand running
    ran run colour color coloured colored colours colors tone toned hued shade length sleeve sleeves
    size sized build built toting totes hauling hauls shown image picture photo camera view facing
    still part partly only do does did can could will would may might must please find search show
    get got going go went come came than more most least bit something early late mid followed
    together closed opened folded inner i'm i've i'd it's that's there's aged age years year her his
    """
    )
)
"""Words that say nothing by themselves: nobody is told that they were not understood."""


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text in order; hyphens between words are no tokens."""
    found: list[Token] = []
    hyphen = -1
    for match in _TOKEN.finditer(text):
        kind = Kind.NUMBER if match["number"] else Kind.WORD if match["word"] else Kind.MARK
        if match.group() in "-‐‑‒–" and found and kind is Kind.MARK:
            hyphen = match.end()
            continue
        joined = bool(found) and match.start() == hyphen
        word = match.group().lower().replace("’", "'")
        # "the man's", "he's": whose or what he is makes no difference here.
        word = word if word in SILENT else word.removesuffix("'s")
        found.append(Token(word, match.start(), match.end(), kind, joined))
    return found

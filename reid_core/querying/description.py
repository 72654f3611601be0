"""A witness's description, made ready to be searched for: read word by word, said again in captions' words.

The sentence that is searched for holds what was understood and nothing else: no markup, no protected words,
no words that mean nothing here. What the witness denies stands at its end, for encoders that know denials.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reid_core.errors import UsageError
from reid_core.words.phrasing import sentence_of
from reid_core.words.terms import How, Term, Understanding
from reid_core.words.understanding import understand


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a description says.

    Attributes:
        name: for people, such as ``dark red hoodie`` or ``no bag``.
        without: the description without it; empty where nothing is left.
    """

    name: str
    without: str


@dataclass(frozen=True, slots=True)
class Description:
    """A description that can be searched for.

    Attributes:
        understanding: how its words were read.
        sentence: what is searched for.
    """

    understanding: Understanding
    sentence: str

    @property
    def told(self) -> str:
        """How the words were understood, in one line; empty where there is nothing to tell."""
        return self.understanding.told

    @property
    def left_out(self) -> tuple[str, ...]:
        """Words that nobody is searched by, as they stood there."""
        return tuple(one.words for one in self.understanding.readings if one.how is How.LEFT_OUT)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Each thing that is said and the description without it; a garment goes with all said of it."""
        terms = self.understanding.terms
        return tuple(Part(_name(term), said([one for one in terms if one != term])) for term in terms)


def read_description(text: str) -> Description:
    """Read a description.

    Args:
        text: a witness's words, in English.

    Raises:
        UsageError: it is empty, too long, not English, or nothing of it is understood.
    """
    found = understand(text)
    sentence = said(found.terms)
    if not sentence:
        told = f": {found.told}" if found.told else ""
        raise UsageError(
            f"Nothing of the description is something to search for{told}.",
            "Say what the person wears or carries; `nightreid words` shows how words are read.",
        )
    return Description(found, sentence)


def said(terms: Sequence[Term]) -> str:
    """Terms as a sentence in captions' words, what is denied at the end; empty for none."""
    denied = [f"no {term.value}" for term in terms if term.denied and not term.of]
    sentence = sentence_of(terms)
    if not denied:
        return sentence
    return f"{sentence.removesuffix('.') or 'a person'}, {', '.join(dict.fromkeys(denied))}."


def _name(term: Term) -> str:
    named = f"{term.value} ({term.of})" if term.of else term.value
    return f"no {named}" if term.denied else named

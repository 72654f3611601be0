"""What a description says as named features: each thing said counts alone and with what it is of.

Two wordings of one description have the same features. Coarser ones stand beside finer ones (a blue upper
garment, a blue coat), so that a learner has something to go by where the finest was never met.
"""

from collections.abc import Iterator, Sequence

from reid_core.words.terms import Term
from reid_core.words.wardrobe import KINDS

__all__ = ["features_of"]

_REGION = {"outer": "upper", "top": "upper", "lower": "lower", "shoes": "shoes"}
_FAMILY = {
    "light grey": "grey",
    "dark grey": "grey",
    "dark red": "red",
    "light blue": "blue",
    "dark blue": "blue",
    "olive": "green",
}
_LIGHTNESS = {
    "black": "dark",
    "dark grey": "dark",
    "dark blue": "dark",
    "dark red": "dark",
    "dark": "dark",
    "white": "light",
    "light grey": "light",
    "beige": "light",
    "light blue": "light",
    "yellow": "light",
    "pink": "light",
    "light": "light",
}


def features_of(terms: Sequence[Term]) -> tuple[str, ...]:
    """Names of what the terms say, each once; none for no terms."""
    return tuple(dict.fromkeys(name for term in terms for name in _of(term)))


def _of(term: Term) -> Iterator[str]:
    said = f"{term.attribute}:{term.value}"
    if term.denied:
        # What is not there has no colour: only the thing itself, or what is said of the person, counts.
        if not term.of:
            yield f"no {said}"
        return
    if term.attribute == "colour":
        yield from _coloured(term)
        return
    yield said
    if term.value in KINDS:
        yield term.attribute
    if term.of:
        yield f"{said}@{_region(term.of)}"
        yield f"{said}@{term.of}"


def _coloured(term: Term) -> Iterator[str]:
    family = _FAMILY.get(term.value, term.value)
    region = _region(term.of) if term.of else "anything"
    names = (f"colour:{term.value}", f"family:{family}", f"lightness:{_LIGHTNESS.get(term.value, 'medium')}")
    yield from (f"{name}@{region}" for name in names)
    if term.of:
        yield f"family:{family}@{term.of}"


def _region(thing: str) -> str:
    """Which part of the person a thing covers: an upper garment, whatever its kind, is one."""
    if thing == "dress":
        return "dress"
    return _REGION.get(KINDS.get(thing, ""), KINDS.get(thing, thing))

"""Terms back into a sentence, in the words of captions."""

from collections.abc import Sequence

from reid_core.words.terms import Term
from reid_core.words.wardrobe import CARRIED, KINDS

__all__ = ["sentence_of"]

_WHO = {
    ("male", "child"): "young boy",
    ("female", "child"): "young girl",
    ("male", "young"): "young man",
    ("female", "young"): "young woman",
    ("male", "old"): "old man",
    ("female", "old"): "old woman",
    ("male", "adult"): "man",
    ("female", "adult"): "woman",
    ("male", ""): "man",
    ("female", ""): "woman",
    ("", "child"): "child",
    ("", "young"): "young person",
    ("", "old"): "old person",
    ("", "adult"): "person",
    ("", ""): "person",
}
_NAMES = {"telephone": "mobile phone", "down jacket": "padded jacket"}
_PLURAL = frozenset(
    ("trousers", "jeans", "leggings", "shorts", "shoes", "sneakers", "leather shoes", "boots", "sandals")
) | {"high heels", "glasses", "sunglasses"}
_VERBS = {"umbrella": "holding", "telephone": "holding", "pushchair": "pushing", "suitcase": "pulling"}
_PATTERNS = {
    "stripes": "striped",
    "vertical stripes": "vertically striped",
    "checks": "checked",
    "two-coloured": "two-tone",
    "print": "printed",
    "logo": "logo",
    "dots": "polka dot",
}
_SLEEVES = {
    "none": "sleeveless",
    "short": "short sleeve",
    "three-quarter": "three-quarter sleeve",
    "long": "long sleeve",
}
_LENGTHS = {"knee": "knee-length", "mini": "mini", "long": "long", "cropped": "cropped"}


def sentence_of(terms: Sequence[Term]) -> str:
    """What the terms say, without what they deny; empty where they say nothing.

    The order of garments is always the same, so that two wordings of one description give one sentence.
    """
    said = [term for term in terms if not term.denied]
    if not said:
        return ""
    parts = [_who(said), *_hair(said)]
    worn = [_thing(term.value, said) for term in _things(said, carried=False)]
    free = " and ".join(term.value for term in said if term.attribute == "colour" and not term.of)
    if free:
        parts.append(f"dressed in {free}")
    if worn:
        parts.append(f"wearing {_listed(worn)}")
    parts += [
        f"{_VERBS.get(term.value, 'carrying')} {_thing(term.value, said)}"
        for term in _things(said, carried=True)
    ]
    return ", ".join(filter(None, parts)).replace(", with", " with", 1) + "."


def _who(said: Sequence[Term]) -> str:
    gender, age = _value(said, "gender"), _value(said, "age")
    who = _WHO[gender, age]
    build = " ".join(filter(None, (_value(said, "height"), _value(said, "build"))))
    return _article(f"{build} {who}".strip())


def _value(said: Sequence[Term], attribute: str) -> str:
    return next((term.value for term in said if term.attribute == attribute), "")


def _hair(said: Sequence[Term]) -> list[str]:
    length, style = _value(said, "hair length"), _value(said, "hair style")
    beard = "a beard" if _value(said, "beard") else ""
    if length == "bald":
        return ["with " + " and ".join(filter(None, ("a bald head", beard)))]
    colour = _value(said, "hair colour").replace("blond", "blonde")
    reach = {"medium": "shoulder-length"}.get(length, length)
    tied = {"ponytail": " in a ponytail", "bun": " in a bun", "tied": " tied back"}.get(style, "")
    curly = "curly" if style == "curly" else ""
    words = " ".join(filter(None, (reach, colour, curly)))
    hair = f"{words} hair{tied}".strip() if words or tied else ""
    told = " and ".join(filter(None, (hair, beard)))
    return [f"with {told}"] if told else []


def _things(said: Sequence[Term], carried: bool) -> list[Term]:
    order = list(KINDS)
    return sorted(
        (
            term
            for term in said
            if term.value in KINDS
            and KINDS[term.value] == term.attribute
            and (term.attribute in CARRIED) is carried
            and term.value != "anything"
        ),
        key=lambda term: order.index(term.value),
    )


def _thing(value: str, said: Sequence[Term]) -> str:
    """A thing with its fit, sleeves, length, colours and pattern."""

    def of(attribute: str) -> list[str]:
        return [term.value for term in said if term.of == value and term.attribute == attribute]

    words = [
        *("open" for _ in of("worn")),
        *of("fit"),
        *(_LENGTHS[one] for one in of("length")),
        " and ".join(of("colour")),
        *(_PATTERNS[one] for one in of("pattern")),
        *(_SLEEVES[one] for one in of("sleeves")),
        _NAMES.get(value, value),
    ]
    phrase = " ".join(filter(None, words))
    return phrase if value in _PLURAL else _article(phrase)


def _listed(phrases: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))


def _article(phrase: str) -> str:
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"

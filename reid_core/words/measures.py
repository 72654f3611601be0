"""Ages and heights in figures or number words, as the groups that captions know.

A child is under 14, young is 14 to 34, adult 35 to 59, old from 60. Small is up to 165 cm, tall from 180 cm;
what lies between says nothing.
"""

import re
from collections.abc import Sequence

from reid_core.words.senses import Sense, key, listed
from reid_core.words.terms import How
from reid_core.words.tokens import Kind, Token

__all__ = ["age_group", "height_group", "measured"]

_ONES_AND_TEENS = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_ONES = {word: number for number, word in enumerate(_ONES_AND_TEENS.split(), start=1)}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_DECADES = {word[:-1] + "ies": tens for word, tens in _TENS.items()}
_ABOUT_WORDS = "about around aged age approximately roughly nearly almost circa of over under is was"
_ABOUT = frozenset(_ABOUT_WORDS.split())
_YEARS = frozenset(("years", "year", "yrs", "yr", "yo", "y"))
_FEET, _INCHES = frozenset(("foot", "feet", "ft", "'")), frozenset(("inches", "inch", "in", '"', "''"))
_AWAY = frozenset(("away", "from", "behind", "off", "apart", "ahead", "down", "up", "along"))
_AROUND = frozenset(("about", "around", "approximately", "roughly", "nearly", "almost", "circa"))
_SEEN = frozenset(("at", "seen", "saw", "spotted", "observed", "since", "until", "from", "by", "between"))
_TIMES = frozenset(("morning", "evening", "afternoon", "night"))
_PERSONS = frozenset(("person", "suspect", "individual", "figure", "somebody", "someone"))
_HOURS, _NEAR_BY = 24, 4
_OLDEST = 110
_CHILD, _YOUNG, _ADULT = 14, 35, 60
_SMALL, _TALL = 165.0, 180.0


def age_group(years: float) -> str:
    """The group of an age in years."""
    return "child" if years < _CHILD else "young" if years < _YOUNG else "adult" if years < _ADULT else "old"


def height_group(centimetres: float) -> str:
    """``small``, ``tall`` or neither (empty)."""
    return "small" if centimetres <= _SMALL else "tall" if centimetres >= _TALL else ""


def measured(tokens: Sequence[Token], at: int) -> tuple[Sense | None, int] | None:
    """The age or height that starts at a token, and how many tokens it takes.

    Returns:
        ``None`` where there is none. The sense is ``None`` for a height that is neither small nor tall, and
        for a distance.
    """
    return _height(tokens, at) or _age(tokens, at)


def _number(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    """A number in figures or words below 100, and its tokens."""
    if at >= len(tokens):
        return None
    text = tokens[at].text
    if tokens[at].kind is Kind.NUMBER:
        return float(text.replace(",", ".")), 1
    if text in _TENS:
        more = _ONES.get(_text(tokens, at + 1), 10)
        return (_TENS[text] + more, 2) if more < 10 else (float(_TENS[text]), 1)
    return (float(_ONES[text]), 1) if text in _ONES else None


def _text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _height(tokens: Sequence[Token], at: int) -> tuple[Sense | None, int] | None:
    """A height, or how far away somebody is: a measure that says nothing."""
    found = _length(tokens, at)
    if found is None:
        return None
    centimetres, taken = found
    behind = _text(tokens, at + taken)
    ahead = behind == "in" and _text(tokens, at + taken + 1) == "front"
    return (None if behind in _AWAY or ahead else _tall(centimetres)), taken


def _length(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    """A length in centimetres and its tokens."""
    number = _number(tokens, at)
    if number is None:
        return None
    value, taken = number
    unit = _text(tokens, at + taken)
    if unit in ("cm", "centimetres", "centimeters") and 50 < value < 250:
        return value, taken + 1
    if unit in ("m", "metres", "meters", "metre", "meter") and 0.5 < value < 2.5:
        more = _text(tokens, at + taken + 1)
        if value.is_integer() and re.fullmatch(r"\d\d", more):
            # "1m80", "1 m 80 cm".
            return 100 * value + float(more), taken + 2 + (_text(tokens, at + taken + 2) == "cm")
        return 100 * value, taken + 1
    if unit in _FEET and 3 <= value <= 7:
        taken += 1
        inches = _number(tokens, at + taken)
        if inches is not None and inches[0] < 12:
            taken += inches[1]
            if _text(tokens, at + taken) in _INCHES - {"in"} or unit == "'":
                taken += _text(tokens, at + taken) in _INCHES - {"in"}
            return 30.48 * value + 2.54 * inches[0], taken
        return 30.48 * value, taken
    return None


def _tall(centimetres: float) -> Sense | None:
    group = height_group(centimetres)
    return Sense((("height", group),), How.NUMBER) if group else None


def _age(tokens: Sequence[Token], at: int) -> tuple[Sense | None, int] | None:
    before = _text(tokens, at - 1)
    text = _text(tokens, at)
    if text in _DECADES:
        return _aged(_DECADES[text] + 5), 1
    some = re.fullmatch(r"(\w+?y)(?:ish|something|odd)", text)
    if some and some[1] in _TENS:
        return _aged(_TENS[some[1]] + (5 if "some" in text else 0)), 1
    number = _number(tokens, at)
    if number is None or not 0 < number[0] <= _OLDEST:
        return None
    years, taken = number
    unit = _text(tokens, at + taken)
    joined = at + taken < len(tokens) and tokens[at + taken].joined
    if unit in ("something", "odd", "ish") and years >= 10:
        return _aged(years + (0 if unit == "ish" else 5)), taken + 1
    if unit == "s" and years >= 10 and years % 10 == 0:
        return _aged(years + 5), taken + 1
    if unit in _YEARS:
        old = _text(tokens, at + taken + 1) in ("old", "o")
        return (
            (_aged(years), taken + 1 + old) if old or joined or unit in ("yo", "yrs", "yr", "years") else None
        )
    if _is_time(tokens, at, at + taken, years):
        return None
    if before in _ABOUT and years.is_integer() and _ends(tokens, at + taken):
        return _aged(years), taken
    stands_alone = before == "," and at >= 2 and _ends(tokens, at + taken)
    return (_aged(years), taken) if stands_alone and years >= 3 else None


def _is_time(tokens: Sequence[Token], at: int, end: int, years: float) -> bool:
    """Whether a number says when rather than how old: "seen at about 10", "around 11 in the evening"."""
    if _text(tokens, end) == "in" and {_text(tokens, end + 1), _text(tokens, end + 2)} & _TIMES:
        return True
    if _text(tokens, at - 1) not in _AROUND:
        return False
    before = next((place for place in range(at - 1, -1, -1) if _text(tokens, place) not in _AROUND), -1)
    if _text(tokens, before) in _SEEN:
        return True
    far = at - _NEAR_BY if years < _CHILD else 0
    named = any(_is_person(tokens[place].text) for place in range(max(far, 0), at))
    return years <= _HOURS and not named


def _is_person(word: str) -> bool:
    sense = listed().get(key(word))
    return word in _PERSONS or (sense is not None and sense.attribute in ("gender", "age"))


def _ends(tokens: Sequence[Token], at: int) -> bool:
    """Whether a number before this token counts nothing: no word of a thing stands behind it."""
    return at >= len(tokens) or _text(tokens, at) in (
        *",.;)!",
        *("with", "in", "wearing", "and", "carrying", "who", "or", "has", "had", "but", "was", "is"),
    )


def _aged(years: float) -> Sense:
    return Sense((("age", age_group(years)),), How.NUMBER)

"""Words that nobody is described or searched by: ethnicity, religion, health, orientation, opinion.

They are found at word boundaries and judged by what stands beside them, so that a black jacket, a Panama hat
and nail polish stay. What a garment is called after (a Hawaiian shirt, an Indian summer dress) stays in a
witness's text and goes out of captions. Garments that tell a religion are named by what is seen of them: a
hijab is a headscarf.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from reid_core.mending import any_of, without
from reid_core.words.protected_words import (
    AIDS,
    BETWEEN,
    CONDITIONS,
    NEUTRAL,
    OPINIONS,
    ORIENTATIONS,
    ORIGINS,
    PERSONS,
    RELIGIONS,
    SKIN,
    STATUS,
    THINGS_OF_PEOPLE,
)

__all__ = ["Kept", "LeftOut", "Protected", "fit_for_captions", "fit_for_search"]


class Protected(StrEnum):
    """What words may be about."""

    ORIGIN = "ethnicity or origin"
    RELIGION = "religion"
    HEALTH = "health"
    ORIENTATION = "sexual orientation"
    OPINION = "opinion"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Words that were taken out and what they are about."""

    words: str
    about: Protected


@dataclass(frozen=True, slots=True)
class Kept:
    """A text without protected words, and those words in the order in which they were taken out."""

    text: str
    left_out: tuple[LeftOut, ...]


# Characters before a find within which the sentence is mended.
_REACH = 80


def fit_for_search(text: str) -> Kept:
    """A witness's text without what nobody is searched by.

    Args:
        text: English, of any case. One without such words comes back as it is.
    """
    return _kept(text, captions=False)


def fit_for_captions(text: str) -> str:
    """A caption without what captions never mention; garments lose the names of peoples too."""
    return _kept(text, captions=True).text


def _kept(text: str, captions: bool) -> Kept:
    pattern, about, puts = _pattern(captions)
    out: list[LeftOut] = []
    start = 0
    while start > 0 or _suspicious(text):
        found = pattern.search(text, start)
        if found is None:
            if start == 0:
                break
            start = 0
            continue
        name = next(name for name, words in found.groupdict().items() if words is not None)
        first, last = found.span(name)
        # Only just before a gap can new words come together, so a long text takes no longer than it must.
        start = text.rfind(" ", 0, max(0, first - _REACH)) + 1
        words = text[first:last].strip()
        out.append(LeftOut(words, about[name] or _subject(words)))
        if puts[name]:
            text = text[:first] + puts[name] + text[last:]
        else:
            text = text[:start] + _mended(text[start:first], words, text[last:])
    if out:
        text = re.sub(r"\s*\(\s*\)", "", text)
    return Kept(_NEUTRAL.sub(lambda match: _neutral(match.group()), text), tuple(out))


def _mended(before: str, words: str, after: str) -> str:
    if words.endswith(" and"):
        # What "and" joined takes its place.
        return before + after.lstrip()
    mended = without(before, after, "person")
    return re.sub(r"^(\s*)(?:and|but|,)\s+(?=\S)", r"\1", mended) if not before.strip() else mended


_NEUTRAL = re.compile(
    rf"\b(?:{'|'.join(map(re.escape, sorted(NEUTRAL, key=len, reverse=True)))})\b", re.IGNORECASE
)


def _neutral(word: str) -> str:
    put = NEUTRAL[word.lower()]
    return put.capitalize() if word[0].isupper() else put


def _suspicious(text: str) -> bool:
    """Whether a look at the sentence is needed: most captions say black or white of clothes only."""
    words = re.findall(r"[^\W_]+", text.lower())
    for at, word in enumerate(words):
        if word in _firsts() or (word in ("colour", "color") and words[at - 1] == "of"):
            return True
        if word in _SKIN_WORDS:
            before, after = words[max(0, at - 1) : at], words[at + 1 : at + 7]
            if _PEOPLE & {*after, *before} or _BEFORE & {*before} or _AFTER & {*after[:1]}:
                return True
    return False


_SKIN_WORDS = frozenset(SKIN.split())
_PEOPLE = frozenset(PERSONS.split()) | {"looking", "appearance", "wearing", "walked", "ran"}
_SAYING = """
is was are were look looks looked seem seems seemed appear appears appeared be probably possibly maybe
perhaps either very clearly visibly someone somebody anyone anybody
"""
_AGED = "young old older elderly teenage middle-aged aged"
_BEFORE = frozenset(_SAYING.split()) | {"s", "re", "as", "face"} | frozenset(_AGED.split())
_AFTER = frozenset(("who", "was", "is", "face", "faced"))


@cache
def _firsts() -> frozenset[str]:
    """First words of all that is protected but the names of skin, and words that speak of either."""
    rows = (ORIGINS, RELIGIONS, CONDITIONS, AIDS, ORIENTATIONS, OPINIONS, STATUS)
    found = {re.split(r"[\s'-]", one.strip())[0] for row in rows for one in row.split(",") if one.strip()}
    found |= {"descent", "ethnicity", "ancestry", "heritage", "skin", "skinned", "complexion", "complexioned"}
    # "White" of a white stick is a colour nearly always.
    found |= {"race", "stick", "sticks", "cane"}
    codes = {f"ic{number}" for number in range(1, 10)} | {"ic", "complected"}
    plurals = {f"{one}s" for one in found}
    return frozenset((found | plurals | codes) - _SKIN_WORDS)


_PUT = {"out": "", "one": "person", "several": "people"}


@cache
def _pattern(captions: bool) -> tuple[re.Pattern[str], dict[str, Protected | None], dict[str, str]]:
    """All patterns as one, what each of its groups is about, and what is put in its place."""
    sources: list[str] = []
    about: dict[str, Protected | None] = {}
    puts: dict[str, str] = {}
    for number, (source, subject) in enumerate(_sources(captions)):
        name = f"out{number}"
        group = next(group for group in _PUT if f"?P<{group}>" in source)
        puts[name] = _PUT[group]
        sources.append(source.replace(f"?P<{group}>", f"?P<{name}>"))
        about[name] = subject
    return re.compile("|".join(sources), re.IGNORECASE), about, puts


def _sources(captions: bool) -> Iterator[tuple[str, Protected | None]]:
    """Patterns and what they are about, if the pattern alone says it.

    Their group ``out`` is what goes; a person takes the place of the group ``one``, people of ``several``.
    """
    origins, religions = _row(ORIGINS), _row(RELIGIONS)
    skin = rf"(?:(?:very|rather|quite)\s+)?(?:{any_of(SKIN)})(?:[\s-]+(?:{any_of(SKIN)}))?"
    people = f"{origins}|{religions}|{_row(CONDITIONS)}|{_row(ORIENTATIONS)}|{_row(OPINIONS)}"
    # "Race: black", "the man's skin is dark".
    yield (
        rf"(?:\b(?P<out>(?:(?:his|her|their|of|the)\s+)?{_SKIN_AND_RACE}\s*{_IS}\s*"
        rf"(?:(?:{_SUPPOSED})\s+)?(?:{people}|{skin}))\b)(?!\s+(?:{any_of(THINGS_OF_PEOPLE)})\b)",
        Protected.ORIGIN,
    )
    yield rf"(?<=\w)(?P<out>['’]s\s+{_SKIN_AND_RACE}\s*{_IS}\s*(?:{people}|{skin}))\b", Protected.ORIGIN
    yield (
        rf"\b(?P<out>(?:(?:with|has|having|of|and)\s+)?(?:an?\s+|his\s+|her\s+)?{skin}[\s-]+faced?)\b"
        r"(?!\s+(?:mask|masks|covering|paint|shield|scarf|cover)\b)",
        Protected.ORIGIN,
    )
    # Of anybody, wherever they stand.
    yield (
        r"(?<!['’])\b(?P<out>(?:(?:of|with|from)\s+)?(?:an?\s+)?(?:[\w-]+\s+){0,2}(?:descent|ethnicity|ancestry|heritage))\b",
        Protected.ORIGIN,
    )
    yield (
        rf"\b(?P<out>(?:(?:of|with|in)\s+(?:an?\s+)?)?(?:{people}|{skin})(?:[\s-]+(?:{people})){{0,2}}[\s-]+"
        r"(?:looking|born|speaking|origins?|appearance|backgrounds?|features|extraction|race|roots"
        r"|in\s+appearance))\b",
        Protected.ORIGIN,
    )
    # A shirt may have black accents.
    yield rf"\b(?P<out>(?:with\s+(?:an?\s+)?)?(?:{people})[\s-]+accents?)\b", Protected.ORIGIN
    of_skin = rf"(?:an?\s+|his\s+|her\s+)?{skin}[\s-]+(?:skin|complexion)(?:\s+(?:tone|colou?r))?"
    yield rf"(?<=\bwith )(?P<out>{of_skin}\s+and)(?=\s)", Protected.ORIGIN
    yield (
        rf"\b(?P<out>(?:(?:with|has|having|of|and)\s+)?{of_skin})\b(?!\s+and\b)(?!\s+(?:{any_of(THINGS_OF_PEOPLE)})\b)",
        Protected.ORIGIN,
    )
    yield rf"\b(?P<out>{skin}[\s-]+(?:skinned|complexioned|complected))\b", Protected.ORIGIN
    yield rf"\b(?:{any_of(PERSONS)})\s*,\s*(?P<out>{any_of(SKIN)})(?=\s*,)", Protected.ORIGIN
    yield (
        r"\b(?P<out>(?:(?:with|of)\s+)?(?:his\s+|her\s+)?(?:skin\s+(?:tone|colou?r)|complexion))\b(?!ed)",
        Protected.ORIGIN,
    )
    yield r"\b(?P<out>(?:(?:is|was)\s+)?(?:an?\s+)?ic[\s-]?[1-9])\b", Protected.ORIGIN
    yield r"(?<=\w)\s+(?P<out>of\s+colou?r)\b", Protected.ORIGIN
    yield rf"\b(?P<out>{_row(STATUS)})\b", Protected.ORIGIN
    yield rf"\bwith\s+(?P<out>(?:an?\s+)?(?:{_row(AIDS)})\s+and)(?=\s)", Protected.HEALTH
    yield (
        rf"\b(?P<out>(?:(?:with|on|in|using|has|having|and)\s+)?(?:an?\s+|his\s+|her\s+)?(?:{_row(AIDS)}))\b",
        Protected.HEALTH,
    )
    all_of, nouns = f"{people}|{any_of(SKIN)}", f"{origins}|{religions}|{_row(ORIENTATIONS)}|{_row(OPINIONS)}"
    several = r"(?:\s*/\s*|\s+(?:and|or)\s+|[\s-]+)"
    run = (
        rf"(?:{all_of})(?:{several}(?:{all_of})){{0,3}}"
        rf"(?:(?:\s*,|\s+and)(?=\s+(?:{any_of(BETWEEN)})\b))?"
    )
    persons, things = any_of(PERSONS), any_of(THINGS_OF_PEOPLE)
    # Before a person: "a black man", "an elderly Asian lady", but not "black men's shoes".
    between = rf"(?:(?:{any_of(BETWEEN)}|\d+[\s-]years?[\s-]old)[\s,-]+){{0,3}}"
    yield (
        rf"\b(?<!nail )(?P<out>{run})(?=[\s-]+{between}(?:{persons})\b(?!['’]|\s+(?:{things})\b))",
        None,
    )
    yield rf"\b(?<!nail )(?P<out>{people})(?=[\s-]+{between}(?:{persons})\b)", None
    # Beside a person, and nothing else: "black, male, jeans", "a man (white)", "male black".
    colour = rf"(?:{any_of(SKIN)})"
    before = (
        rf"(?:(?:{persons}|{any_of(BETWEEN)}|{any_of(_AGED)}|years?|yrs|old|\d+s?)\s*,?\s+|[.;!?(]\s*|^\s*)"
    )
    yield rf"{before}(?P<out>{colour})(?=\s*,\s*(?:{persons})\s*(?:$|[.,;!?)]|{_GOING_ON}))", Protected.ORIGIN
    yield (
        rf"\b(?:{persons})(?:\s*[,(/]\s*|\s+)(?P<out>{colour})(?=\s*(?:$|[.,;!?)]|{_GOING_ON}))",
        Protected.ORIGIN,
    )
    yield (
        rf"\b(?:an?|the)\s+(?:{any_of(_AGED)})\s+(?P<one>black|white)"
        rf"(?=\s*(?:$|[.,;!?)]|{_GOING_ON}))",
        Protected.ORIGIN,
    )
    # Said of a person: "he is black", "the woman looks Asian".
    yield (
        rf"\b(?:(?:{persons}|s?he|they|who|someone|somebody)\s+(?=\w)|(?:s?he|they|who)(?=['’]))"
        rf"(?P<out>(?:is|was|are|were|looks?|looked|seem(?:s|ed)|appear(?:s|ed)?(?:\s+to\s+be)?|['’](?:s|re)|"
        rf"(?:(?:is|was)\s+)?described\s+as)\s+(?:(?:{_SUPPOSED})\s+){{0,2}}{run}"
        r"(?:\s+and(?=\s+(?:wears|wore|has|had|carries|carried|holds|held|is|was|looks)\b))?)"
        r"(?=\s*(?:$|[.,;!?)]|(?:and|but|in|with|wearing|carrying|about|aged|wears|wore|has|had|is|was|holds)\b))",
        None,
    )
    yield rf"\b(?P<out>described\s+as\s+{run})(?=\s*(?:$|[.,;!?)]|{_GOING_ON}))", None
    yield rf"\b(?:someone|somebody|anyone|anybody)\s+(?P<out>{run})(?=\s*(?:$|[.,;!?)]|\w))", None
    yield r"(?<=\ba )(?P<out>(?:black|white))(?=\s+(?:who|wearing|was|is|walked|ran)\b)", Protected.ORIGIN
    # For a person: "an Asian in a coat", "Muslim, about 30", "two Asians", "pregnant, in a dress".
    ends = rf"(?=\s*(?:$|[.,;:!?)]|\s{_STANDING}))"
    more = rf"(?:\s+(?:and|or)\s+(?:{nouns}))"
    yield (
        rf"\b(?P<several>(?:(?:{all_of})[\s-]+){{0,2}}(?!poles\b)(?:{nouns})s(?:{more[:-1]}s){{0,3}})){ends}",
        None,
    )
    yield (
        rf"(?<!nail )(?<!shoe )\b(?P<out>(?:(?:{all_of})[\s-]+){{0,2}}(?:{nouns}){more}{{0,3}}){ends}",
        None,
    )
    yield rf"\b(?P<out>{_row(CONDITIONS)}){ends}", Protected.HEALTH
    if captions:
        yield rf"(?<!nail )(?<!shoe )\b(?P<out>{nouns})(?=[\s-]+[\w-])", None


_GOING_ON = r"(?:with|in|wearing|wears|wore|carrying|aged|about|approx\w*|and\s+wearing)\b"
_STANDING = (
    r"(?:who|in|with|and|wearing|wears|wore|carrying|holding|was|is|has|had|about|aged|around|on|at|of|from|but|or"
    r"|walking|pushing|pulling)\b"
)
_SKIN_AND_RACE = (
    r"(?:skin(?:\s+(?:tone|colou?r))?|complexion|face|race|ethnicity|ethnic\s+(?:origin|appearance))"
)
_IS = r"(?:[:=–-]|\b(?:is|was|looks?|looked|appear(?:s|ed))\b|\s)"
_SUPPOSED = "probably|possibly|maybe|perhaps|either|very|clearly|visibly"


@cache
def _subjects() -> tuple[tuple[re.Pattern[str], Protected], ...]:
    rows = (
        (RELIGIONS, Protected.RELIGION),
        (CONDITIONS, Protected.HEALTH),
        (ORIENTATIONS, Protected.ORIENTATION),
        (OPINIONS, Protected.OPINION),
    )
    return tuple((re.compile(rf"\b(?:{_row(row)})s?\b", re.IGNORECASE), about) for row, about in rows)


def _subject(words: str) -> Protected:
    """What words of any list are about."""
    return next((about for pattern, about in _subjects() if pattern.search(words)), Protected.ORIGIN)


def _row(words: str) -> str:
    """An alternation of what commas part, the longest first; a space stands for a hyphen too."""
    parts = sorted((one.strip() for one in words.split(",") if one.strip()), key=len, reverse=True)
    return "|".join(
        re.sub(r"(?:\\ |\\-|-| )", r"[\\s-]+", re.escape(one)).replace("'", "['’]?") for one in parts
    )

"""A sentence mended around words that were taken out of it: articles, commas, conjunctions and capitals."""

import re

__all__ = ["FUNCTION_WORDS", "any_of", "without"]

FUNCTION_WORDS = (
    "and or but with without that which who while wearing carrying holding sporting paired matched along "
    "together combined teamed plus has have is are was were in on at over under beneath underneath for from "
    "to of by as near walking standing pulling pushing talking he she they his her their the a an also"
)
"""What can follow words that stood for themselves ("a man in black and ..."), rather than for a noun."""


def any_of(words: str) -> str:
    """An alternation of a text's words, the longest first."""
    return "|".join(sorted(map(re.escape, words.split()), key=len, reverse=True))


_ENDS = re.compile(rf"\s*(?:$|[^\w\s'\"(-]|(?:{any_of(FUNCTION_WORDS)})\b)", re.IGNORECASE)
# A comma that continues a row of adjectives: "black, straight hair", not "black, a bag".
_ROW_GOES_ON = re.compile(rf"\s*,\s*(?!(?:{any_of(FUNCTION_WORDS)})\b|\w+ing\b)\w", re.IGNORECASE)
_ROW_STARTS = re.compile(
    r"\b(?:an?|the|his|her|their|with|of|has|wearing|and|length|short|long)\s+$", re.IGNORECASE
)
_ADJECTIVE = re.compile(
    r"\b(?:short|long|medium|straight|wavy|curly|open|loose|thick|thin|big|large|small|tall|plain|new|old|young"
    r"|slim|baggy|length|sleeve|\w+ed)\s*,\s*$",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:^|(?<=[^\w'-]))(?:in|of|with|wearing|wears|dressed|clad|a|an|the|is|are|was|were|that|which|mostly|mainly"
    r"|all|entirely|both|and|or|same|different|matching|(?:shades?|tones?|hues?)(?=\s+$))\s*$",
    re.IGNORECASE,
)
_LED_TO = re.compile(rf"^\s*(?:and|or)\s+(?!(?:{any_of(FUNCTION_WORDS)})\b|\w+ing\b)(?=\w)", re.IGNORECASE)
_ARTICLE = re.compile(r"\ban?(\s+)$", re.IGNORECASE)


def without(before: str, after: str, stands_for: str = "", closed: bool = False) -> str:
    """What is left when the words between the two are taken out.

    Args:
        before: the text up to them.
        after: the text behind them.
        stands_for: the noun that an article is left with, where they were all that followed it: "a blonde"
            becomes "a person".
        closed: they stood for themselves, whatever comes behind.
    """
    if closed:
        return _joined(*_closed(before, after), False)
    opening = not before.strip() or before.rstrip()[-1] in ".!?"
    before, after = re.sub(r"(?<=\w)\s*-\s*$", " ", before), re.sub(r"^\s*-\s*(?=\w)", " ", after)
    if _ROW_GOES_ON.match(after) and _ROW_STARTS.search(before):
        after = re.sub(r"^\s*,(?:\s*and\b)?", "", after)
    if not stands_for and _ARTICLE.search(before):
        # "a red and jacket" is left with what "and" led to.
        after = _LED_TO.sub(" ", after)
    if _ENDS.match(after):
        if stands_for and _ARTICLE.search(before):
            return _joined(_article(before, stands_for), f" {stands_for}{after}", opening)
        before, after = _closed(before, after)
    elif _ADJECTIVE.search(before):
        before = before.rstrip().rstrip(",") + " "
    return _joined(_article(before, after), after, opening)


def _closed(before: str, after: str) -> tuple[str, str]:
    """Both sides of a colour that stood for itself, without the words that only led to it."""
    kept = before
    while (shorter := _DANGLING.sub("", kept)) != kept:
        kept = shorter
    if kept != before:
        after = re.sub(r"^\s*and\s+(?=\w+ing\b)", " ", after, flags=re.IGNORECASE)
    if not after.strip() or after.lstrip()[0] in ",.;:!?)":
        kept = re.sub(r"[\s,;]+$", "", kept)
    return kept, after


def _article(before: str, after: str) -> str:
    """``before`` with its last word, if that is an article, as the next word wants it."""
    following = after.strip()
    if not following or not _ARTICLE.search(before):
        return before
    wanted = "an" if re.match(r"(?!one|uni|use)[aeiou]", following, re.IGNORECASE) else "a"

    def put(match: re.Match[str]) -> str:
        return (wanted.capitalize() if match.group()[0] == "A" else wanted) + match.group(1)

    return _ARTICLE.sub(put, before)


def _joined(before: str, after: str, opening: bool) -> str:
    """The two sides with one space between words, none before punctuation, a capital where one was."""
    after = after.lstrip()
    if not before.strip():
        after = re.sub(r"^(?:[,;:.]\s*|(?:and|or)\s+)+", "", after, flags=re.IGNORECASE)
        return (
            after[:1].upper() + after[1:] if opening and after[:1].islower() and _sentence(after) else after
        )
    before = before.rstrip()
    if before[-1] in ".!?" and after[:1] in (".", ",", ";"):
        after = after[1:].lstrip()
    tight = not after or after[0] in ",.;:!?)" or before[-1] in "(/\"'"
    return before + after if tight else f"{before} {after}"


def _sentence(text: str) -> bool:
    return text.rstrip()[-1:] in (".", "!", "?")

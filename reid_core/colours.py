"""Colour words taken out of a text: an infrared camera sees no colour, so its filter text names none.

The vocabulary follows the colour filter of TVI-LFM's captions and adds the shades that it misses; words
that are seldom a colour by themselves (sky, wine, light) go only where they stand at one. Unlike plain
string replacement this respects word boundaries and mends the sentence around the gap.
"""

import re

__all__ = ["contains_colour", "strip_colours"]

_BASIC = (
    "black white grey gray red green blue yellow orange pink purple brown "
    "blackish whitish greyish grayish reddish redish greenish bluish blueish yellowish orangish orangey "
    "pinkish purplish brownish goldish silvery greys grays greying graying "
    "blacks whites reds blues greens browns"
)
_SHADES = (
    "maroon teal magenta tan lime olive aqua khaki kaki beige coral taupe salmon burgundy navy gold golden "
    "silver peach auburn brunette blond blonde blondish bleached nude crimson scarlet violet lavender lilac "
    "turquoise cyan indigo azure fuchsia mauve ivory charcoal ochre mustard chestnut vermilion cobalt "
    "emerald hazel ginger pastel neon"
)
# Not colours by themselves: only with a colour behind them.
_MODIFIERS = "light dark darkish bright deep pale mild vivid dull half off jet metallic"
_OBJECTS = (
    "sky sea leaf leafy grass grassy straw wine honey rose lemon mint plum rust royal chocolate coffee camel "
    "sand sandy ash ashy midnight baby powder steel slate army forest bottle hot blood brick cherry coal ice "
    "electric cream"
)
_AFTER = "colou?red|colou?rs?|hued?|shades?|toned|tones?|tinted|tint"
_SEP = r"(?:\s*-\s*|\s+)"


def _any(words: str) -> str:
    return "|".join(sorted(words.split(), key=len, reverse=True))


# What can follow a colour that stands for itself ("a man in black and ..."), rather than a noun's.
_FUNCTION = (
    "and or but with without that which who while wearing carrying holding sporting paired matched along "
    "together combined teamed plus has have is are was were in on at over under beneath underneath for from "
    "to of by as near walking standing pulling pushing talking he she they his her their the a an also"
)
# "in the dark" and "after dark" say when, not what colour.
_DARK = (
    r"(?:(?<!in the )(?<!after )(?<!before )dark(?:ish)?"
    rf"|(?<=in the )dark(?=\s+(?!(?:{_any(_FUNCTION)})\b)\w))"
)
_NAMED = rf"(?:(?:{_any(f'{_BASIC} {_SHADES}')})|(?<!ice )(?<!sun )cream|{_DARK})"
_ANY_COLOURED = (
    rf"(?:multi|two|three|tri|bi|full|{_any(_OBJECTS)}){_SEP}?colou?r(?:ed|s)?|colou?r(?:ed|s|ful)?"
)
_UNIT = (
    rf"(?:(?:{_any(_MODIFIERS)}){_SEP}){{0,3}}(?:(?:{_any(_OBJECTS)}){_SEP})?"
    rf"(?:(?:{_NAMED})\b(?:{_SEP}(?:{_AFTER})\b)?|(?:{_ANY_COLOURED})\b)"
    r"(?:\s*-\s*(?:haired|skinned|eyed|clad)\b)?"
)
_LINK = rf"(?:\s*,\s*(?:and\s+|or\s+)?|\s*[/&+]\s*|\s+(?:and|or|n)\s+|{_SEP})"
_RUN = re.compile(rf"\b{_UNIT}(?:{_LINK}\b{_UNIT})*", re.IGNORECASE)
# "in a shade of purple, and ...": always ends with its colour, whatever comes next.
_SHADE_OF = re.compile(
    rf"\b(?:in\s+)?(?:an?\s+|the\s+)?(?:shades?|tones?|hues?)\s+of\s+{_UNIT}(?:\s+and\s+{_UNIT})?",
    re.IGNORECASE,
)

_ENDS = re.compile(rf"\s*(?:$|[^\w\s'\"(-]|(?:{_any(_FUNCTION)})\b)", re.IGNORECASE)
# A comma that continues a row of adjectives: "black, straight hair", not "black, a bag".
_ROW_GOES_ON = re.compile(rf"\s*,\s*(?!(?:{_any(_FUNCTION)})\b|\w+ing\b)\w", re.IGNORECASE)
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
_ARTICLE = re.compile(r"\ban?(\s+)$", re.IGNORECASE)
_HEAD = re.compile(r"\b(?:blonde?|brunette)$", re.IGNORECASE)


# Characters before a colour within which a sentence is mended.
_REACH = 80


def contains_colour(text: str) -> bool:
    """Whether a colour is named anywhere in the text."""
    return _RUN.search(text) is not None


def strip_colours(text: str) -> str:
    """The text without its colour words, with articles, commas and conjunctions mended.

    A text that names no colour comes back as it is, so a second pass changes nothing.

    Args:
        text: an English description, of any case.
    """
    start = 0
    while True:
        run = _RUN.search(text, start)
        if run is None:
            if start == 0:
                return text
            start = 0
            continue
        run = _SHADE_OF.search(text, start, run.end()) or run
        # Only the words just before a colour are mended, and only there can a new one come together, so a
        # long text takes no longer than it must.
        start = text.rfind(" ", 0, max(0, run.start() - _REACH)) + 1
        text = text[:start] + _without(text[start : run.start()], run.group(), text[run.end() :])


def _without(before: str, run: str, after: str) -> str:
    """What is left when a run of colours between the two is taken out."""
    if _SHADE_OF.fullmatch(run):
        return _joined(*_closed(before, after), False)
    opening = not before.strip() or before.rstrip()[-1] in ".!?"
    before, after = re.sub(r"(?<=\w)\s*-\s*$", " ", before), re.sub(r"^\s*-\s*(?=\w)", " ", after)
    if _ROW_GOES_ON.match(after) and _ROW_STARTS.search(before):
        after = re.sub(r"^\s*,(?:\s*and\b)?", "", after)
    if _ENDS.match(after):
        if _HEAD.search(run) and _ARTICLE.search(before):
            return _joined(_article(before, "person"), " person" + after, opening)
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

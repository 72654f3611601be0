"""Colour words taken out of a text: an infrared camera sees no colour, so its filter text names none.

The vocabulary follows the colour filter of TVI-LFM's captions and adds the shades that it misses; words
that are seldom a colour by themselves (sky, wine, light) go only where they stand at one or at a garment.
Unlike plain string replacement this respects word boundaries, takes the longest match first and mends the
sentence around the gap. "Two-tone" stays: an infrared camera sees that there are two, and not which.
What the published filter makes of a text is in `reid_core.words.published_colours`.
"""

import re

from reid_core.colour_names import with_plain_colours
from reid_core.mending import FUNCTION_WORDS, any_of, without

__all__ = ["COLOUR_WORDS", "contains_colour", "strip_colours"]

_BASIC = (
    "black white grey gray red green blue yellow orange pink purple brown "
    "blackish whitish greyish grayish reddish redish greenish bluish blueish yellowish orangish orangey "
    "pinkish purplish brownish goldish silvery greys grays greying graying "
    "blacks whites reds blues greens browns pinks purples yellows "
    "reddy bluey greeny yellowy orangy pinky purply browny"
)
_SHADES = (
    "maroon teal magenta tan lime olive aqua khaki kaki beige coral taupe salmon burgundy navy gold "
    "golden silver peach auburn brunette blond blonde blondish bleached nude crimson scarlet violet "
    "lavender lilac turquoise cyan indigo azure fuchsia mauve ivory charcoal ochre mustard chestnut "
    "vermilion cobalt emerald hazel ginger pastel neon aquamarine cerulean periwinkle ecru puce russet "
    "sepia claret cerise chartreuse ultramarine tangerine apricot ruby sapphire amber jade ebony mahogany "
    "sienna umber terracotta aubergine oxblood greige maroons teals beiges turquoises darker darkest "
    "rainbow monochrome monochromatic vermillion ocher ocre creme bordeaux celadon viridian gunmetal "
    "blurple burple liliac toupe perrywinkle azul goldenrod burlywood gainsboro heliotrope carmine "
    "cornsilk seafoam purpley olivedrab"
)
# Names of colours written as one word: darkgreen, skyblue.
_FRONTS = (
    "dark light medium deep pale dim hot sky sea steel slate royal powder midnight navajo antique ghost "
    "floral forest lawn spring lime lemon dodger cadet cornflower alice saddle sandy rosy indian rebecca "
    "blue green grey gray yellow orange coal jet snow"
)
_PLAIN = "black white grey gray red green blue yellow orange pink purple brown"


def _ish(colour: str) -> tuple[str, ...]:
    """What is nearly a colour: bluish and blueish, reddish, tannish."""
    return f"{colour}ish", f"{colour.removesuffix('e')}ish", f"{colour}{colour[-1]}ish"


_NEARLY = " ".join(each for colour in f"{_PLAIN} {_SHADES}".split() for each in _ish(colour))
# Not colours by themselves: only with a colour behind them.
_MODIFIERS = "light dark darkish bright deep pale mild vivid dull half off jet metallic all mid fluorescent"
_OBJECTS = (
    "sky sea leaf leafy grass grassy straw wine honey rose lemon mint plum rust royal chocolate coffee "
    "camel sand sandy ash ashy midnight baby powder steel slate army forest bottle hot blood brick cherry "
    "coal ice electric cream copper bronze pewter moss sage petrol racing canary dusty shocking acid "
    "algae barbie barney battleship burnt candy carolina dirt dodger easter fern foam forrest frog "
    "highlighter hospital hunter jungle kelley kelly kermit lawn marine mossy mud muddy peacock pig pitch "
    "poison prussian radioactive raw rusty sap slime sunny sunshine tiffany toxic turtle dusky peachy "
    "minty icky sickly piss windows"
)
_AFTER = "colou?red|colou?rs?|hued?|shades?|toned|tones?|tinted|tint"
_SEP = r"(?:\s*-\s*|\s+)"
# "in the dark" and "after dark" say when, not what colour.
_DARK = (
    r"(?:(?<!in the )(?<!after )(?<!before )dark(?:ish)?"
    rf"|(?<=in the )dark(?=\s+(?!(?:{any_of(FUNCTION_WORDS)})\b)\w))"
)
_JOINED = rf"(?:{any_of(_FRONTS)}){{1,3}}(?:{any_of(f'{_PLAIN} {_SHADES}')})"
_NAMED = rf"(?:(?:{any_of(f'{_BASIC} {_SHADES} {_NEARLY}')})|{_JOINED}|(?<!ice )(?<!sun )cream|{_DARK})"
_SEVERAL = "multi two three four tri bi dual duo"
_MANY = f"{_SEVERAL} full single one uni mono vari parti"
_HOW = "bright vivid light dark pale rich dull soft"
_ANY_COLOURED = (
    rf"(?:{any_of(_MANY)}|{any_of(_OBJECTS)}){_SEP}?colou?r(?:ed|s)?"
    rf"|(?:{any_of(_HOW)})ly{_SEP}colou?red|(?:many|several|various|different|contrasting){_SEP}colou?rs"
    rf"|colou?r(?:ed|s|less|ful(?:ly)?)?(?:{_SEP}block(?:ed|s)?)?"
    rf"|(?:{any_of(_SEVERAL)}){_SEP}?hued"
)
_UNIT = (
    rf"(?:(?:{any_of(_MODIFIERS)}){_SEP}){{0,3}}(?:(?:{any_of(_OBJECTS)}){_SEP})?"
    rf"(?:(?:{_NAMED})\b(?:(?:\s*['’-]\s*|\s+)ish\b|-y\b)?(?:{_SEP}(?:{_AFTER})\b)?|(?:{_ANY_COLOURED})\b)"
    r"(?:\s*-\s*(?:haired|skinned|eyed|clad)\b)?"
)
_LINK = rf"(?:-on-|\s*,\s*(?:and\s+|or\s+)?|\s*[/&+]\s*|{_SEP}(?:and|or|n){_SEP}|{_SEP})"
_RUN = re.compile(rf"\b{_UNIT}(?:{_LINK}\b{_UNIT})*", re.IGNORECASE)
# "in a shade of purple, and ...": always ends with its colour, whatever comes next.
_SHADE_OF = re.compile(
    rf"\b(?:in\s+)?(?:an?\s+|the\s+)?(?:shades?|tones?|hues?)\s+of\s+{_UNIT}(?:\s+and\s+{_UNIT})?",
    re.IGNORECASE,
)
_HEAD = re.compile(r"\b(?:blonde?|brunette)$", re.IGNORECASE)

COLOUR_WORDS = (
    frozenset(
        f"{_BASIC} {_SHADES} {_NEARLY} cream dark darkish colorful colourful colorless colourless".split()
    )
    | frozenset(
        f"{front}{colour}{end}"
        for front in ("", *_MANY.split(), *_OBJECTS.split())
        for colour in ("color", "colour")
        for end in ("", "s", "ed")
    )
    | frozenset(
        f"{front}{colour}"
        for front in _FRONTS.split()
        for colour in f"{_PLAIN} {_SHADES}".split()
        if front != colour
    )
)
"""Words that name a colour standing alone, in lower case."""

# Characters before a colour within which a sentence is mended.
_REACH = 80


def contains_colour(text: str) -> bool:
    """Whether a colour is named anywhere in the text."""
    return _RUN.search(with_plain_colours(text, _NAMED)) is not None


def strip_colours(text: str) -> str:
    """The text without its colour words, with articles, commas and conjunctions mended.

    A text that names no colour comes back as it is, so a second pass changes nothing.

    Args:
        text: an English description, of any case.
    """
    # What a colour is taken out from before a garment may be a name of one itself: "wine, red jacket".
    while (left := _stripped(with_plain_colours(text, _NAMED))) != text:
        text = left
    return text


def _stripped(text: str) -> str:
    """The text without words that are colours wherever they stand."""
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
        whole = _SHADE_OF.fullmatch(run.group()) is not None
        person = "person" if _HEAD.search(run.group()) else ""
        text = text[:start] + without(text[start : run.start()], text[run.end() :], person, whole)

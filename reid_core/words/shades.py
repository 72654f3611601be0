"""Colour names as the colours that captions know.

Captions know eighteen. What another name is read as was decided by its value: the survey of XKCD and the CSS
names have one for each name, and the nearest shade of a caption's colour in CIELAB is taken where it is near
enough (`colour_names.json`, made by ``python -m training.word_tables``).
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from reid_core.words.senses import Sense, key
from reid_core.words.terms import How

__all__ = [
    "COLOURS",
    "HAIR_COLOURS",
    "SHADED",
    "colour_sense",
    "hair_colour",
    "listed_names",
    "named_colours",
    "shaded",
]

COLOURS = (
    "black",
    "white",
    "grey",
    "light grey",
    "dark grey",
    "red",
    "dark red",
    "blue",
    "light blue",
    "dark blue",
    "green",
    "olive",
    "yellow",
    "orange",
    "pink",
    "purple",
    "brown",
    "beige",
)
HAIR_COLOURS = ("black", "dark brown", "brown", "blond", "grey", "white", "red")

_PLAIN = {
    "black": "dark black",
    "grey": "gray",
    "light grey": "pale grey, silver grey",
    "dark grey": "charcoal grey, charcoal",
    "red": "bright red",
    "dark red": "maroon, wine red, burgundy",
    "blue": "royal blue",
    "light blue": "sky blue, pale blue",
    "dark blue": "navy blue, navy",
    "green": "grass green",
    "olive": "olive green, khaki green, army green",
    "yellow": "mustard yellow",
    "pink": "light pink, pastel pink",
    "purple": "violet",
    "brown": "dark brown",
    "beige": "cream, khaki, light brown",
}
_LISTED = {
    "black": "blackish, inky, sooty, pitch black, coal black, jet black, all-black",
    "white": "whitish, snowy, snow-white, milky, off-white, chalky, all-white",
    "grey": "greyish, grayish, ashen",
    "light grey": "silver, silvery, ash",
    "red": "reddish, blood-red, fiery",
    "blue": "bluish, blueish",
    "green": "greenish, leafy, grassy",
    "yellow": "yellowish, fluorescent, fluorescent yellow, hi-vis yellow",
    "orange": "orangey, orangish, hi-vis orange",
    "pink": "pinkish, rosy",
    "purple": "purplish",
    "brown": "brownish, chocolatey",
    "beige": "camel, fawn, sandy, flesh-coloured, nude, oatmeal",
    "light blue": "baby blue, duck-egg blue",
}
_LIGHT = frozenset(("light", "pale", "pastel", "baby", "faded", "washed"))
_DARK = frozenset(("dark", "deep", "darkish"))
_OTHER_SHADES = "bright vivid dull mid medium neon solid plain all very soft dusty electric hot muted"
_OTHER = frozenset(_OTHER_SHADES.split())
SHADED = _LIGHT | _DARK | _OTHER
"""Words that shade a colour behind them."""
_LIGHTER = {"grey": "light grey", "dark grey": "grey", "blue": "light blue", "dark blue": "blue"}
_LIGHTER |= {"brown": "beige", "red": "pink", "dark red": "red"}
_DARKER = {"grey": "dark grey", "light grey": "grey", "blue": "dark blue", "light blue": "blue"}
_DARKER |= {"red": "dark red"}
_HAIR = {
    "beige": "blond",
    "yellow": "blond",
    "orange": "red",
    "dark red": "red",
    "light grey": "grey",
    "dark grey": "grey",
    "olive": "brown",
}


@cache
def named_colours() -> dict[str, str]:
    """Names whose colour is near one of captions, and which that is."""
    file = Path(__file__).with_name("colour_names.json")
    said: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["names"]
    return said


def listed_names(colour: str) -> tuple[str, ...]:
    """The captions' and the listed names of a colour but its own."""
    rows = (_PLAIN.get(colour, ""), _LISTED.get(colour, ""))
    return tuple(name.strip() for row in rows for name in row.split(",") if name.strip())


@cache
def _named() -> dict[str, str]:
    return {key(name): colour for name, colour in named_colours().items()}


@cache
def _listed() -> dict[str, Sense]:
    found = {key(colour): Sense((("colour", colour),), How.PLAIN) for colour in COLOURS}
    for table, how in ((_PLAIN, How.PLAIN), (_LISTED, How.LISTED)):
        for colour, row in table.items():
            for words in row.split(","):
                found.setdefault(key(words), Sense((("colour", colour),), how))
    return found


def colour_sense(words: Sequence[str]) -> Sense | None:
    """The colour that these words name together, in lower case, if they do."""
    name = re.sub("gray", "grey", "".join(words))
    found = _listed().get(name)
    if found is None and name in _named():
        found = Sense((("colour", _named()[name]),), How.COLOUR)
    return found


def shaded(word: str, colour: str) -> str:
    """A colour with a word before it that makes it lighter or darker, or neither."""
    table = _LIGHTER if word in _LIGHT else _DARKER if word in _DARK else {}
    return table.get(colour, colour)


def hair_colour(colour: str) -> str:
    """What a colour is called where it is of hair."""
    return _HAIR.get(colour, colour)

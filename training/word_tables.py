"""The tables of words that `reid_core.words` carries, made anew from their sources.

``python -m training.word_tables --wordnet /usr/share/wordnet`` (Debian's ``wordnet-base``) writes both:

* ``colour_names.json``: each colour name of XKCD's survey (CC0) and of CSS, as matplotlib has them, with the
  nearest of the colours that captions know.
* ``wordnet.json``: nouns that WordNet 3.0 has as the same as a kind of thing or as a kind of it (a path
  similarity of at least .5: the same synset or the one above), in that word's first sense.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import reid_core.words
from reid_core.types import Floats
from reid_core.words.senses import key, listed
from reid_core.words.shades import COLOURS

FOLDER = Path(reid_core.words.__file__).parent
FARTHEST = 20.0
"""CIELAB distance above which a name is of no caption's colour."""

# How a colour that captions know in several shades is divided: by lightness (L* of CIELAB), ever lighter.
_DIVIDED = {
    "grey": ((40.0, "dark grey"), (72.0, "grey"), (101.0, "light grey")),
    "blue": ((27.0, "dark blue"), (68.0, "blue"), (101.0, "light blue")),
    "red": ((32.0, "dark red"), (101.0, "red")),
    "brown": ((62.0, "brown"), (101.0, "beige")),
}
_LIGHTNESS = 0.5
"""How much lightness counts beside hue and chroma, as for textiles (CMC 2:1)."""
# Names that say first of all what a thing is made of, or that are no names of colours elsewhere.
_NO_COLOURS = frozenset(
    ("denim", "straw", "leather", "bland", "bruise", "custard", "dirt", "dust", "iris", "ice")
)
_NO_COLOURS |= frozenset(
    ("marine", "mud", "putty", "spruce", "sun", "velvet", "pale", "dark", "light", "poison")
)
_NO_COLOURS |= frozenset(("sick", "linen"))
# Names with these words nobody uses of clothes.
_UNUSED = frozenset(
    ("booger", "poo", "poop", "puke", "shit", "snot", "vomit", "barf", "diarrhea", "bile", "blood")
)

_ANCHORS = {
    "outer:jacket": "jacket.1",
    "outer:coat": "coat.1 overcoat.1",
    "outer:raincoat": "raincoat.1",
    "outer:vest": "vest.1",
    "outer:blazer": "blazer.1 suit.1",
    "top:t-shirt": "t-shirt.1",
    "top:shirt": "shirt.1",
    "top:polo shirt": "polo_shirt.1",
    "top:blouse": "blouse.1",
    "top:sweater": "sweater.1 sweatshirt.1 pullover.1 cardigan.1",
    "top:tank top": "tank_top.1 singlet.1",
    "lower:trousers": "trouser.1 slacks.1",
    "lower:jeans": "jean.1",
    "lower:leggings": "tights.1",
    "lower:shorts": "shorts.1",
    "lower:skirt": "skirt.2",
    "lower:dress": "dress.1 gown.1",
    "shoes:shoes": "shoe.1",
    "shoes:sneakers": "sneaker.1",
    "shoes:leather shoes": "brogan.1 oxford.4 loafer.2",
    "shoes:boots": "boot.1",
    "shoes:sandals": "sandal.1",
    "hat:hat": "hat.1",
    "hat:cap": "cap.1",
    "hat:headscarf": "headscarf.1",
    "scarf:scarf": "scarf.1",
    "glasses:glasses": "spectacles.1",
    "glasses:sunglasses": "sunglasses.1",
    "bag:bag": "bag.1",
    "bag:backpack": "backpack.1",
    "bag:handbag": "handbag.1",
    "bag:shoulder bag": "shoulder_bag.1",
    "bag:suitcase": "bag.6 luggage.1",
    "carried:umbrella": "umbrella.1",
    "carried:telephone": "cellular_telephone.1 telephone.1",
    "carried:pushchair": "baby_buggy.1",
    "carried:box": "box.1 carton.2 package.2",
    "beard:beard": "beard.1",
    "colour:black": "black.1",
    "colour:white": "white.2",
    "colour:grey": "gray.1",
    "colour:red": "red.1",
    "colour:blue": "blue.1",
    "colour:green": "green.1",
    "colour:yellow": "yellow.1",
    "colour:orange": "orange.2",
    "colour:pink": "pink.1",
    "colour:purple": "purple.1",
    "colour:brown": "brown.1",
}
"""What each kind is in WordNet: noun lemmas with the number of the sense.

Kinds of people are not looked up: most that WordNet has are said of somebody's life, descent or worth.
"""

# In clothes these first of all mean something else.
_OTHERWISE = frozenset(
    ("imperial", "hessian", "knickers", "stole", "pinner", "derby", "leghorn", "newmarket", "hod")
)


def main(
    wordnet: Annotated[Path, typer.Option(help="Folder of index.noun and data.noun of WordNet 3.0.")],
) -> None:
    """Write both tables."""
    _write("colour_names.json", {"names": colour_table(named_values())})
    _write("wordnet.json", {"words": wordnet_table(wordnet)})


def _write(name: str, table: Mapping[str, Mapping[str, str]]) -> None:
    (FOLDER / name).write_text(json.dumps(table, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def named_values() -> dict[str, str]:
    """Colour names in lower case, spelt with "grey", and their values as ``#rrggbb``; the survey's first."""
    from matplotlib.colors import CSS4_COLORS, XKCD_COLORS

    survey = {name.removeprefix("xkcd:"): value for name, value in XKCD_COLORS.items()}
    names = CSS4_COLORS | survey
    return {
        name.replace("gray", "grey").replace("/", " "): str(value).lower() for name, value in names.items()
    }


def colour_table(values: Mapping[str, str]) -> dict[str, str]:
    """Each name with the captions' colour that its value is nearest to, where that is near.

    A name that ends with a colour ("brick red", "turquoise blue") is one of that colour's kinds. Other names
    are of the colour whose kind is nearest.
    """
    places = dict(zip(values, _lab(list(values.values())), strict=True))
    heads = {name: head for name in values if (head := _head(name)) is not None}
    anchors = np.stack([places[name] for name in heads])
    table = {}
    for name, place in places.items():
        if name in _NO_COLOURS or name in COLOURS or _UNUSED & {*name.split()}:
            continue
        head = heads.get(name)
        if head is None:
            distances = np.linalg.norm((anchors - place) * (_LIGHTNESS, 1, 1), axis=1)
            if distances.min() > FARTHEST:
                continue
            head = list(heads.values())[int(distances.argmin())]
        table[name] = next(
            colour for limit, colour in _DIVIDED.get(head, ((101.0, head),)) if float(place[0]) < limit
        )
    return table


def _head(name: str) -> str | None:
    """The colour that a name ends with: "brick red" is a red, and so is "darkred"."""
    last = name.rsplit(maxsplit=1)[-1]
    return next((colour for colour in COLOURS if " " not in colour and last.endswith(colour)), None)


def _lab(values: Sequence[str]) -> Floats:
    """``(N, 3)`` CIELAB of sRGB values."""
    import cv2

    rgb = np.array([[int(value[at : at + 2], 16) for at in (1, 3, 5)] for value in values], np.float32)
    lab: Floats = cv2.cvtColor(rgb[None] / 255, cv2.COLOR_RGB2LAB)[0]
    return lab


def wordnet_table(folder: Path, anchors: Mapping[str, str] = _ANCHORS) -> dict[str, str]:
    """Nouns of WordNet that mean a kind of thing, ``attribute:value`` each.

    Args:
        folder: with ``index.noun`` and ``data.noun`` of WordNet 3.0.
        anchors: the meanings with the lemmas and senses that stand for them.
    """
    senses = dict(_senses(folder / "index.noun"))
    synsets = dict(_synsets(folder / "data.noun"))
    kinds: dict[str, set[str]] = {}
    own: dict[str, str] = {}
    for meaning, standing in anchors.items():
        for anchor in standing.split():
            lemma, _, number = anchor.rpartition(".")
            own[senses[lemma][int(number) - 1]] = meaning
    for synset, (_, above) in synsets.items():
        found = {own[synset]} if synset in own else {own[one] for one in above if one in own}
        if len(found) == 1:
            kinds[synset] = found
    table = {}
    for lemma, numbers in senses.items():
        name = lemma.replace("_", " ")
        # What a proper name stands for has nothing above it.
        sure = kinds.get(next((one for one in numbers if synsets[one][1]), ""))
        if (
            sure
            and name not in _OTHERWISE
            and key(name) not in listed()
            and re.fullmatch(r"[a-z' .-]+", name)
        ):
            table[name] = next(iter(sure))
    return table


def _senses(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Lemmas with their synsets, the most frequent sense first."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):
            lemma, _, count, *rest = line.split()
            yield lemma, rest[-int(count) :]


def _synsets(file: Path) -> Iterator[tuple[str, tuple[list[str], list[str]]]]:
    """Synsets with their words and what is above them."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        fields = line.partition(" | ")[0].split()
        count = int(fields[3], 16)
        words = [word.lower() for word in fields[4 : 4 + 2 * count : 2]]
        pointers = fields[5 + 2 * count :]
        above = [pointers[at + 1] for at in range(0, len(pointers), 4) if pointers[at] == "@"]
        yield fields[0], (words, above)


if __name__ == "__main__":
    typer.run(main)

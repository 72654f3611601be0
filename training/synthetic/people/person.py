"""Who a person of the synthetic world is: body, hair, clothes and what they carry."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

RGB: TypeAlias = tuple[float, float, float]
Side: TypeAlias = Literal["left", "right"]
Gender: TypeAlias = Literal["male", "female"]
AgeGroup: TypeAlias = Literal["child", "young", "adult", "old"]
TopKind: TypeAlias = Literal["t-shirt", "shirt", "polo shirt", "blouse", "sweater", "hoodie", "tank top"]
OuterKind: TypeAlias = Literal["jacket", "coat", "down jacket", "blazer", "vest", "raincoat"]
BottomKind: TypeAlias = Literal["trousers", "jeans", "leggings", "shorts", "skirt", "dress"]
ShoeKind: TypeAlias = Literal["sneakers", "leather shoes", "boots", "sandals", "high heels"]
HairLength: TypeAlias = Literal["bald", "short", "medium", "long"]
HairStyle: TypeAlias = Literal["loose", "ponytail", "bun", "curly"]
HatKind: TypeAlias = Literal["cap", "hat", "beanie", "hood", "headscarf"]
ItemKind: TypeAlias = Literal[
    "backpack", "shoulder bag", "handbag", "tote bag", "suitcase", "umbrella", "telephone", "pushchair", "box"
]
Pattern: TypeAlias = Literal[
    "plain", "stripes", "vertical stripes", "checks", "two-coloured", "print", "logo", "dots"
]

# Typical sRGB of a colour word; a garment's own colour is drawn around it.
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (28, 28, 32),
    "white": (232, 232, 228),
    "grey": (128, 130, 132),
    "light grey": (182, 184, 186),
    "dark grey": (72, 74, 78),
    "red": (184, 34, 38),
    "dark red": (104, 26, 34),
    "blue": (44, 84, 168),
    "light blue": (132, 172, 214),
    "dark blue": (30, 40, 80),
    "green": (46, 118, 66),
    "olive": (94, 96, 56),
    "yellow": (222, 190, 60),
    "orange": (218, 112, 40),
    "pink": (222, 146, 168),
    "purple": (104, 62, 132),
    "brown": (98, 66, 44),
    "beige": (198, 178, 142),
}
HAIR_COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (24, 22, 22),
    "dark brown": (48, 34, 26),
    "brown": (86, 58, 38),
    "blond": (176, 142, 92),
    "grey": (140, 138, 136),
    "white": (206, 204, 200),
    "red": (122, 58, 32),
}


@dataclass(frozen=True, slots=True)
class Cloth:
    """A material with up to two colours, as the three spectra see it.

    Attributes:
        colours: one or two colour words, keys of `COLOURS`.
        rgb: sRGB of each, 0..1.
        near: near-infrared reflectance of each, 0..1.
        pattern: how the two share the surface.
        scale: metres of one repeat of the pattern.
        warmth: where its surface temperature lies, 0 at the air's, 1 at the skin's.
        roughness: 0 smooth and shiny (nylon, leather), 1 matt (wool).
        seed: of whatever else is random about the surface (where a print sits, how it folds).
    """

    colours: tuple[str, ...]
    rgb: tuple[RGB, ...]
    near: tuple[float, ...]
    pattern: Pattern = "plain"
    scale: float = 0.1
    warmth: float = 0.5
    roughness: float = 0.8
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Body:
    """The parametric body; fractions in 0..1 are the body model's phenotypes.

    Attributes:
        gender: what the body and mostly the dress suggest.
        age: group, as words use it.
        age_fraction: phenotype, 1/3 a child, 2/3 a young adult, 1 old.
        gender_fraction: phenotype, 0 male, 1 female.
        muscle, weight, height, proportions: phenotypes.
        skin: tone, 0 light to 1 dark. For rendering only: never a caption, label or search word.
        face: seed of the face's details.
    """

    gender: Gender
    age: AgeGroup
    age_fraction: float
    gender_fraction: float
    muscle: float
    weight: float
    height: float
    proportions: float
    skin: float
    face: int


@dataclass(frozen=True, slots=True)
class Hair:
    """Hair of the head, and the beard.

    Attributes:
        length: ``bald`` to ``long`` (below the shoulders).
        style: how it is worn; ``curly`` stands off.
        colour: key of `HAIR_COLOURS`.
        rgb: sRGB 0..1.
        near: near-infrared reflectance 0..1.
        beard: 0 none, above 0.5 a full one.
    """

    length: HairLength
    style: HairStyle
    colour: str
    rgb: RGB
    near: float
    beard: float


@dataclass(frozen=True, slots=True)
class Top:
    """What covers the trunk under an outer garment; ``sleeve`` 0 none, 1 to the wrist."""

    kind: TopKind
    sleeve: float
    long: bool
    fit: float
    cloth: Cloth


@dataclass(frozen=True, slots=True)
class Outer:
    """A garment over the top. ``length`` 0 ends at the waist, 1 at the knees; ``open`` shows the top."""

    kind: OuterKind
    sleeve: float
    length: float
    open: bool
    fit: float
    cloth: Cloth


@dataclass(frozen=True, slots=True)
class Bottom:
    """Trousers, skirt or dress. ``length`` 0 ends at the hip, 1 at the ankle; ``fit`` 0 tight, 1 wide.

    A dress continues the top: the top's cloth is the dress's.
    """

    kind: BottomKind
    length: float
    fit: float
    cloth: Cloth


@dataclass(frozen=True, slots=True)
class Shoes:
    """Shoes, a pair; ``sole`` is the sole's cloth, light on many sneakers."""

    kind: ShoeKind
    cloth: Cloth
    sole: Cloth


@dataclass(frozen=True, slots=True)
class Hat:
    """What is on the head; a ``hood`` belongs to the outermost garment that has one."""

    kind: HatKind
    cloth: Cloth


@dataclass(frozen=True, slots=True)
class Item:
    """Something carried; ``side`` is the carrier's own, ``size`` scales the usual one."""

    kind: ItemKind
    side: Side
    size: float
    cloth: Cloth


@dataclass(frozen=True, slots=True)
class Person:
    """One identity of the synthetic world, the same by day and by night.

    Attributes:
        identity: its number, from 1.
        body, hair: see there.
        top, outer, bottom, shoes: clothes; ``outer`` may be missing.
        hat, glasses, scarf: ``glasses`` are ``"none"``, ``"glasses"`` or ``"sunglasses"``.
        items: what is carried.
    """

    identity: int
    body: Body
    hair: Hair
    top: Top
    outer: Outer | None
    bottom: Bottom
    shoes: Shoes
    hat: Hat | None
    glasses: Literal["none", "glasses", "sunglasses"]
    scarf: Cloth | None
    items: tuple[Item, ...]

    def item(self, *kinds: ItemKind) -> Item | None:
        """The first item of one of the kinds, if any."""
        return next((item for item in self.items if item.kind in kinds), None)

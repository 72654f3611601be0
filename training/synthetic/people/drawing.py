"""People drawn from a seed and a number.

Colour, near-infrared reflectance and thermal behaviour of a cloth are drawn independently of each
other, and none of the three depends on the kind of garment or on the wearer: what fibre and dye do to
infrared light tells nothing about the colour (see `docs/synthetic.md`).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from training.seeding import generator
from training.synthetic.people.person import (
    COLOURS,
    HAIR_COLOURS,
    RGB,
    AgeGroup,
    Body,
    Bottom,
    BottomKind,
    Cloth,
    Gender,
    Hair,
    HairLength,
    Hat,
    Item,
    ItemKind,
    Outer,
    OuterKind,
    Pattern,
    Person,
    ShoeKind,
    Shoes,
    Side,
    Top,
    TopKind,
)


def draw_person(identity: int, seed: int) -> Person:
    """The person of this number in the world of this seed."""
    rng = generator(seed, "person", identity)
    body = _body(rng)
    female = body.gender == "female"
    hair = _hair(rng, body)
    cold = rng.random()
    outer = _outer(rng) if cold < 0.45 else None
    bottom = _bottom(rng, female)
    top = _top(rng, female, cold)
    if bottom.kind == "dress":
        top = replace(top, kind="blouse", cloth=bottom.cloth, long=False)
    hat = _hat(rng, female, outer is not None or top.kind == "hoodie")
    return Person(
        identity=identity,
        body=body,
        hair=hair,
        top=top,
        outer=outer,
        bottom=bottom,
        shoes=_shoes(rng, female),
        hat=hat,
        glasses=_choice(rng, {"none": 0.76, "glasses": 0.16, "sunglasses": 0.08}),
        scarf=_cloth(rng, warmth=(0.3, 0.7)) if rng.random() < (0.22 if outer else 0.05) else None,
        items=_items(rng, female, hat is None or hat.kind != "hat"),
    )


def _choice(rng: np.random.Generator, weights: dict[str, float]) -> Any:
    names = list(weights)
    values = np.fromiter(weights.values(), float)
    return names[int(rng.choice(len(names), p=values / values.sum()))]


def _body(rng: np.random.Generator) -> Body:
    gender: Gender = "female" if rng.random() < 0.5 else "male"
    age: AgeGroup = _choice(rng, {"child": 0.07, "young": 0.46, "adult": 0.35, "old": 0.12})
    fraction = {"child": (0.36, 0.52), "young": (0.62, 0.7), "adult": (0.7, 0.84), "old": (0.86, 1.0)}[age]
    female = gender == "female"
    return Body(
        gender=gender,
        age=age,
        age_fraction=float(rng.uniform(*fraction)),
        gender_fraction=float(np.clip((0.97 if female else 0.03) + rng.normal(0, 0.05), 0, 1)),
        muscle=float(np.clip(rng.normal(0.42 if female else 0.58, 0.16), 0.1, 0.95)),
        weight=float(np.clip(rng.normal(0.47 if female else 0.52, 0.2), 0.08, 0.98)),
        height=float(np.clip(rng.normal(0.46 if female else 0.54, 0.16), 0.08, 0.95)),
        proportions=float(np.clip(rng.normal(0.55, 0.2), 0.0, 1.0)),
        skin=float(rng.beta(1.2, 1.6)),
        face=int(rng.integers(2**31)),
    )


def _hair(rng: np.random.Generator, body: Body) -> Hair:
    female = body.gender == "female"
    lengths = (
        {"short": 0.08, "medium": 0.27, "long": 0.65}
        if female
        else {"bald": 0.1 if body.age == "adult" else 0.25 if body.age == "old" else 0.02, "short": 0.8}
        | {"medium": 0.05, "long": 0.02}
    )
    if female and body.age == "old":
        lengths = {"short": 0.5, "medium": 0.4, "long": 0.1}
    length: HairLength = _choice(rng, lengths)
    styles = {"loose": 1.0, "curly": 0.12}
    if length == "long":
        styles |= {"ponytail": 0.3, "bun": 0.1}
    elif length == "medium" and female:
        styles |= {"ponytail": 0.2, "bun": 0.12}
    colours = {"black": 0.36, "dark brown": 0.24, "brown": 0.18, "blond": 0.14, "red": 0.04, "grey": 0.04}
    if body.age == "old":
        colours = {"grey": 0.5, "white": 0.3, "black": 0.1, "brown": 0.1}
    colour = _choice(rng, colours)
    beard = 0.0
    if not female and body.age in ("young", "adult", "old") and rng.random() < 0.38:
        beard = float(rng.uniform(0.2, 1.0))
    return Hair(
        length=length,
        style=_choice(rng, styles),
        colour=colour,
        rgb=_near_colour(rng, HAIR_COLOURS[colour], 2 if colour in ("grey", "white", "black") else 6),
        near=float(rng.uniform(0.3, 0.65)),
        beard=beard,
    )


def _near_colour(rng: np.random.Generator, centre: tuple[int, int, int], spread: float) -> RGB:
    value = np.clip(np.asarray(centre) + rng.normal(0, spread) + rng.normal(0, spread, 3), 4, 250) / 255
    return (float(value[0]), float(value[1]), float(value[2]))


_CLOTH_COLOURS = {
    "black": 0.17,
    "white": 0.12,
    "grey": 0.08,
    "light grey": 0.05,
    "dark grey": 0.06,
    "red": 0.07,
    "dark red": 0.03,
    "blue": 0.09,
    "light blue": 0.06,
    "dark blue": 0.08,
    "green": 0.05,
    "olive": 0.03,
    "yellow": 0.03,
    "orange": 0.02,
    "pink": 0.04,
    "purple": 0.03,
    "brown": 0.05,
    "beige": 0.05,
}


# Legs and feet are dressed darker than trunks; whatever the garment is, so the kind tells no colour.
_LEG_COLOURS = _CLOTH_COLOURS | {
    "black": 0.3,
    "dark blue": 0.2,
    "blue": 0.14,
    "dark grey": 0.12,
    "grey": 0.08,
    "brown": 0.06,
    "red": 0.02,
    "green": 0.02,
    "pink": 0.015,
    "purple": 0.01,
    "yellow": 0.01,
    "orange": 0.005,
    "white": 0.05,
}
_SHOE_COLOURS = _LEG_COLOURS | {"black": 0.5, "white": 0.3, "brown": 0.12, "dark blue": 0.06, "blue": 0.05}


def _cloth(
    rng: np.random.Generator,
    patterned: float = 0.0,
    warmth: tuple[float, float] = (0.25, 0.75),
    colours: dict[str, float] = _CLOTH_COLOURS,
) -> Cloth:
    """A cloth; the order of draws keeps colour, near infrared and warmth apart."""
    first = _choice(rng, colours)
    second = _choice(rng, {name: share for name, share in colours.items() if name != first})
    pattern: Pattern = "plain"
    if rng.random() < patterned:
        pattern = _choice(
            rng,
            {
                "stripes": 0.22,
                "vertical stripes": 0.08,
                "checks": 0.16,
                "two-coloured": 0.16,
                "print": 0.16,
                "logo": 0.16,
                "dots": 0.06,
            },
        )
    names = (first,) if pattern == "plain" else (first, second)
    scale = {"stripes": (0.025, 0.14), "vertical stripes": (0.03, 0.1), "checks": (0.03, 0.15)}
    return Cloth(
        colours=names,
        rgb=tuple(_near_colour(rng, COLOURS[name], 9) for name in names),
        near=tuple(float(value) for value in rng.uniform(0.08, 0.92, len(names))),
        pattern=pattern,
        scale=float(rng.uniform(*scale.get(pattern, (0.05, 0.12)))),
        warmth=float(rng.uniform(*warmth)),
        roughness=float(rng.uniform(0.35, 1.0)),
        seed=int(rng.integers(2**31)),
    )


def _top(rng: np.random.Generator, female: bool, cold: float) -> Top:
    kinds = {"t-shirt": 0.3, "shirt": 0.2, "polo shirt": 0.08, "sweater": 0.18, "hoodie": 0.16}
    if female:
        kinds |= {"blouse": 0.16, "tank top": 0.08, "shirt": 0.1}
    kind: TopKind = _choice(rng, kinds)
    sleeve = {"t-shirt": 0.27, "polo shirt": 0.27, "tank top": 0.0, "sweater": 1.0, "hoodie": 1.0}.get(
        kind, 1.0 if rng.random() < (0.75 if cold < 0.6 else 0.45) else 0.3
    )
    thick = {"sweater": (0.25, 0.6), "hoodie": (0.25, 0.6), "tank top": (0.5, 0.9)}.get(kind, (0.35, 0.8))
    return Top(
        kind=kind,
        sleeve=float(np.clip(sleeve + rng.normal(0, 0.03), 0, 1)) if sleeve else 0.0,
        long=bool(rng.random() < 0.2),
        fit=float(
            np.clip(rng.normal((0.5 if kind in ("sweater", "hoodie") else 0.4) - 0.15 * female, 0.18), 0, 1)
        ),
        cloth=_cloth(rng, patterned=0.45, warmth=thick),
    )


def _outer(rng: np.random.Generator) -> Outer:
    kind: OuterKind = _choice(
        rng,
        {"jacket": 0.4, "coat": 0.22, "down jacket": 0.14, "blazer": 0.1, "vest": 0.06, "raincoat": 0.08},
    )
    length = {"coat": (0.65, 1.1), "raincoat": (0.6, 1.0), "blazer": (0.25, 0.4)}.get(kind, (0.1, 0.4))
    return Outer(
        kind=kind,
        sleeve=0.0 if kind == "vest" else 1.0,
        length=float(rng.uniform(*length)),
        open=bool(rng.random() < 0.45),
        fit=float(np.clip(rng.normal(0.75 if kind == "down jacket" else 0.5, 0.15), 0.15, 1)),
        cloth=_cloth(rng, patterned=0.18, warmth=(0.18, 0.5)),
    )


def _bottom(rng: np.random.Generator, female: bool) -> Bottom:
    kinds = {"trousers": 0.4, "jeans": 0.42, "shorts": 0.18}
    if female:
        kinds = {
            "trousers": 0.2,
            "jeans": 0.24,
            "leggings": 0.14,
            "shorts": 0.1,
            "skirt": 0.18,
            "dress": 0.14,
        }
    kind: BottomKind = _choice(rng, kinds)
    length = {"shorts": (0.3, 0.52), "skirt": (0.3, 0.8), "dress": (0.35, 0.85)}.get(kind, (0.97, 1.0))
    if kind in ("trousers", "leggings") and rng.random() < 0.1:
        length = (0.75, 0.85)
    return Bottom(
        kind=kind,
        length=float(rng.uniform(*length)),
        fit=0.0 if kind == "leggings" else float(np.clip(rng.normal(0.28 if female else 0.46, 0.2), 0.05, 1)),
        cloth=_cloth(
            rng,
            patterned=0.35 if kind in ("skirt", "dress") else 0.06,
            warmth=(0.55, 0.9) if kind == "leggings" else (0.3, 0.75),
            colours=_LEG_COLOURS,
        ),
    )


def _shoes(rng: np.random.Generator, female: bool) -> Shoes:
    kinds = {"sneakers": 0.55, "leather shoes": 0.22, "boots": 0.15, "sandals": 0.08}
    if female:
        kinds = {"sneakers": 0.46, "leather shoes": 0.14, "boots": 0.18, "sandals": 0.1, "high heels": 0.12}
    kind: ShoeKind = _choice(rng, kinds)
    cloth = _cloth(rng, warmth=(0.02, 0.3), colours=_SHOE_COLOURS)
    sole = replace(cloth, seed=cloth.seed + 1)
    if kind == "sneakers":
        sole = _cloth(rng, warmth=(0.0, 0.1), colours={"white": 0.75, "black": 0.15, "beige": 0.1})
    return Shoes(kind=kind, cloth=cloth, sole=sole)


def _hat(rng: np.random.Generator, female: bool, hooded: bool) -> Hat | None:
    if rng.random() > 0.24:
        return None
    kinds = {"cap": 0.45, "hat": 0.12, "beanie": 0.22}
    if hooded:
        kinds["hood"] = 0.35
    if female:
        kinds["headscarf"] = 0.15
    return Hat(kind=_choice(rng, kinds), cloth=_cloth(rng, warmth=(0.1, 0.5)))


def _items(rng: np.random.Generator, female: bool, umbrella: bool) -> tuple[Item, ...]:
    """What is carried: at most one thing on the back or shoulder and at most one in a hand."""
    items: list[Item] = []

    def add(kind: ItemKind) -> None:
        side: Side = "left" if rng.random() < 0.5 else "right"
        size = float(rng.uniform(0.75, 1.25))
        items.append(
            Item(
                kind=kind, side=side, size=size, cloth=_cloth(rng, warmth=(0.0, 0.25), colours=_SHOE_COLOURS)
            )
        )

    worn = _choice(rng, {"": 0.5, "backpack": 0.3, "shoulder bag": 0.26 if female else 0.16})
    if worn:
        add(worn)
    held = _choice(
        rng,
        {
            "": 0.62,
            "handbag": 0.12 if female else 0.02,
            "tote bag": 0.07,
            "suitcase": 0.06,
            "umbrella": 0.05 if umbrella else 0.0,
            "telephone": 0.07,
            "pushchair": 0.03,
            "box": 0.03,
        },
    )
    if held:
        add(held)
    return tuple(items)

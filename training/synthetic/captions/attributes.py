"""What is true of a person wherever they are seen: tags, a sentence made of them, and labels for judging."""

import numpy as np

from training.synthetic.captions.seen import sleeve_word
from training.synthetic.people.person import Cloth, Item, Person

_BAGS = ("backpack", "shoulder bag", "handbag", "tote bag", "suitcase")
_LONG_TOP = 0.65


def _colour(cloth: Cloth) -> str:
    return " and ".join(cloth.colours) if cloth.pattern in _SHARED else cloth.colours[0]


# Patterns whose two colours have about the same share of the garment.
_SHARED = ("stripes", "vertical stripes", "checks", "two-coloured")
_PATTERN_WORDS = {
    "stripes": "horizontal stripes",
    "vertical stripes": "vertical stripes",
    "checks": "checks",
    "two-coloured": "two colours",
    "print": "a {} print on the chest",
    "logo": "a {} logo on the chest",
    "dots": "{} dots",
}


def attributes(person: Person) -> dict[str, str]:
    """The eleven tags of STAR-ReID, spelt as there; ``none`` is not carried or worn.

    The top is the outermost garment of the trunk.

    A dress is a top and, as ``pants type``, a ``dress`` of the same colour.
    """
    outer = person.outer
    cloth = outer.cloth if outer else person.top.cloth
    sleeve = sleeve_word(outer.sleeve if outer else person.top.sleeve)
    if sleeve == "none" and outer:
        sleeve = sleeve_word(person.top.sleeve)
    long = outer.length > _LONG_TOP if outer else person.top.long
    return {
        "gender": person.body.gender,
        "top color": _colour(cloth),
        "top type": "long sleeve" if sleeve in ("long", "three-quarter") else "short sleeve",
        "top length": "long" if long else "normal",
        "pants color": _colour(person.bottom.cloth),
        "pants type": person.bottom.kind if person.bottom.kind != "jeans" else "trousers",
        "bag type": bag.kind if (bag := _bag(person)) else "none",
        "hat type": person.hat.kind if person.hat else "none",
        "glasses type": person.glasses,
        "shoe color": person.shoes.cloth.colours[0],
        "notes": "; ".join(_notes(person)) or "none",
    }


def _bag(person: Person) -> Item | None:
    return next((item for item in person.items if item.kind in _BAGS), None)


def _notes(person: Person) -> list[str]:
    """Patterns, what is under an open jacket, the scarf, and what else is carried."""
    outer = person.outer
    notes = []
    cloth = outer.cloth if outer else person.top.cloth
    if cloth.pattern != "plain":
        pattern = _PATTERN_WORDS[cloth.pattern].format(cloth.colours[-1])
        notes.append(
            f"{outer.kind if outer else person.top.kind} with {pattern}".replace("a orange", "an orange")
        )
    if outer and outer.open and person.bottom.kind != "dress":
        notes.append(f"{_colour(person.top.cloth)} {person.top.kind} under an open {outer.kind}")
    if person.scarf:
        notes.append(f"{_colour(person.scarf)} scarf")
    bag = _bag(person)
    notes += [f"{item.cloth.colours[0]} {item.kind}" for item in person.items if item is not bag]
    return notes


def identity_caption(person: Person) -> str:
    """One or two sentences made of the tags, ``a male wearing ...``, of 18 to 58 words; always the same."""
    tags = attributes(person)
    rng = np.random.Generator(np.random.PCG64([person.body.face, person.identity]))
    male = tags["gender"] == "male"
    he, his = ("He", "his") if male else ("She", "her")

    def pick(*options: str) -> str:
        return options[int(rng.integers(len(options)))]

    noun = person.outer.kind if person.outer else pick("shirt", "top") if male else "top"
    sleeves = tags["top type"].replace(" sleeve", pick("-sleeved", " sleeve"))
    length = "of normal length" if tags["top length"] == "normal" else "of long length"
    color = tags["top color"]
    top = pick(
        f"{_article(f'{color} {sleeves} {noun}')} {length}",
        f"{_article(f'{color} {noun}')} {length} with {sleeves.split('-')[0].split()[0]} sleeves",
    )
    lower = tags["pants type"]
    below = (
        _article(f"{tags['pants color']} {lower}")
        if lower in ("skirt", "dress")
        else f"{tags['pants color']} {lower}"
    )
    shoes = f"{tags['shoe color']} shoes"
    start = pick(
        f"a {tags['gender']} wearing {top}, {below}, and {shoes}.",
        f"a {tags['gender']} dressed in {top}, with {below} and {shoes}.",
        f"a {tags['gender']} wearing {below}, {top}, and {shoes}.",
    )
    return " ".join([start, _carries(tags, he, his, pick("wearing or carrying", "")), *_remark(tags, he)])


def _carries(tags: dict[str, str], he: str, his: str, verb: str) -> str:
    """Bag, hat and glasses: what they have of the three, and what not."""
    names = {"bag type": "bag", "hat type": "hat", "glasses type": "glasses"}
    has = [tags[key] for key in names if tags[key] != "none"]
    lacks = [name for key, name in names.items() if tags[key] == "none"]
    said = [word if word in ("glasses", "sunglasses") else _article(word) for word in has]
    without = ", ".join(lacks[:-1]) + (" or " if len(lacks) > 1 else "") + "".join(lacks[-1:])
    if not has:
        return f"{he} is not {verb} a {without}." if verb else f"{he} has no {without}."
    list_of = " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))
    return f"{he} has {list_of}{f', but no {without}' if lacks else f' with {his} outfit'}."


def _remark(tags: dict[str, str], he: str) -> list[str]:
    """The first notes as a sentence, if there are any."""
    notes = tags["notes"].split("; ")[:3]
    if notes == ["none"]:
        return []
    return [f"{he} has {' and '.join(_article(note) for note in notes)}."]


def _article(phrase: str) -> str:
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"


def labels(person: Person) -> dict[str, object]:
    """Who they are and what they carry, for judges: plain names and yes or no.

    Returns:
        ``items``: kind and side of each thing carried; ``hat`` and ``glasses``: kind or ``none``; ``scarf``,
        ``gender``, ``hair_length``, ``sleeves`` (``none``, ``short``, ``three-quarter``, ``long``, of what
        covers the arms); and as yes or no ``is_male``, ``has_bag`` (any but a backpack), ``has_backpack``,
        ``has_hat``, ``has_longsleeves``, ``has_longpants``, ``has_longhair`` (below the shoulders, not in a
        bun), ``has_coat_jacket``, as Open Model Zoo's attribute network names them; ``dress``: clothes and
        build in plain names, without colours.
    """
    outer = person.outer
    sleeves = sleeve_word(max(person.top.sleeve, outer.sleeve if outer else 0.0))
    kinds = {item.kind for item in person.items}
    return {
        "items": [{"kind": item.kind, "side": item.side} for item in person.items],
        "hat": person.hat.kind if person.hat else "none",
        "glasses": person.glasses,
        "scarf": person.scarf is not None,
        "gender": person.body.gender,
        "hair_length": person.hair.length,
        "sleeves": sleeves,
        "is_male": person.body.gender == "male",
        "has_bag": bool(kinds & set(_BAGS) - {"backpack"}),
        "has_backpack": "backpack" in kinds,
        "has_hat": person.hat is not None,
        "has_longsleeves": sleeves == "long",
        "has_longpants": person.bottom.kind in ("trousers", "jeans", "leggings"),
        "has_longhair": person.hair.length == "long" and person.hair.style != "bun",
        "has_coat_jacket": outer is not None and outer.kind != "vest",
        "dress": _dress(person),
    }


def _dress(person: Person) -> dict[str, object]:
    """Clothes and build in plain names, nothing of their colours: what every spectrum may show."""
    body, outer, bottom = person.body, person.outer, person.bottom

    def third(value: float, low: str, middle: str, high: str) -> str:
        return low if value < 0.38 else high if value > 0.62 else middle

    length = "long" if bottom.length > 0.9 else "middle" if bottom.length > 0.5 else "short"
    return {
        "top": person.top.kind,
        "top_pattern": (outer or person.top).cloth.pattern,
        "outer": outer.kind if outer else "none",
        "outer_length": "none" if outer is None else "long" if outer.length > 0.55 else "short",
        "outer_open": outer is not None and outer.open,
        "bottom": "trousers" if bottom.kind == "jeans" else bottom.kind,
        "bottom_length": length,
        "bottom_pattern": bottom.cloth.pattern,
        "bottom_fit": third(bottom.fit, "tight", "normal", "wide"),
        "shoes": person.shoes.kind,
        "hair_style": person.hair.style,
        "beard": person.hair.beard > 0.4,
        "build": third(body.weight, "slim", "medium", "heavy"),
        "height": third(body.height, "small", "medium", "tall"),
        "age": body.age,
    }

"""What captioners get wrong: one or two facts changed, with a name for each, so that it can be counted."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reid_core.types import Spectrum
from training.synthetic.captions import words
from training.synthetic.captions.seen import Carried, Seen, SeenHair, Worn
from training.synthetic.people.person import ItemKind, Person, Side

_SECOND = 0.15
_WEIGHTS = {"shoe colour": 3.0, "colour confusion": 3.0, "garment type": 2.0, "missed bag": 1.5}


def mistaken(seen: Seen, person: Person, rng: np.random.Generator) -> tuple[Seen, tuple[str, ...]]:
    """The facts with at least one of them wrong, and the kinds of mistakes made.

    Args:
        seen: the true facts.
        person: whose, so that an invented bag is one they do not carry.
        rng: what the mistake is drawn from.
    """
    made: list[str] = []
    wanted = 2 if rng.random() < _SECOND else 1
    while len(made) < wanted:
        options = {
            name: changed
            for name, change in _CHANGES.items()
            if name not in made and _apart(name, made) and (changed := change(seen, person, rng)) is not None
        }
        if not options:
            break
        weights = np.asarray([_WEIGHTS.get(name, 1.0) for name in options])
        name = list(options)[int(rng.choice(len(options), p=weights / weights.sum()))]
        seen = options[name]
        made.append(name)
    return seen, tuple(made)


def _apart(name: str, made: list[str]) -> bool:
    """A second mistake must not undo the first."""
    return not any(name.endswith("bag") and other.endswith("bag") for other in made)


def _pick(rng: np.random.Generator, options: words.Synonyms) -> str:
    return options[int(rng.integers(len(options)))]


def _shoe_colour(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    """Shoes in a colour that is neither theirs nor easily taken for it."""
    if seen.shoes is None or not seen.shoes.colours:
        return None
    own = seen.shoes.colours[0]
    near = {own, *words.NEIGHBOURS[own]}
    near |= {name for name, others in words.NEIGHBOURS.items() if own in others}
    others = tuple(name for name in ("black", "white", "brown", "red", "blue", "grey") if name not in near)
    shoes = replace(seen.shoes, colours=(_pick(rng, others), *seen.shoes.colours[1:]))
    return replace(seen, shoes=shoes, sole=())


def _confusion(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    """One garment in the neighbouring colour."""
    names = [name for name in ("outer", "top", "bottom") if (one := getattr(seen, name)) and one.colours]
    if not names:
        return None
    name = names[int(rng.integers(len(names)))]
    worn: Worn = getattr(seen, name)
    others = tuple(other for other in words.NEIGHBOURS[worn.colours[0]] if other not in worn.colours)
    if not others:
        return None
    return _changed(seen, name, replace(worn, colours=(_pick(rng, others), *worn.colours[1:])))


def _changed(seen: Seen, name: str, worn: Worn) -> Seen:
    if name == "outer":
        return replace(seen, outer=worn)
    return replace(seen, top=worn) if name == "top" else replace(seen, bottom=worn)


def _garment(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    """Another kind of upper garment, of which no word is said of the true one too."""
    name, worn = ("outer", seen.outer) if seen.outer else ("top", seen.top)
    if worn is None:
        return None
    table = words.THERMAL_GARMENTS if seen.spectrum is Spectrum.THERMAL else words.GARMENTS
    own = set(table[worn.kind])
    others = tuple(kind for kind in words.WRONG_GARMENT[worn.kind] if own.isdisjoint(table[kind]))
    return _changed(seen, name, replace(worn, kind=_pick(rng, others))) if others else None


def _gender(seen: Seen, person: Person, rng: np.random.Generator) -> Seen:
    return replace(seen, female=not seen.female, sure=True)


def _hair(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    """Long hair taken for short or short for long."""
    if seen.hair is None or seen.hair.length == "bald":
        return None
    length = "long" if seen.hair.length == "short" else "short"
    return replace(seen, hair=SeenHair(length, "loose", seen.hair.colour))


def _missed(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    kept = tuple(item for item in seen.items if item.kind not in words.BAGS)
    return replace(seen, items=kept) if len(kept) < len(seen.items) else None


def _invented(seen: Seen, person: Person, rng: np.random.Generator) -> Seen | None:
    """A bag on somebody who carries none."""
    if any(item.kind in words.BAGS for item in person.items):
        return None
    kinds: tuple[ItemKind, ...] = ("backpack", "shoulder bag", "handbag")
    kind = kinds[int(rng.integers(3))]
    side: Side = "left" if rng.random() < 0.5 else "right"
    clothed = [worn for worn in (seen.outer, seen.top, seen.bottom, seen.shoes) if worn and worn.colours]
    colours = clothed[0].colours[:1] if clothed else ()
    return replace(seen, items=(*seen.items, Carried(kind, side, colours, front=seen.facing == "front")))


_CHANGES: dict[str, Callable[[Seen, Person, np.random.Generator], Seen | None]] = {
    "shoe colour": _shoe_colour,
    "colour confusion": _confusion,
    "garment type": _garment,
    "gender": _gender,
    "hair length": _hair,
    "missed bag": _missed,
    "invented bag": _invented,
}

"""What of a person one image shows, as facts without wording."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reid_core.types import Spectrum
from training.synthetic.captions.words import BAGS
from training.synthetic.motion.doing import umbrella_open
from training.synthetic.people.person import Cloth, Item, ItemKind, Person, Side

Part: TypeAlias = Literal["head", "trunk", "legs", "feet"]

# Below these heights in pixels a captioner no longer makes them out.
_FACE_HEIGHT = 100
_DETAIL_HEIGHT = 90
_SOLE_HEIGHT = 150
# How far from a right angle the front or the back must turn, as a cosine, to show what lies on it.
_TURNED = 0.2
# Two dyes whose near-infrared reflectances lie closer than this look like one.
_NEAR_CONTRAST = 0.2


@dataclass(frozen=True, slots=True)
class View:
    """What one image shows of a person.

    Attributes:
        spectrum: what the camera records.
        yaw: how the person is turned as the camera sees them, degrees: 0 they face the camera, 90 their
            left side is towards it, 180 their back, 270 their right side. Any turn is taken modulo 360.
        visible: fraction of the body's surface in view that is neither covered nor cut off, 0..1.
        parts: which parts are in the frame.
        items: kinds of things carried that can be seen.
        height: of the person in the frame, pixels.
        doing: what is plain to see of what they do: ``walk``, ``stand``, ``phone`` (one at the ear),
            ``text`` (a telephone before the face). Without any, a caption says nothing of it.
    """

    spectrum: Spectrum
    yaw: float
    visible: float
    parts: frozenset[Part]
    items: frozenset[ItemKind]
    height: int
    doing: frozenset[str] = frozenset()

    @property
    def front(self) -> bool:
        """Whether the breast and the face are seen."""
        return math.cos(math.radians(self.yaw)) > _TURNED

    @property
    def back(self) -> bool:
        """Whether the back is seen."""
        return math.cos(math.radians(self.yaw)) < -_TURNED


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment as seen: no ``colours`` in infrared; ``cut`` is its sleeves, its length or both."""

    kind: str
    colours: tuple[str, ...] = ()
    pattern: str = "plain"
    cut: str = ""
    fit: str = ""


@dataclass(frozen=True, slots=True)
class SeenHair:
    """Hair as seen: ``length`` is ``bald`` to ``long``, ``style`` how it is worn; infrared: no ``colour``."""

    length: str
    style: str
    colour: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A thing carried as seen; ``open`` is an umbrella's, ``front`` whether only its straps may show."""

    kind: str
    side: Side
    colours: tuple[str, ...] = ()
    open: bool = False
    front: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a caption of the image may state; what is None, empty or False was not seen.

    Attributes:
        female, age, sure: gender, age group (empty: not to be told), whether the gender must be said.
        hair, beard, glasses, hat, scarf: of the head and neck.
        outer, top, bottom, shoes, sole: clothes; a dress is the ``bottom`` and then ``top`` is missing.
        items: things carried.
        doing: see `View`.
        facing: ``front``, ``back`` or empty for the sides.
        whole: whether all four parts are in the frame and little of them is covered.
        upper: only head or trunk are in the frame.
        spectrum: what the camera records.
    """

    female: bool
    age: str
    spectrum: Spectrum
    hair: SeenHair | None = None
    beard: bool = False
    glasses: str = ""
    hat: Worn | None = None
    scarf: Worn | None = None
    outer: Worn | None = None
    top: Worn | None = None
    bottom: Worn | None = None
    shoes: Worn | None = None
    sole: tuple[str, ...] = ()
    items: tuple[Carried, ...] = ()
    doing: frozenset[str] = frozenset()
    facing: str = ""
    whole: bool = True
    upper: bool = False
    sure: bool = False


def see(person: Person, view: View) -> Seen:
    """The facts about a person that the image shows."""
    head, trunk = "head" in view.parts, "trunk" in view.parts
    outer = _outer(person, view) if trunk else None
    top = _top(person, view, outer) if trunk else None
    feet = "feet" in view.parts
    return Seen(
        female=person.body.gender == "female",
        age=person.body.age if head or person.body.age == "child" else "",
        spectrum=view.spectrum,
        hair=_hair(person, view) if head else None,
        beard=head and person.hair.beard > 0.5 and _face(view) and view.spectrum is not Spectrum.THERMAL,
        glasses=_glasses(person, view) if head and _face(view) else "",
        hat=_worn(view, person.hat.kind, person.hat.cloth) if head and person.hat else None,
        scarf=_worn(view, "scarf", person.scarf) if trunk and person.scarf else None,
        outer=outer,
        top=top,
        bottom=_bottom(person, view),
        shoes=_worn(view, person.shoes.kind, person.shoes.cloth) if feet else None,
        sole=_sole(person, view) if feet else (),
        items=tuple(_carried(item, view) for item in person.items if item.kind in view.items),
        doing=view.doing,
        facing="front" if view.front else "back" if view.back else "",
        whole=len(view.parts) == 4 and view.visible > 0.8,
        upper=not view.parts & {"legs", "feet"},
    )


def _face(view: View) -> bool:
    return view.front and view.height >= _FACE_HEIGHT


def _glasses(person: Person, view: View) -> str:
    """Glass is opaque to heat, so that there all of them look alike."""
    if person.glasses == "none":
        return ""
    return "glasses" if view.spectrum is Spectrum.THERMAL else person.glasses


def _hair(person: Person, view: View) -> SeenHair | None:
    """Hair that no hat hides; from the front a ponytail or a bun is only hair tied back."""
    hair = person.hair
    if person.hat is not None:
        if person.hat.kind in ("hood", "headscarf") or hair.length in ("bald", "short"):
            return None
        if hair.style == "bun":
            return None
    style: str = hair.style
    if style in ("ponytail", "bun") and view.front:
        style = "tied"
    colour = hair.colour if view.spectrum is Spectrum.VISIBLE else ""
    return SeenHair(hair.length, style, colour)


def _worn(view: View, kind: str, cloth: Cloth, cut: str = "", fit: str = "") -> Worn:
    """A garment with the colours and the pattern that this camera tells apart."""
    visible = view.spectrum is Spectrum.VISIBLE
    pattern: str = cloth.pattern
    unseen = (
        view.spectrum is Spectrum.THERMAL
        or (view.spectrum is Spectrum.NEAR and abs(cloth.near[0] - cloth.near[-1]) < _NEAR_CONTRAST)
        or (pattern in ("print", "logo") and not view.front)
        or (pattern in ("logo", "dots") and view.height < _DETAIL_HEIGHT)
    )
    if unseen:
        pattern = "plain"
    colours = cloth.colours if pattern != "plain" else cloth.colours[:1]
    return Worn(kind, colours if visible else (), pattern, cut, fit)


def sleeve_word(sleeve: float) -> str:
    """``none``, ``short``, ``three-quarter`` or ``long``, of a sleeve's length as a fraction of the arm."""
    if sleeve < 0.08:
        return "none"
    if sleeve < 0.5:
        return "short"
    return "three-quarter" if sleeve < 0.8 else "long"


def _fit(fit: float) -> str:
    return "loose" if fit > 0.8 else "tight" if fit < 0.12 else ""


def _outer(person: Person, view: View) -> Worn | None:
    outer = person.outer
    if outer is None:
        return None
    cut = sleeve_word(outer.sleeve)
    if outer.length > 0.75:
        cut += " knee"
    return _worn(view, outer.kind, outer.cloth, cut)


def _top(person: Person, view: View, outer: Worn | None) -> Worn | None:
    """The top where nothing covers it; under an open jacket it is seen from the front, not its sleeves."""
    if person.bottom.kind == "dress":
        return None
    covered = outer is not None and not (person.outer is not None and person.outer.open and view.front)
    if covered:
        return None
    top = person.top
    bare = outer is None or person.outer is None or (person.outer.sleeve == 0 and top.sleeve > 0)
    cut = sleeve_word(top.sleeve) if bare else ""
    return _worn(view, top.kind, top.cloth, cut, "loose" if top.fit > 0.85 else "")


def _bottom(person: Person, view: View) -> Worn | None:
    """Trousers, skirt or dress, unless a closed coat reaches over it."""
    bottom, outer = person.bottom, person.outer
    # A coat of length 1 ends at the knee, half way down the leg.
    under = outer is not None and 0.5 * outer.length + 0.05 > bottom.length
    closed = outer is not None and not (outer.open and view.front)
    if bottom.kind == "dress":
        if not view.parts & {"trunk", "legs"} or (closed and (under or "legs" not in view.parts)):
            return None
        sleeve = sleeve_word(person.top.sleeve) if outer is None and "trunk" in view.parts else ""
        return _worn(view, "dress", bottom.cloth, f"{sleeve} {_hem(bottom.length, view)}".strip())
    if "legs" not in view.parts or (under and closed):
        return None
    if bottom.kind in ("shorts", "leggings"):
        cut = ""
    elif bottom.kind == "skirt":
        cut = _hem(bottom.length, view)
    else:
        cut = "cropped" if bottom.length < 0.9 else ""
    return _worn(view, bottom.kind, bottom.cloth, cut, "" if bottom.kind == "leggings" else _fit(bottom.fit))


def _hem(length: float, view: View) -> str:
    """Where a skirt ends; the knee lies half way down the leg."""
    if "legs" not in view.parts:
        return ""
    return "mini" if length < 0.42 else "knee" if length < 0.62 else "maxi"


def _sole(person: Person, view: View) -> tuple[str, ...]:
    """A sole of another colour than its shoe, where it is large enough to see."""
    seen = view.spectrum is Spectrum.VISIBLE and view.height >= _SOLE_HEIGHT
    first = person.shoes.sole.colours[0]
    return (first,) if seen and first != person.shoes.cloth.colours[0] else ()


def _carried(item: Item, view: View) -> Carried:
    colours = item.cloth.colours[:1] if view.spectrum is Spectrum.VISIBLE else ()
    is_open = item.kind == "umbrella" and umbrella_open(item)
    return Carried(item.kind, item.side, colours, is_open, item.kind in BAGS and view.front)

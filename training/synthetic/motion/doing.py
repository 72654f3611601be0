"""What a person does with their body: how they walk or stand and what each hand is busy with.

A gait belongs to the person (seeded by `Body.face`), as an observer of gait would have it: stride, sway,
arm swing, posture and their left-right difference are the same by day and by night. What varies from one
appearance to the next is the speed, where they look and what the free hands do.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from training.seeding import generator
from training.synthetic.people.person import Item, Person, Side

Gait: TypeAlias = Literal["walk", "stand"]
Hold: TypeAlias = Literal[
    "free",
    "pocket",
    "front",
    "crossed",
    "strap",
    "bag",
    "ear",
    "screen",
    "bar",
    "trolley",
    "umbrella",
    "box",
]
Kind: TypeAlias = Literal[
    "walk", "stand", "turn", "phone", "text", "carry", "push", "pull", "umbrella", "box"
]


@dataclass(frozen=True, slots=True)
class Style:
    """The way this person moves, whatever they do.

    Attributes:
        stride: factor of the legs' swing.
        arms: factor of the arms' swing.
        elbow: how far the elbows are bent at rest, radians.
        spread: how far the arms stand off besides what the body's width asks for, radians.
        palms: how far the palms face backwards, radians.
        toes: how far the feet point outwards, radians.
        track: metres between the ankles' lines when walking.
        lean: of the trunk forwards, radians.
        slouch: of the neck forwards, radians.
        sway: metres of the hips' sideways path.
        drop: of the hip above the swinging leg, radians.
        twist: of hips against shoulders, radians.
        lift: factor of the knee's bend in the swing.
        uneven: difference between left and right swing, -0.15..0.15.
    """

    stride: float
    arms: float
    elbow: float
    spread: float
    palms: float
    toes: float
    track: float
    lean: float
    slouch: float
    sway: float
    drop: float
    twist: float
    lift: float
    uneven: float


@dataclass(frozen=True, slots=True)
class Motion:
    """What one person does while a camera looks on.

    Attributes:
        gait: whether the legs walk.
        left, right: what each hand does.
        style: the person's own way.
        speed: metres a second; 0 when standing.
        look: where the head looks, radians to the person's left.
        look_range: how far it wanders to both sides over a cycle (looking round).
        nod: of the head downwards, radians.
        shift: weight on one leg when standing, -1 right, 1 left.
        phase: of the cycle at time 0, 0..1.
        size: of the thing held in both hands (box), factor of the usual.
        beside_left, beside_right: metres of what hangs at that hip, which the arm goes round.
    """

    gait: Gait
    left: Hold
    right: Hold
    style: Style
    speed: float
    look: float = 0.0
    look_range: float = 0.0
    nod: float = 0.0
    shift: float = 0.0
    phase: float = 0.0
    size: float = 1.0
    beside_left: float = 0.0
    beside_right: float = 0.0

    @property
    def kind(self) -> Kind:
        """One word for all of it."""
        hands = {self.left, self.right}
        by_hold: dict[Hold, Kind] = {
            "ear": "phone",
            "screen": "text",
            "bar": "push",
            "trolley": "pull",
            "umbrella": "umbrella",
            "box": "box",
            "bag": "carry",
        }
        for hold, kind in by_hold.items():
            if hold in hands:
                return kind
        if self.gait == "walk":
            return "walk"
        return "turn" if self.look_range > 0.3 else "stand"


def draw_style(person: Person) -> Style:
    """The person's own way of moving: the same wherever and whenever they are seen."""
    rng = generator(person.body.face, "gait")
    body = person.body
    old = max(0.0, (body.age_fraction - 0.8) / 0.2)
    heavy = max(0.0, (body.weight - 0.5) / 0.5)
    female = body.gender_fraction
    heels = person.shoes.kind == "high heels"
    return Style(
        stride=float(np.clip(rng.normal(1.0, 0.09) - 0.22 * old - 0.08 * heavy - 0.08 * heels, 0.6, 1.25)),
        arms=float(np.clip(rng.normal(1.0, 0.3) - 0.35 * old, 0.25, 1.7)),
        elbow=float(np.clip(rng.normal(0.26, 0.12), 0.08, 0.7)),
        spread=float(np.clip(rng.normal(0.04, 0.03) + 0.03 * heavy, 0.0, 0.15)),
        palms=float(np.clip(rng.normal(0.35, 0.25), -0.1, 0.9)),
        toes=float(np.clip(rng.normal(0.12, 0.08) + 0.08 * heavy, -0.06, 0.4)),
        track=float(np.clip(rng.normal(0.1, 0.02) - 0.03 * female + 0.05 * heavy + 0.03 * old, 0.04, 0.2)),
        lean=float(np.clip(rng.normal(0.03, 0.03) + 0.16 * old, -0.03, 0.3)),
        slouch=float(np.clip(rng.normal(0.06, 0.07) + 0.2 * old, -0.08, 0.4)),
        sway=float(np.clip(rng.normal(0.02, 0.006) + 0.012 * heavy, 0.006, 0.045)),
        drop=float(np.clip(rng.normal(0.05, 0.018) + 0.035 * female, 0.015, 0.13)),
        twist=float(np.clip(rng.normal(0.09, 0.03) + 0.02 * heels, 0.03, 0.18)),
        lift=float(np.clip(rng.normal(1.0, 0.06) - 0.12 * old, 0.75, 1.15)),
        uneven=float(np.clip(rng.normal(0, 0.05) * (1 + old), -0.15, 0.15)),
    )


def draw_motion(person: Person, rng: np.random.Generator, gait: Gait | None = None) -> Motion:
    """What the person does this time, as what they carry allows.

    Args:
        person: whose hands may be full.
        rng: of this appearance.
        gait: walking or standing; drawn (four of five walk) where not given.
    """
    if gait is None:
        gait = "walk" if rng.random() < 0.8 else "stand"
    style = draw_style(person)
    hands: dict[Side, Hold] = {"left": "free", "right": "free"}
    size = _fill(person, hands, rng)
    walking = gait == "walk"
    _idle(person, hands, rng, walking)
    texting = "screen" in hands.values()
    turning = not walking and not texting and rng.random() < 0.35
    pace = rng.normal(1.28, 0.17) - 0.3 * max(0.0, (person.body.age_fraction - 0.8) / 0.2)
    pace -= 0.3 * texting + 0.12 * bool({"bar", "box", "trolley"} & set(hands.values()))
    pace -= 0.2 * (person.body.age == "child")
    return Motion(
        gait=gait,
        left=hands["left"],
        right=hands["right"],
        style=style,
        speed=float(np.clip(pace, 0.7, 1.7)) if walking else 0.0,
        look=float(np.clip(rng.normal(0, 0.05 if texting else 0.2), -0.6, 0.6)),
        look_range=float(rng.uniform(0.4, 0.9)) if turning else float(rng.uniform(0.0, 0.08)),
        nod=float(rng.uniform(0.3, 0.5) if texting else rng.normal(0.03, 0.06)),
        shift=float(rng.uniform(-1, 1)),
        phase=float(rng.random()),
        size=size,
        beside_left=_beside(person, "left"),
        beside_right=_beside(person, "right"),
    )


def _fill(person: Person, hands: dict[Side, Hold], rng: np.random.Generator) -> float:
    """Hands busy with what is carried; returns the size of what both hold."""
    held: dict[str, Hold] = {
        "handbag": "bag",
        "tote bag": "bag",
        "suitcase": "trolley",
        "umbrella": "umbrella",
    }
    size = 1.0
    for item in person.items:
        if item.kind in held:
            hands[item.side] = held[item.kind] if not _closed(item) else "bag"
        elif item.kind == "telephone":
            hands[item.side] = "ear" if rng.random() < 0.5 else "screen"
        elif item.kind == "pushchair":
            hands["left"] = hands["right"] = "bar"
        elif item.kind == "box":
            hands["left"] = hands["right"] = "box"
            size = item.size
    return size


def _closed(item: Item) -> bool:
    return item.kind == "umbrella" and not umbrella_open(item)


def umbrella_open(item: Item) -> bool:
    """Whether this umbrella is up; the same for all who ask."""
    return item.cloth.seed % 3 != 0


def _beside(person: Person, side: Side) -> float:
    bag = person.item("shoulder bag")
    return 0.06 * bag.size if bag is not None and bag.side == side else 0.0


def _idle(person: Person, hands: dict[Side, Hold], rng: np.random.Generator, walking: bool) -> None:
    """Something for the hands that have nothing to do."""
    free = [side for side, hold in hands.items() if hold == "free"]
    draw = rng.random()
    if len(free) == 2 and not walking and draw < 0.24:
        both: Hold = "front" if draw < 0.14 else "crossed"
        hands["left"] = hands["right"] = both
        return
    worn = person.item("backpack", "shoulder bag")
    for side in free:
        draw = rng.random()
        if worn is not None and draw < 0.12 and (worn.kind == "backpack" or worn.side == side):
            hands[side] = "strap"
        elif draw > (0.92 if walking else 0.75) and not (worn is not None and worn.kind == "shoulder bag"):
            hands[side] = "pocket"

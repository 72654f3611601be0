"""What a person wears and carries beside their clothes, fitted to their body.

Everything is built once an identity. What is tied to the body follows its bones; what hangs or rolls
keeps upright and follows one bone's place.
"""

from dataclasses import dataclass, replace

import numpy as np

from training.synthetic.figures import bags, head
from training.synthetic.figures.head import SURFACES
from training.synthetic.figures.landmarks import Array, Landmarks, find_landmarks
from training.synthetic.geometry.mesh import Mesh
from training.synthetic.geometry.skeleton import BONE, posed
from training.synthetic.motion.doing import Hold, Motion, draw_style, umbrella_open
from training.synthetic.motion.hands import Hand
from training.synthetic.motion.pose import Actor
from training.synthetic.people.person import Item, Person


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """Something worn or carried.

    Attributes:
        name: an item's or hat's kind, ``"glasses"``, ``"sunglasses"`` or ``"scarf"``.
        mesh: in the identity's rest coordinates, or, if ``upright``, about its own origin.
        surfaces: names of the surfaces that ``mesh.material`` counts: ``cloth``, ``second`` (the other
            colour), ``metal``, ``dark``.
        upright: z stays up and -y the way the person faces; the origin goes each frame to the head of the
            bone ``anchor`` plus ``offset``.
        anchor: bone name, or empty.
        offset: (3,) metres, turned with the person's heading.
        rolling: it stands on the floor: the mesh's lowest point has z = 0 there, whatever the anchor's
            height is; ``offset`` puts it there on average for whoever does not care.
    """

    name: str
    mesh: Mesh
    surfaces: tuple[str, ...]
    upright: bool = False
    anchor: str = ""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rolling: bool = False


def thickness(person: Person) -> float:
    """Metres of clothes at the trunk, roughly."""
    top = {"sweater": 0.014, "hoodie": 0.016}.get(person.top.kind, 0.008) + 0.008 * person.top.fit
    if person.outer is None:
        return top
    outer = {"down jacket": 0.034, "coat": 0.02, "blazer": 0.014, "vest": 0.016}.get(person.outer.kind, 0.016)
    return top + outer + 0.008 * person.outer.fit


def attachments(person: Person, landmarks: Landmarks, clothing: float | None = None) -> list[Attachment]:
    """All that this person wears and carries beside clothes and shoes.

    Args:
        person: whose.
        landmarks: of their body.
        clothing: metres of clothes at the trunk, under straps and bags; estimated where not given.
    """
    cover = thickness(person) if clothing is None else clothing
    result = [*_worn(person, landmarks, cover)]
    for item in person.items:
        result.append(_carried(person, item, landmarks, cover))
    return result


def _worn(person: Person, marks: Landmarks, cover: float) -> list[Attachment]:
    hair = 0.006 if person.hair.length == "bald" else 0.022 if person.hair.style == "curly" else 0.016
    parts: list[tuple[str, Mesh]] = []
    if person.hat is not None:
        seed = person.hat.cloth.seed
        if person.hat.kind == "cap":
            parts.append(("cap", head.cap(marks, hair, backwards=seed % 7 == 0)))
        elif person.hat.kind == "hat":
            parts.append(("hat", head.hat(marks, hair)))
        elif person.hat.kind == "beanie":
            parts.append(("beanie", head.beanie(marks, hair, bobble=seed % 3 == 0)))
        elif person.hat.kind == "headscarf":
            parts.append(("headscarf", head.headscarf(marks, hair, cover)))
    if person.glasses != "none":
        parts.append((person.glasses, head.glasses(marks, person.glasses == "sunglasses")))
    if person.scarf is not None:
        parts.append(("scarf", head.scarf(marks, cover, person.scarf.seed)))
    return [Attachment(name, mesh, SURFACES) for name, mesh in parts]


def _carried(person: Person, item: Item, marks: Landmarks, cover: float) -> Attachment:
    sign = 1 if item.side == "left" else -1
    letter = "L" if sign > 0 else "R"
    scale = marks.scale
    if item.kind == "backpack":
        return Attachment("backpack", bags.backpack(marks, item.size, cover), SURFACES)
    if item.kind == "shoulder bag":
        worn = bags.shoulder_bag(marks, item.size, cover, sign, diagonal=item.cloth.seed % 5 < 3)
        return Attachment("shoulder bag", worn, SURFACES)
    if item.kind == "telephone":
        hand = Hand(marks.skeleton, letter)
        wrist = marks.skeleton.heads[BONE[f"wrist.{letter}"]]
        slab = bags.telephone(hand.fingers, hand.palm, wrist, scale).bound(f"wrist.{letter}")
        return Attachment("telephone", slab, SURFACES)
    knuckle = f"finger3-1.{letter}"
    grip = np.array([-0.02 * sign, 0.0, -0.008]) * scale
    if item.kind in ("handbag", "tote bag"):
        mesh = (bags.handbag if item.kind == "handbag" else bags.tote)(scale, item.size)
        return _upright(item, mesh, knuckle, grip)
    if item.kind == "umbrella" and not umbrella_open(item):
        height = _hand(person, marks, "bag", cover, letter)[2] + float(grip[2])
        return _upright(item, bags.closed_umbrella(scale, height), knuckle, grip)
    if item.kind == "umbrella":
        return _umbrella(person, item, marks, cover, letter)
    if item.kind == "suitcase":
        height = _hand(person, marks, "trolley", cover, letter)[2] + float(grip[2])
        mesh = bags.suitcase(scale, item.size, height)
        return _upright(item, mesh.moved((0, 0, height)), knuckle, grip - [0, 0, height], rolling=True)
    left, right = (_hand(person, marks, "bar" if item.kind == "pushchair" else "box", cover, s) for s in "LR")
    middle = (right - left) / 2
    if item.kind == "pushchair":
        grip = np.array([middle[0], middle[1] - 0.01, -0.03])
        height = float(left[2] + grip[2])
        mesh = bags.pushchair(height, float(left[0] - right[0])).moved((0, 0, height))
        return _upright(item, mesh, "finger3-1.L", grip - [0, 0, height], rolling=True)
    mesh = bags.carton(item.size)
    return _upright(item, mesh, "finger3-1.L", middle + np.array([0.0, 0.0, 0.06]))


def _umbrella(person: Person, item: Item, marks: Landmarks, cover: float, letter: str) -> Attachment:
    hand = _hand(person, marks, "umbrella", cover, letter)
    high = (marks.crown - marks.ground) - float(hand[2]) + 0.07 * marks.scale
    # The stick passes before the face, which leans forwards in walking.
    ahead = float(marks.skeleton.heads[0, 1] - marks.fronts.min()) + 0.09
    mesh = bags.umbrella(
        reach=0.54 * max(0.85, marks.scale),
        above=high,
        inwards=-0.3 * float(hand[0]),
        back=max(0.0, -float(hand[1]) - ahead),
        size=0.6 + 0.4 * item.size,
    )
    sign = 1 if letter == "L" else -1
    return _upright(item, mesh, f"finger3-1.{letter}", np.array([-0.02 * sign, 0.005, -0.03]))


def _upright(item: Item, mesh: Mesh, anchor: str, offset: Array, rolling: bool = False) -> Attachment:
    x, y, z = (float(value) for value in offset)
    return Attachment(item.kind, mesh, SURFACES, True, anchor, (x, y, z), rolling)


def _hand(person: Person, marks: Landmarks, what: Hold, cover: float, letter: str) -> Array:
    """Where a busy hand's knuckles are over a walk, on average: (3,) from the middle of the floor."""
    style = replace(draw_style(person), sway=0.0)
    motion = Motion(gait="walk", left=what, right=what, style=style, speed=1.2)
    actor = Actor(marks.skeleton, motion, marks.girth(cover))
    sole = marks.skeleton.heads[BONE["foot.L"], 2] - marks.ground
    places = []
    for phase in (0.2, 0.3, 0.7, 0.8):
        heads = posed(marks.skeleton, actor.pose(phase)).heads
        ankle = min(heads[BONE["foot.L"], 2], heads[BONE["foot.R"], 2])
        places.append(heads[BONE[f"finger3-1.{letter}"]] - np.array([0.0, 0.0, ankle - sole]))
    result: Array = np.mean(places, axis=0)
    return result


__all__ = ["Attachment", "Landmarks", "attachments", "find_landmarks", "thickness"]

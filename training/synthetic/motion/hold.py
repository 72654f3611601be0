"""Where a busy hand is: at the ear, on a bar, in a pocket."""

from dataclasses import dataclass

import numpy as np

from training.synthetic.geometry.skeleton import BONE, RestSkeleton
from training.synthetic.motion.doing import Hold, Motion
from training.synthetic.motion.gait import Array, unit


@dataclass(frozen=True, slots=True)
class Girth:
    """What the arms must stay outside of, clothes included, metres from the body's middle.

    Attributes:
        hips: half the width where the hands hang.
        front: how far the belly reaches forwards.
    """

    hips: float
    front: float


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Where a hand has to be.

    Attributes:
        wrist: (3,) metres, with the root at the origin.
        pole: (3,) where the elbow points.
        fingers: (3,) where the fingers point.
        palm: (3,) where the palm looks.
        raised: radians by which the collar bone lifts.
    """

    wrist: Array
    pole: Array
    fingers: Array
    palm: Array
    raised: float = 0.0


def hold(
    what: Hold,
    rest: RestSkeleton,
    heads: Array,
    whole: Array,
    sign: int,
    girth: Girth,
    motion: Motion,
) -> Reach | None:
    """The hand's place, or None where the arm just hangs.

    Args:
        what: the hand does.
        rest: of the identity.
        heads: (104, 3) where the bones are, trunk and head already posed.
        whole: (104, 3, 3) their rotations.
        sign: 1 for the left hand, -1 for the right one.
        girth: of the body with its clothes.
        motion: for the size of what is held.
    """
    place = _Place(rest, heads, whole, sign, girth, motion)
    by_hold = {
        "ear": place.ear,
        "screen": place.screen,
        "bar": place.bar,
        "umbrella": place.umbrella,
        "box": place.box,
        "pocket": place.pocket,
        "front": place.front,
        "crossed": place.crossed,
        "strap": place.strap,
    }
    return by_hold[what]() if what in by_hold else None


class _Place:
    """The places, measured on this body. x is to the left, forwards is -y."""

    def __init__(
        self, rest: RestSkeleton, heads: Array, whole: Array, sign: int, girth: Girth, motion: Motion
    ) -> None:
        self._sign = sign
        self._girth = girth
        self._motion = motion
        letter = "L" if sign > 0 else "R"
        self._shoulder = heads[BONE[f"upperarm01.{letter}"]]
        self._hip = heads[BONE[f"upperleg01.{letter}"]]
        self._chest = whole[BONE["spine01"]]
        self._head = whole[BONE["head"]]
        self._eye = heads[BONE[f"eye.{letter}"]]
        self._skull = heads[BONE["head"]]
        self._arm = rest.length(
            *(
                f"{name}.{letter}"
                for name in ("upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist")
            )
        )
        self._wide = abs(float(rest.heads[BONE["eye.L"], 0])) / 0.031

    def _vector(self, inwards: float, forwards: float, upwards: float) -> Array:
        return np.array([-self._sign * inwards, -forwards, upwards])

    def ear(self) -> Reach:
        scale = self._wide
        # The phone lies between palm and ear; the wrist is a hand's length below, beside the jaw.
        way = self._head @ (self._vector(-0.115, 0.04, -0.12) * scale)
        ear = np.array([self._skull[0], 0.4 * self._eye[1] + 0.6 * self._skull[1], self._eye[2]])
        return Reach(
            wrist=ear + way,
            pole=self._vector(-0.5, 0.3, -1.0),
            fingers=unit(self._head @ self._vector(0.2, -0.4, 1.0)),
            palm=self._head @ self._vector(1.0, -0.25, 0.0),
            raised=0.06,
        )

    def screen(self) -> Reach:
        reach = self._arm / 0.5
        way = self._vector(0.08 * reach, 0.0, -0.23 * reach)
        wrist = self._shoulder + self._chest @ way
        wrist[1] = min(self._shoulder[1] - 0.27 * reach, -self._girth.front - 0.08)
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.35, -0.25, -1.0),
            fingers=self._vector(0.45, 0.55, 0.75),
            palm=self._vector(0.2, -0.8, 0.6),
        )

    def bar(self) -> Reach:
        reach = self._arm / 0.5
        wrist = np.array([self._sign * 0.19, 0.0, self._shoulder[2] - 0.36 * reach])
        wrist[1] = min(self._shoulder[1] - 0.31 * reach, -self._girth.front - 0.12)
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.6, -0.6, -0.5),
            fingers=self._vector(0.1, 1.0, -0.5),
            palm=self._vector(0.0, -0.5, -1.0),
        )

    def umbrella(self) -> Reach:
        reach = self._arm / 0.5
        wrist = self._shoulder + self._chest @ self._vector(0.05 * reach, 0.0, -0.2 * reach)
        wrist[1] = min(self._shoulder[1] - 0.19 * reach, -self._girth.front - 0.05)
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.3, -0.3, -1.0),
            fingers=self._vector(0.35, 1.0, 0.1),
            palm=self._vector(1.0, -0.3, 0.0),
        )

    def box(self) -> Reach:
        reach = self._arm / 0.5
        half = 0.17 * self._motion.size
        wrist = np.array([self._sign * (half + 0.03), 0.0, self._shoulder[2] - 0.36 * reach])
        wrist[1] = min(self._shoulder[1] - 0.24 * reach, -self._girth.front - 0.1)
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.45, -0.7, -0.7),
            fingers=self._vector(0.25, 1.0, -0.1),
            palm=self._vector(1.0, 0.0, 0.6),
        )

    def pocket(self) -> Reach:
        reach = self._arm / 0.5
        wrist = np.array(
            [self._sign * (self._girth.hips + 0.005), -0.055 * reach, self._hip[2] + 0.055 * reach]
        )
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.6, -1.0, 0.0),
            fingers=self._vector(0.35, 0.3, -1.0),
            palm=self._vector(1.0, -0.2, 0.0),
        )

    def front(self) -> Reach:
        reach = self._arm / 0.5
        near = 0.0 if self._sign > 0 else 0.035
        wrist = np.array(
            [self._sign * 0.055 * reach, -self._girth.front - 0.03 - near, self._hip[2] + 0.03 * reach]
        )
        return Reach(
            wrist=wrist,
            pole=self._vector(-1.0, -0.35, -0.2),
            fingers=self._vector(0.8, 0.15, -0.75),
            palm=self._vector(0.2, -1.0, 0.0),
        )

    def crossed(self) -> Reach:
        reach = self._arm / 0.5
        over = 0.055 if self._sign > 0 else 0.0
        wrist = self._chest @ np.array([-self._sign * 0.04 * reach, 0.0, 0.0])
        wrist[1] = -self._girth.front - 0.035 - over
        wrist[2] = self._shoulder[2] - (0.24 - 0.02 * self._sign) * reach
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.75, 0.1, -0.8),
            fingers=self._vector(1.0, -0.3, 0.15),
            palm=self._vector(0.0, -1.0, 0.1),
        )

    def strap(self) -> Reach:
        reach = self._arm / 0.5
        wrist = self._shoulder + self._chest @ self._vector(0.07 * reach, 0.0, -0.17 * reach)
        wrist[1] = min(self._shoulder[1] - 0.15 * reach, -self._girth.front - 0.0)
        return Reach(
            wrist=wrist,
            pole=self._vector(-0.5, -0.2, -1.0),
            fingers=self._vector(0.75, 0.0, 0.7),
            palm=self._vector(0.2, -1.0, 0.0),
        )

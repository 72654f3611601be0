"""A visible camera whose picture turns grey: its infrared filter is away, and it sees near infrared.

What tells is colour. A frame's spread is how far its points lie from its own tint, where 5 of 100 may lie
further: a sensor behind its filter shows 27 and more even in a grey street (KAIST), a camera that has moved
the filter away 0, and at most 3 where compression has been at it. Below 6 a frame is grey, from 12 on it
has colour; in between it says nothing.

An empty corridor may be grey in full colour, so that frames alone never switch a camera: somebody must be in
them, and be grey as well. Five such frames in a row, none with colour between them, and it has switched, as
of the first grey frame; five with colour, whoever is in them, and it has switched back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Image, Spectrum

_GREY, _COLOUR = 6.0, 12.0
_SURE = 5
_MOST = 0.95
_ROWS = 32


@dataclass(frozen=True, slots=True)
class Tint:
    """The colour that all of a frame has, and how far its points differ from it.

    Attributes:
        blue: how much bluer than grey its usual point is, in grey levels.
        red: how much redder.
        spread: how far 95 of 100 points lie from that at most, in grey levels.
    """

    blue: float
    red: float
    spread: float


@dataclass(frozen=True, slots=True)
class Switch:
    """A camera has begun to see other light.

    Attributes:
        frame: number of the first frame that shows it.
        time_ns: its capture time.
        spectrum: of the light from there on.
    """

    frame: int
    time_ns: int
    spectrum: Spectrum


def tint_of(picture: Image, rgb: bool) -> Tint:
    """The tint of a frame, from one or two thousand of its points.

    Args:
        picture: uint8 ``H x W x 3``, or grey ``H x W``.
        rgb: whether red comes first.
    """
    if picture.ndim == 2:
        return Tint(0.0, 0.0, 0.0)
    step = max(1, min(picture.shape[:2]) // _ROWS)
    blue, red = _differences(picture[step // 2 :: step, step // 2 :: step], rgb)
    middle = _ranked(blue, 0.5), _ranked(red, 0.5)
    return Tint(*middle, _spread(blue, red, *middle))


def spreads_in(image: Image, boxes: Floats, tint: Tint) -> list[float]:
    """How far the points of each box lie from a frame's tint, where 5 of 100 may lie further.

    Args:
        image: uint8 ``H x W x 3`` RGB.
        boxes: ``(N, 4)`` ``xyxy`` pixels.
        tint: of the frame.
    """
    found = []
    for x1, y1, x2, y2 in np.round(np.maximum(boxes, 0)).astype(int):
        part = image[y1:y2, x1:x2]
        step = max(1, min(part.shape[:2]) // (_ROWS // 2))
        if part.size:
            found.append(_spread(*_differences(part[::step, ::step], True), tint.blue, tint.red))
    return found


def _differences(points: Image, rgb: bool) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """How much bluer and redder than grey each point is."""
    # OpenCV reads no strides of this kind.
    points = np.ascontiguousarray(points)
    grey = cv2.cvtColor(points, cv2.COLOR_RGB2GRAY if rgb else cv2.COLOR_BGR2GRAY).astype(np.int16)
    first, last = (points[:, :, channel].astype(np.int16) - grey for channel in (0, 2))
    return (last, first) if rgb else (first, last)


def _spread(blue: NDArray[np.int16], red: NDArray[np.int16], usual_blue: float, usual_red: float) -> float:
    return _ranked(np.maximum(np.abs(blue - usual_blue), np.abs(red - usual_red)), _MOST)


def _ranked(values: NDArray[Any], share: float) -> float:
    """The value that a share of them does not exceed: much faster than a percentile that interpolates."""
    place = round(share * (values.size - 1))
    return float(np.partition(values.ravel(), place)[place])


@dataclass(slots=True)
class FilterJudge:
    """Finds out whether a visible camera's infrared filter is away.

    Attributes:
        near: whether it is.
        against: frames in a row that say otherwise.
        since: number and capture time of the first frame from which on no frame contradicts them.
    """

    near: bool = False
    against: int = 0
    since: tuple[int, int] | None = None

    @property
    def doubts(self) -> bool:
        """Whether the last frames say otherwise: a crop of theirs may be of the other light."""
        return self.against > 0

    def see(self, index: int, time_ns: int, tint: Tint, people: Sequence[float]) -> Switch | None:
        """Take in one frame; frames come in order.

        Args:
            index: its number.
            time_ns: its capture time.
            tint: of the frame.
            people: the spread of everybody in it.

        Returns:
            the switch that is certain with this frame.
        """
        colour = tint.spread >= _COLOUR or any(spread >= _COLOUR for spread in people)
        grey = tint.spread < _GREY and not colour
        if (grey if self.near else colour) or not (grey or colour):
            # A frame that says nothing contradicts nobody.
            if grey or colour:
                self.against, self.since = 0, None
            return None
        self.since = self.since or (index, time_ns)
        if self.near or (len(people) and all(spread < _GREY for spread in people)):
            self.against += 1
        if self.against < _SURE:
            return None
        switch = Switch(*self.since, Spectrum.VISIBLE if self.near else Spectrum.NEAR)
        self.near, self.against, self.since = not self.near, 0, None
        return switch

    @property
    def state(self) -> dict[str, Any]:
        """What begins anew with the next frame must know; empty at the beginning."""
        if (self.near, self.against, self.since) == (False, 0, None):
            return {}
        return {"near": self.near, "against": self.against, "since": self.since and list(self.since)}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "FilterJudge":
        """A judge that goes on from a state."""
        if not state:
            return cls()
        since = state["since"]
        return cls(bool(state["near"]), int(state["against"]), (since[0], since[1]) if since else None)

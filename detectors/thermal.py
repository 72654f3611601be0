"""Thermal frames: raw counts to 8 bits, and which end is warm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.letterbox import intersections_over_unions
from reid_core.counts import finite_percentiles, least_span, to_8bit
from reid_core.errors import SourceError
from reid_core.types import Detections, Polarity

_LOW, _HIGH = 0.5, 99.8
_JUMP, _WIDER = 0.5, 3.0
_DECIDED_LEAD = 2.0
_DECIDED_RATIO = 1.5
_STOOD = 0.5
_STANDING_WEIGHT = 0.1
_DOUBTFUL_LEAD = 0.15
_DOUBTED_REFRESHES = 2


class RawScaler:
    """Raw counts of one camera to 8-bit grey, as the camera's own gain control would.

    The range follows the frame's 0.5 to 99.8 percentile with a memory, so that a person walking in
    does not make the background flicker (which would look like motion). The state of a recording's
    first frame is that frame's own range. Pixels that are no number count for nothing: a frame of nothing
    else leaves the range as it was.

    Where the middle half of the frame jumps by more than half the range, or becomes three times as wide or
    as narrow from one frame to the next, the camera has switched its gain or its unit, or shows another
    scene: the range is then that frame's own, as at the beginning.

    Args:
        memory: share of the range kept from one frame to the next, 0..1.
        remembered: the ``remembered`` of another scaler, to go on as it would have.

    Attributes:
        range: lowest and highest count of the last frame with its memory; ``None`` before the first.
    """

    def __init__(self, memory: float = 0.9, remembered: Sequence[float] | None = None) -> None:
        self._memory = memory
        self.range = (remembered[0], remembered[1]) if remembered is not None else None
        # Galleries of before hold the range alone.
        whole = remembered is not None and len(remembered) == 4
        self._middle = (remembered[2], remembered[3]) if remembered is not None and whole else None

    @property
    def remembered(self) -> list[float] | None:
        """All that another scaler must know to go on from here; ``None`` before the first frame."""
        return None if self.range is None else [*self.range, *(self._middle or ())]

    def __call__(self, raw: NDArray[Any]) -> NDArray[np.uint8]:
        """Scale one frame.

        Args:
            raw: ``H x W`` counts of any number type.

        Returns:
            uint8 ``H x W``.
        """
        if raw.ndim != 2:
            raise SourceError(f"A raw thermal frame has one channel; this one has the shape {raw.shape}.")
        found = finite_percentiles(raw, [_LOW, 25, 75, _HIGH])
        if found is not None:
            low, first, third, high = found
            if self.range is not None and not self._jumped(raw, first, third):
                low = self._memory * self.range[0] + (1 - self._memory) * low
                high = self._memory * self.range[1] + (1 - self._memory) * high
            self.range, self._middle = (low, high), (first, third)
        return to_8bit(raw, *(self.range or (0.0, 0.0)))

    def _jumped(self, raw: NDArray[Any], first: float, third: float) -> bool:
        """Whether the middle half of a frame is elsewhere than that of the one before."""
        if self.range is None or self._middle is None:
            return False
        low, high = self.range
        span = max(high - low, least_span(raw, low, high))
        before, now = (max(top - bottom, span / 50) for bottom, top in (self._middle, (first, third)))
        moved = max(abs(first - self._middle[0]), abs(third - self._middle[1]))
        return moved > _JUMP * span or not 1 / _WIDER < now / before < _WIDER


@dataclass(slots=True)
class PolarityJudge:
    """Finds out whether an infrared camera's frames show people better as they are or inverted.

    COCO detectors know dark figures on a bright ground better than the negative of it, so white-hot
    thermal frames are inverted. Which is which is told by the detector itself: both are looked at
    until one has gathered clearly more confidence. Near-infrared frames win as they are.

    A lamp post can pass for a person in one version for as long as the camera runs, so what moves
    counts fully and what stands hardly at all. What stood where is forgotten as often as the motion gate
    forgets, so that the numbers are all that a run has to know to go on from there.

    A decision is not for ever: somebody may switch the camera. Where one frame is the negative of the one
    before (`turn`), it is the other way round at once. Otherwise, every few refreshes both versions are
    looked at (`check`); where the other one shows somebody more surely, the decision is doubted for two
    refreshes: both versions of every frame are looked at, only what moves counts, and what is decided then
    holds.

    Attributes:
        as_is: confidence gathered by the frames as they are.
        inverted: confidence gathered by their negatives.
        invert: the decision, or ``None`` before the first.
        doubted: for how many more refreshes the decision is doubted; ``None`` while it is not.
        told: whether the decision came from outside, and stays.
    """

    as_is: float = 0.0
    inverted: float = 0.0
    invert: bool | None = None
    doubted: int | None = None
    told: bool = field(default=False, compare=False)
    _before: tuple[Detections, Detections] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def known(cls, polarity: Polarity) -> "PolarityJudge":
        """A judge that was told."""
        return cls(invert=polarity is Polarity.WHITE_HOT, told=True)

    @property
    def undecided(self) -> bool:
        """Whether both versions of every frame are to be looked at."""
        return self.invert is None or self.doubted is not None

    def see(self, as_is: Detections, inverted: Detections, anew: bool) -> None:
        """Add what one frame showed.

        Args:
            as_is: the people found in it.
            inverted: those found in its negative.
            anew: forget what stood where; at every refresh of the motion gate and at every cut.
        """
        if not self.undecided:
            return
        if anew or self._before is None:
            self._before = (as_is, inverted)
        standing = _STANDING_WEIGHT if self.doubted is None else 0.0
        self.weigh(
            *(
                _strength(found, old, standing)
                for found, old in zip((as_is, inverted), self._before, strict=True)
            )
        )

    def refresh(self) -> None:
        """A refresh of the motion gate: a doubt that nothing has confirmed passes."""
        if self.doubted is not None:
            self.doubted = self.doubted - 1 if self.doubted > 1 else None

    def weigh(self, as_is: float, inverted: float) -> None:
        """Add how sure the detector was of somebody in one frame, in each version, 0..1."""
        self.as_is += as_is * as_is
        self.inverted += inverted * inverted
        more, less = max(self.as_is, self.inverted), min(self.as_is, self.inverted)
        if more - less > _DECIDED_LEAD and more > _DECIDED_RATIO * less:
            self.invert, self.doubted = self.inverted > self.as_is, None

    def check(self, as_is: Detections, inverted: Detections) -> None:
        """Hold a decision against what both versions of a frame show."""
        if self.told or self.undecided:
            return
        other, own = (float(one.confidences.max(initial=0)) for one in (as_is, inverted))
        if not self.invert:
            other, own = own, other
        if other > own + _DOUBTFUL_LEAD:
            self.as_is, self.inverted, self.doubted, self._before = 0.0, 0.0, _DOUBTED_REFRESHES, None

    def turn(self) -> None:
        """The camera shows the negative of what it showed before."""
        if self.told:
            return
        self.as_is, self.inverted, self._before = self.inverted, self.as_is, None
        if self.invert is not None:
            self.invert = not self.invert

    @property
    def leaning(self) -> bool:
        """What was decided, or else whether inverted frames are ahead so far."""
        return self.inverted > self.as_is if self.invert is None else self.invert


def _strength(found: Detections, before: Detections, weight: float) -> float:
    """How sure the surest is, where what already stood there before counts with a weight."""
    moved = (intersections_over_unions(found.boxes, before.boxes) < _STOOD).all(axis=1)
    moving = float(found.confidences[moved].max(initial=0))
    standing = float(found.confidences[~moved].max(initial=0))
    return float(np.sqrt(moving**2 + weight * standing**2))

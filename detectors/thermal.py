"""Thermal pictures: raw counts to 8 bits, and which end is warm."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import SourceError
from reid_core.types import Polarity

_LOW, _HIGH = 0.5, 99.8
_DECIDED_LEAD = 4.0
_DECIDED_RATIO = 1.5


class RawScaler:
    """14- or 16-bit raw counts of one camera to 8-bit grey, as the camera's own gain control would.

    The range follows the picture's 0.5 to 99.8 percentile with a memory, so that a person walking in
    does not make the background flicker (which would look like motion). The state of a recording's
    first picture is that picture's own range.

    Args:
        memory: share of the range kept from one picture to the next, 0..1.
    """

    def __init__(self, memory: float = 0.9) -> None:
        self._memory = memory
        self._range: tuple[float, float] | None = None

    def __call__(self, raw: NDArray[Any]) -> NDArray[np.uint8]:
        """Scale one picture.

        Args:
            raw: ``H x W`` counts of any number type.

        Returns:
            uint8 ``H x W``.
        """
        if raw.ndim != 2:
            raise SourceError(f"A raw thermal picture has one channel; this one has the shape {raw.shape}.")
        low, high = (float(value) for value in np.percentile(raw, [_LOW, _HIGH]))
        if self._range is not None:
            low = self._memory * self._range[0] + (1 - self._memory) * low
            high = self._memory * self._range[1] + (1 - self._memory) * high
        self._range = (low, high)
        span = max(high - low, 1.0)
        return np.clip((raw.astype(np.float32) - low) * np.float32(255 / span), 0, 255).astype(np.uint8)


@dataclass(slots=True)
class PolarityJudge:
    """Finds out whether an infrared camera's pictures show people better as they are or inverted.

    COCO detectors know dark figures on a bright ground better than the negative of it, so white-hot
    thermal pictures are inverted. Which is which is told by the detector itself: both are looked at
    until one has gathered clearly more confidence. Near-infrared pictures win as they are.

    Attributes:
        as_is: confidence gathered by the pictures as they are.
        inverted: confidence gathered by their negatives.
        invert: the decision, or ``None`` while both are looked at.
    """

    as_is: float = 0.0
    inverted: float = 0.0
    invert: bool | None = None

    @classmethod
    def known(cls, polarity: Polarity) -> "PolarityJudge":
        """A judge that was told."""
        return cls(invert=polarity is Polarity.WHITE_HOT)

    def weigh(self, as_is: float, inverted: float) -> None:
        """Add what one picture showed: the highest person confidence of each version, 0..1."""
        self.as_is += as_is * as_is
        self.inverted += inverted * inverted
        more, less = max(self.as_is, self.inverted), min(self.as_is, self.inverted)
        if more - less > _DECIDED_LEAD and more > _DECIDED_RATIO * less:
            self.invert = self.inverted > self.as_is

    @property
    def leaning(self) -> bool:
        """Whether inverted pictures are ahead so far."""
        return self.inverted > self.as_is if self.invert is None else self.invert

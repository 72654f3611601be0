"""Arms and legs as two bones and a hinge."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from training.synthetic.geometry.skeleton import BONE, RestSkeleton
from training.synthetic.motion.gait import Array, across, cross, frame, unit

Letter: TypeAlias = Literal["L", "R"]


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """An arm or leg in the reference pose.

    Attributes:
        first: length of upper arm or thigh, metres.
        second: of forearm or shin.
        upper_frame: (3, 3) columns along the first bone, its hinge, and across.
        lower_frame: the same of the second.
    """

    first: float
    second: float
    upper_frame: Array
    lower_frame: Array

    @property
    def length(self) -> float:
        """Metres from end to end."""
        return self.first + self.second

    @classmethod
    def leg(cls, rest: RestSkeleton, side: Letter) -> "Limb":
        """The leg of a side, hinged about the left-right axis."""
        thigh = _span(rest, side, "upperleg02", "lowerleg01")
        shin = _span(rest, side, "lowerleg02", "foot")
        sideways = np.array([1.0, 0.0, 0.0])
        return cls(
            first=float(np.linalg.norm(thigh)),
            second=float(np.linalg.norm(shin)),
            upper_frame=frame(unit(thigh), across(sideways, unit(thigh))),
            lower_frame=frame(unit(shin), across(sideways, unit(shin))),
        )

    @classmethod
    def arm(cls, rest: RestSkeleton, side: Letter) -> "Limb":
        """The arm of a side, hinged as its slight bend shows."""
        upper = _span(rest, side, "upperarm02", "lowerarm01")
        lower = _span(rest, side, "lowerarm02", "wrist")
        hinge = unit(cross(across(lower, unit(upper)), unit(upper)))
        return cls(
            first=float(np.linalg.norm(upper)),
            second=float(np.linalg.norm(lower)),
            upper_frame=frame(unit(upper), hinge),
            lower_frame=frame(unit(lower), hinge),
        )


def _span(rest: RestSkeleton, side: Letter, *bones: str) -> Array:
    result: Array = sum((rest.offsets[BONE[f"{bone}.{side}"]] for bone in bones), np.zeros(3))
    return result

"""Hands: how they point, and how far the fingers are closed."""

import numpy as np

from training.synthetic.geometry.skeleton import BONE, RestSkeleton
from training.synthetic.motion.gait import Array, about, across, cross, minimal, unit


class Hand:
    """One hand of one identity in the reference pose.

    The body model's hands are spread wide; here the fingers lie beside each other.

    Args:
        rest: of the identity.
        side: ``"L"`` or ``"R"``.
    """

    def __init__(self, rest: RestSkeleton, side: str) -> None:
        self._side = side
        self._rest = rest
        reach = {finger: self._base(finger) for finger in (2, 3, 4, 5)}
        self.fingers = unit(sum(reach.values(), np.zeros(3)))
        width = across(reach[5] - reach[2], self.fingers)
        self.palm = cross(width, self.fingers) * (1 if side == "L" else -1)

    def towards(self, fingers: Array, palm: Array) -> Array:
        """Rotation (3, 3) from the reference pose that points the fingers and turns the palm."""
        along, face = unit(fingers), across(palm, unit(fingers))
        target = np.stack([along, face, cross(along, face)], 1)
        own = np.stack([self.fingers, self.palm, cross(self.fingers, self.palm)], 1)
        result: Array = target @ own.T
        return result

    def close(self, local: Array, grip: float) -> None:
        """Bends the fingers in ``local`` (104, 3, 3): 0 straight, 0.2 relaxed, 1 a fist."""
        width = cross(self.fingers, self.palm)
        curl = cross(self.fingers, self.palm)
        for finger in (2, 3, 4, 5):
            more = 1 + 0.12 * (finger - 2) * (1 - grip)
            own = self._direction(f"finger{finger}-1", f"finger{finger}-2")
            beside = unit(own - 0.75 * width * (own @ width))
            angles = np.array([0.15 + 1.25 * grip, 0.1 + 1.45 * grip, 0.05 + 0.8 * grip]) * more
            local[self._bone(f"finger{finger}-1")] = about(curl, angles[0]) @ minimal(own, beside)
            local[self._bone(f"finger{finger}-2")] = about(curl, angles[1])
            local[self._bone(f"finger{finger}-3")] = about(curl, angles[2])
        thumb = self._direction("finger1-1", "finger1-2")
        beside = unit(0.35 * thumb + 0.75 * self.fingers + (0.25 + 0.5 * grip) * self.palm)
        local[self._bone("finger1-1")] = minimal(thumb, beside)
        local[self._bone("finger1-2")] = about(curl, 0.3 * grip)

    def _bone(self, name: str) -> int:
        return BONE[f"{name}.{self._side}"]

    def _base(self, finger: int) -> Array:
        result: Array = (
            self._rest.offsets[self._bone(f"metacarpal{finger - 1}")]
            + self._rest.offsets[self._bone(f"finger{finger}-1")]
        )
        return result

    def _direction(self, bone: str, following: str) -> Array:
        return unit(self._rest.offsets[self._bone(following)])

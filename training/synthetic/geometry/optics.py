"""A camera's geometry: where a point of the world lands in the frame, and which ray a pixel sees along."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats

_INVERSE_STEPS = 8


@dataclass(frozen=True)
class Camera:
    """A pinhole with one radial distortion term, anywhere in the world (metres, z up).

    Pixel (0, 0) is the top-left corner of the top-left pixel, so the first pixel's centre is (0.5, 0.5);
    the optical axis meets the frame in its middle.

    Attributes:
        width, height: of the frame, pixels.
        focal: focal length, pixels.
        position: of the lens, metres.
        yaw: direction looked in, radians; 0 looks along +y, positive turns left (towards -x).
        pitch: radians, negative looks down.
        roll: radians, positive turns the camera clockwise as seen from behind it.
        distortion: k1 of ``r' = r (1 + k1 r^2)`` on normalised coordinates; negative is a barrel.
    """

    width: int
    height: int
    focal: float
    position: tuple[float, float, float]
    yaw: float
    pitch: float
    roll: float = 0.0
    distortion: float = 0.0

    @cached_property
    def axes(self) -> Floats:
        """``(3, 3)``: rows are the frame's right, down and the optical axis, in the world."""
        cos_yaw, sin_yaw = np.cos(self.yaw), np.sin(self.yaw)
        cos_pitch, sin_pitch = np.cos(self.pitch), np.sin(self.pitch)
        forward = np.array([-sin_yaw * cos_pitch, cos_yaw * cos_pitch, sin_pitch])
        right = np.array([cos_yaw, sin_yaw, 0.0])
        down = np.cross(forward, right)
        cos_roll, sin_roll = np.cos(self.roll), np.sin(self.roll)
        return np.stack(
            [cos_roll * right + sin_roll * down, cos_roll * down - sin_roll * right, forward]
        ).astype(np.float32)

    @cached_property
    def _reach(self) -> float:
        """Undistorted radius up to which the distortion keeps its order: beyond it a barrel folds back."""
        return float(np.sqrt(-1.0 / (3.0 * self.distortion)) * 0.98) if self.distortion < 0 else np.inf

    def project(self, points: NDArray[Any]) -> tuple[Floats, Floats]:
        """Where points land in the frame.

        Args:
            points: ``(..., 3)`` metres.

        Returns:
            ``(..., 2)`` pixels and ``(...)`` depth along the optical axis in metres. A point behind the
            camera has a depth of 0 or less, and its pixel means nothing.
        """
        local = (np.asarray(points, np.float32) - np.asarray(self.position, np.float32)) @ self.axes.T
        depth = local[..., 2]
        flat = local[..., :2] / np.where(np.abs(depth) < 1e-6, np.float32(1e-6), depth)[..., None]
        squared = np.minimum((flat * flat).sum(-1, keepdims=True), np.float32(self._reach**2))
        pixels = flat * (1 + np.float32(self.distortion) * squared) * np.float32(self.focal)
        return pixels + np.array([self.width / 2, self.height / 2], np.float32), depth

    def directions(self, pixels: NDArray[Any]) -> NDArray[np.float64]:
        """``(..., 3)`` world directions of ``(..., 2)`` pixels, not unit: 1 along the axis."""
        bent = (np.asarray(pixels, np.float64) - [self.width / 2, self.height / 2]) / self.focal
        radius = np.sqrt((bent * bent).sum(-1))
        straight = radius.copy()
        for _ in range(_INVERSE_STEPS):  # Newton on r (1 + k r^2) = r'
            straight -= (straight * (1 + self.distortion * straight**2) - radius) / (
                1 + 3 * self.distortion * straight**2
            )
            straight = np.clip(straight, 0, self._reach)
        flat = bent * (straight / np.maximum(radius, 1e-9))[..., None]
        local = np.concatenate([flat, np.ones_like(flat[..., :1])], -1)
        return np.asarray(local @ self.axes.astype(np.float64))

    def rays(self, left: int, top: int, width: int, height: int, step: float = 1.0) -> Floats:
        """Unit directions seen by a window's pixels.

        Args:
            left, top: the window's corner, pixels.
            width, height: number of rays across and down.
            step: pixels from one ray to the next; a ray goes through the middle of its ``step`` square.

        Returns:
            ``(height, width, 3)`` in the world.
        """
        across = left + (np.arange(width) + 0.5) * step
        down = top + (np.arange(height) + 0.5) * step
        pixels = np.stack(np.broadcast_arrays(across[None, :], down[:, None]), -1)
        directions = self.directions(pixels)
        unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        return np.asarray(unit, np.float32)

"""Pixels of more than 8 bits, and how one image of them becomes 8.

What a thermal camera wrote is counts: one channel of raw numbers or of temperatures, in whatever unit. It
stays what it is, ``uint16`` or ``float32``, until somebody who sees all of the camera's scales it
(`detectors.thermal.RawScaler`); a single image, a crop, is stretched by itself. Pixels that are no number
decide nothing: the range is that of the others.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Counts: TypeAlias = NDArray[np.uint16] | NDArray[np.float32]
"""One channel of raw numbers, ``H x W``."""

_MOST = np.iinfo(np.uint16).max
# Of a float, what is less than its noise: 0.003 K at the temperature of a street.
_LEAST_SHARE = 1e-5
_LEAST = 1e-30


def as_counts(plane: NDArray[Any]) -> Counts:
    """One channel of any number type as ``uint16`` where that holds it exactly, else as ``float32``."""
    if plane.dtype.kind in "iu" and (plane.size == 0 or (plane.min() >= 0 and plane.max() <= _MOST)):
        return plane.astype(np.uint16)
    return plane.astype(np.float32)


def finite_percentiles(raw: NDArray[Any], shares: Sequence[float]) -> list[float] | None:
    """Percentiles of the pixels that are numbers; ``None`` where there is none."""
    values = raw[np.isfinite(raw)] if raw.dtype.kind == "f" else raw
    return [float(value) for value in np.percentile(values, shares)] if values.size else None


def least_span(raw: NDArray[Any], low: float, high: float) -> float:
    """The smallest range that is worth stretching: one count, or of floats what is more than their noise."""
    if raw.dtype.kind != "f":
        return 1.0
    return max(abs(low) * _LEAST_SHARE, abs(high) * _LEAST_SHARE, _LEAST)


def to_8bit(raw: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map a range onto 0..255, linearly.

    Args:
        raw: ``H x W`` of any number type; what is no number is dark, infinities are the ends of the range.
        low: becomes 0.
        high: becomes 255.
    """
    values = raw.astype(np.float32)
    if raw.dtype.kind == "f":
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    scaled = (values - np.float32(low)) * np.float32(255 / max(high - low, least_span(raw, low, high)))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def stretch_to_8bit(raw: NDArray[Any], low: float = 0.5, high: float = 99.5) -> NDArray[np.uint8]:
    """Map a 14/16-bit or float image onto 0..255, linearly between two percentiles of its numbers.

    Args:
        raw: ``H x W`` of any number type; what is no number becomes black, infinities black and white.
        low: percentile that becomes 0.
        high: percentile that becomes 255.

    Returns:
        ``uint8`` ``H x W``; an image of one value becomes black.
    """
    values = np.asarray(raw, np.float32)
    darkest, brightest, lowest, highest = finite_percentiles(values, [low, high, 0, 100]) or [0.0] * 4
    if brightest <= darkest:
        darkest, brightest = lowest, highest
    if brightest <= darkest:
        return np.where(values == np.inf, 255, 0).astype(np.uint8)
    values = np.nan_to_num(values, nan=darkest, posinf=brightest, neginf=darkest)
    stretched: NDArray[np.float32] = (values - darkest) * (255.0 / (brightest - darkest)) + 0.5
    return np.clip(stretched, 0, 255).astype(np.uint8)

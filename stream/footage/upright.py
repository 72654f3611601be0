"""Turning and mirroring a frame as its container says."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 0.02


def upright(pixels: NDArray[Any], matrix: NDArray[np.int32]) -> NDArray[Any] | None:
    """A frame as it is to be shown.

    Args:
        pixels: ``H x W`` or ``H x W x C``.
        matrix: the container's display matrix, 9 numbers; the first, second, fourth and fifth, 16.16 fixed
            point, say where right and down point.

    Returns:
        The frame turned by a multiple of 90 degrees and mirrored, contiguous; ``None`` for other angles.
    """
    a, b, c, d = (float(matrix[place]) for place in (0, 1, 3, 4))
    size = max(abs(a), abs(b), abs(c), abs(d))
    if size == 0:
        return pixels
    across = max(abs(a), abs(d)) <= _TOLERANCE * size
    if not across and max(abs(b), abs(c)) > _TOLERANCE * size:
        return None
    if across:
        pixels = pixels.swapaxes(0, 1)
    right, down = (c, b) if across else (a, d)
    if right < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)

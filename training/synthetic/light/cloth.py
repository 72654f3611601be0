"""What a garment shows at a point, compiled: its second colour, and what seams leave of the light."""

import numpy as np

from reid_core.types import Floats
from training.synthetic.geometry.compiling import compiled
from training.synthetic.light.noise import noise
from training.synthetic.light.surface import (
    CENTRE_Z,
    DETAIL,
    PATTERN,
    SCALE,
    SEED_A,
    SEED_B,
    SEED_C,
    SPLIT,
    Detail,
)

_BUTTONS, _ZIP, _QUILT, _POCKETS = (
    int(detail) for detail in (Detail.BUTTONS, Detail.ZIP, Detail.QUILT, Detail.POCKETS)
)


@compiled()
def second_colour(row: Floats, x: float, y: float, z: float) -> float:
    """How much of a garment's second colour a point shows, 0..1."""
    pattern = int(row[PATTERN])
    if pattern == 0:
        return 0.0
    scale = row[SCALE]
    a, b = row[SEED_A], row[SEED_B]
    around = np.arctan2(x, -y + 0.03) * 0.15
    if pattern == 1:
        return 1.0 if (z / scale + a) % 1.0 < 0.25 + 0.5 * b else 0.0
    if pattern == 2:
        return 1.0 if (around / scale + a) % 1.0 < 0.25 + 0.4 * b else 0.0
    if pattern == 3:
        first = 1.0 if (z / scale + a) % 1.0 < 0.5 else 0.0
        second = 1.0 if (around / scale + b) % 1.0 < 0.5 else 0.0
        return 0.5 * first + 0.5 * second
    if pattern == 4:
        if row[SPLIT] < -8:
            return 1.0 if abs(x) > 0.175 else 0.0
        return 1.0 if z < row[SPLIT] else 0.0
    up = z - row[CENTRE_Z]
    if pattern == 5:
        # A picture on the chest, the back or both.
        if (a < 0.6 and y > 0.02) or (a > 0.85 and y < -0.02):
            return 0.0
        size = 0.09 + 0.07 * b
        if abs(x) > size or abs(up + 0.04) > size:
            return 0.0
        cell = 18 + 30 * row[SEED_C]
        return 1.0 if noise(x * cell + 50 * a, 7.7, up * cell + 50 * b) > 0.47 else 0.15
    if pattern == 6:
        if y > 0.02 and a < 0.7:
            return 0.0
        if b < 0.5:
            inside = abs(x - 0.075) < 0.03 and abs(up - 0.03) < 0.028
            return 1.0 if inside else 0.0
        inside = abs(x) < 0.11 and abs(up) < 0.022
        if not inside:
            return 0.0
        return 1.0 if (x * 45 + a) % 1.0 < 0.72 else 0.2
    cell = scale * 0.7
    du = (around / cell) % 1.0 - 0.5
    dv = (z / cell) % 1.0 - 0.5
    return 1.0 if du * du + dv * dv < 0.06 + 0.05 * b else 0.0


@compiled()
def stitch(row: Floats, x: float, y: float, z: float) -> float:
    """What seams, zips and pockets leave of the light, 0..1."""
    detail = int(row[DETAIL])
    if detail == 0:
        return 1.0
    up = z - row[CENTRE_Z]
    if detail == _ZIP:
        return 0.55 if abs(x) < 0.007 and y < 0 else 1.0
    if detail == _BUTTONS:
        if y < 0 and abs(x - 0.012) < 0.0035:
            return 0.72
        if y < 0 and abs(x) < 0.008 and (z * 9.0) % 1.0 < 0.13:
            return 0.5
        return 1.0
    if detail == _QUILT:
        return 0.72 if (z / 0.075) % 1.0 < 0.1 else 1.0
    if detail == _POCKETS:
        if y > 0 and 0.03 < abs(x) < 0.115 and -0.09 < up < 0.03:
            edge = min(min(abs(x) - 0.03, 0.115 - abs(x)), min(up + 0.09, 0.03 - up))
            return 0.8 if edge < 0.006 else 1.0
        if y < 0 and abs(x) < 0.004 and up > -0.05:
            return 0.75
        return 1.0
    return 1.0

"""What lies beyond a place: sky, clouds and the outline of far roofs and trees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum
from training.synthetic.places.conditions import Conditions
from training.synthetic.places.place import Place


def _wave(angle: NDArray[Any], seed: int, octaves: int) -> Floats:
    """A smooth random function of the direction, about -1..1, that closes on itself."""
    rng = np.random.Generator(np.random.PCG64(seed))
    total = np.zeros_like(angle, dtype=np.float64)
    for octave in range(octaves):
        turns = 2 + 3 * octave + int(rng.integers(0, 3))
        total += np.sin(turns * angle + float(rng.uniform(0, 6.28))) / (1 + 0.5 * octave)
    return np.asarray(total / octaves**0.5, np.float32)


def sky_radiance(directions: Floats, place: Place, spectrum: Spectrum, conditions: Conditions) -> Floats:
    """``(N, C)`` of rays that meet nothing of the place."""
    up = directions[:, 2].astype(np.float64)
    angle = np.arctan2(directions[:, 1], directions[:, 0]).astype(np.float32)
    roofs = 0.035 + 0.02 * _wave(np.round(angle * 14) / 14, place.seed, 3)
    trees = 0.03 + 0.012 * _wave(angle, place.seed + 1, 6) + 0.004 * _wave(angle * 9, place.seed + 2, 6)
    height = np.maximum(roofs, trees)
    below = np.clip((height - up) / 0.004, 0, 1)
    high = np.clip(up, 0, 1) ** 0.6
    cloud = 0.5 * _wave(angle * 2 + 3 * up, place.seed + 3, 5) * np.clip(1 - up, 0, 1)
    if spectrum is Spectrum.THERMAL:
        clear = conditions.air - conditions.cold * (0.35 + 0.65 * high) + 1.2 * cloud
        far = conditions.air - 0.5 + 0.4 * cloud
        return np.asarray((clear * (1 - below) + far * below)[:, None], np.float32)
    if spectrum is Spectrum.NEAR:
        return np.asarray(((0.25 * conditions.sky) * (1 - 0.7 * below))[:, None], np.float32)
    if conditions.sun is None:
        level = (1.0 + 0.13 * cloud - 0.12 * high)[:, None] * np.array([0.98, 1.0, 1.03])
        level *= 0.75 if conditions.rain else 1.0
    else:
        blue = np.array([0.36, 0.55, 0.92])
        pale = np.array([0.88, 0.95, 1.04])
        mix = np.clip(high * 1.1 - 0.5 * np.maximum(cloud, 0), 0, 1)[:, None]
        level = pale * (1 - mix) + blue * mix
        towards = np.clip(directions @ np.asarray(conditions.sun, np.float32), 0, 1)[:, None]
        level = level + 0.6 * towards**24
    far = np.array([0.30, 0.34, 0.36]) * (1 + 0.2 * cloud[:, None])
    return np.asarray(level * (1 - below[:, None]) + far * below[:, None], np.float32)

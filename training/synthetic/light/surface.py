"""Surfaces as the renderer reads them: one row of numbers a surface."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from reid_core.types import Floats
from training.synthetic.people.person import RGB, Cloth


class Kind(IntEnum):
    """What a surface is made of."""

    CLOTH = 0
    SKIN = 1
    HEAD = 2
    HAIR = 3
    EYE = 4
    PLAIN = 5


class Detail(IntEnum):
    """What is sewn on a garment."""

    NONE = 0
    BUTTONS = 1
    ZIP = 2
    QUILT = 3
    POCKETS = 4


PATTERNS = (
    "plain",
    "stripes",
    "vertical stripes",
    "checks",
    "two-coloured",
    "print",
    "logo",
    "dots",
)
COLUMNS = 24
(
    KIND,
    PATTERN,
    SCALE,
    RED,
    GREEN,
    BLUE,
    RED2,
    GREEN2,
    BLUE2,
    NEAR,
    NEAR2,
    WARMTH,
    ROUGHNESS,
    SEED_A,
    SEED_B,
    SEED_C,
    FOLD,
    DETAIL,
    CENTRE_Z,
    BEARD,
    LENGTH,
    EYE_X,
    EYE_Z,
    SPLIT,
) = range(COLUMNS)


@dataclass(frozen=True, slots=True)
class Surface:
    """A material laid on part of a figure.

    Attributes:
        kind: what it is.
        cloth: colours, infrared reflectances, pattern.
        fold: strength of wrinkles, 0..1.
        detail: what is sewn on.
        centre_z: height (rest pose, metres) of the middle of the chest: where prints sit.
        extra: further columns by number.
    """

    kind: Kind
    cloth: Cloth
    fold: float = 0.0
    detail: Detail = Detail.NONE
    centre_z: float = 0.0
    extra: tuple[tuple[int, float], ...] = ()


def linear(colour: RGB) -> Floats:
    """Turn sRGB 0..1 into linear light 0..1 (IEC 61966-2-1)."""
    value = np.asarray(colour, np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def table(surfaces: list[Surface]) -> Floats:
    """``(S, COLUMNS)`` rows for the shader."""
    rows = np.zeros((len(surfaces), COLUMNS), np.float32)
    for row, surface in zip(rows, surfaces, strict=True):
        cloth = surface.cloth
        row[KIND] = surface.kind
        row[PATTERN] = PATTERNS.index(cloth.pattern)
        row[SCALE] = cloth.scale
        row[RED : BLUE + 1] = linear(cloth.rgb[0])
        row[RED2 : BLUE2 + 1] = linear(cloth.rgb[-1])
        row[NEAR], row[NEAR2] = cloth.near[0], cloth.near[-1]
        row[WARMTH] = cloth.warmth
        row[ROUGHNESS] = cloth.roughness
        rng = np.random.Generator(np.random.PCG64(cloth.seed))
        row[SEED_A : SEED_C + 1] = rng.random(3)
        row[FOLD] = surface.fold
        row[DETAIL] = surface.detail
        row[CENTRE_Z] = surface.centre_z
        for column, value in surface.extra:
            row[column] = value
    return rows

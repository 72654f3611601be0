"""What shines on people and things in one place, in one spectrum: all that shading needs to know."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lamp:
    """One source of direct light.

    Attributes:
        position: metres, of a lamp that hangs somewhere; of a distant one (the sun) None.
        direction: unit vector **towards** the light, of a distant one; of a near one None.
        colour: linear RGB irradiance; for a near lamp that which arrives at ``reference`` metres.
        radius: metres (near) or radians (distant) of the source: how soft its shadows are.
        reference: metres at which ``colour`` holds; beyond it falls off with the square.
        wrap: 0 a hard lamp (Lambert), towards 1 a wide panel that reaches round the body.
        beam: (axis towards the lit side, half angle in radians) of a lamp that shines one way, or None.
    """

    colour: Vector
    position: Vector | None = None
    direction: Vector | None = None
    radius: float = 0.02
    reference: float = 3.0
    wrap: float = 0.0
    beam: tuple[Vector, float] | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a place in one spectrum.

    Attributes:
        spectrum: whose light it is.
        sky: linear RGB irradiance from above (also ceilings), per unit of openness.
        ground: linear RGB bounced from below.
        lamps: direct sources.
        shadow: index in ``lamps`` of the one that casts the shadows worth drawing, or None.
        air: temperature of the air, degrees Celsius.
        skin: temperature of bare skin, degrees Celsius.
        surround: temperature of what stands around and is weakly mirrored, degrees Celsius.
        haze: fraction of light lost per metre of air (fog, rain).
        veil: linear RGB (thermal: degrees Celsius) of that haze.
    """

    spectrum: Spectrum
    sky: Vector = (0.6, 0.6, 0.6)
    ground: Vector = (0.2, 0.2, 0.2)
    lamps: tuple[Lamp, ...] = ()
    shadow: int | None = None
    air: float = 18.0
    skin: float = 32.5
    surround: float = 16.0
    haze: float = 0.0
    veil: Vector = (0.5, 0.5, 0.5)


def dot(left: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """``(..., 3)`` twice to their ``(...)`` inner products: faster than a sum over so short an axis."""
    products = left[..., 0] * right[..., 0] + left[..., 1] * right[..., 1] + left[..., 2] * right[..., 2]
    return np.asarray(products)


def lamp_reach(lamp: Lamp, points: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Where a lamp stands as seen from points, and how much of it arrives there, shadows left out.

    Args:
        lamp: the source.
        points: ``(..., 3)`` metres.

    Returns:
        ``(..., 3)`` unit vectors towards the lamp, and ``(...)`` factors of ``lamp.colour``.
    """
    points = np.asarray(points, np.float32)
    if lamp.position is None:
        towards = np.broadcast_to(np.asarray(lamp.direction, np.float32), points.shape)
        return towards, np.ones(points.shape[:-1], np.float32)
    apart = np.asarray(lamp.position, np.float32) - points
    distance = np.sqrt(dot(apart, apart))
    towards = np.asarray(apart / np.maximum(distance, 1e-3)[..., None], np.float32)
    # The source has a size: right under it the square law no longer grows.
    factor = (lamp.reference**2 + lamp.radius**2) / (distance * distance + lamp.radius**2 + 0.25)
    if lamp.beam is not None:
        axis, half = lamp.beam
        cosine = -(towards @ np.asarray(axis, np.float32))
        edge = np.cos(half)
        spread = np.clip((cosine - edge) / max(1.0 - edge, 1e-3), 0, 1)
        factor = factor * (0.08 + 0.92 * spread * spread * (3 - 2 * spread))
    return towards, factor.astype(np.float32)

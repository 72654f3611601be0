"""The walk as angles over one cycle, and the sums that turn directions into rotations.

The cycle runs from one heel strike of a leg (phase 0) to its next (phase 1). The curves follow the
sagittal angles of normal walking as textbooks of gait analysis print them (Perry and Burnfield, *Gait
Analysis*; Winter, *Biomechanics and Motor Control of Human Movement*), in degrees at a few phases.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Cycle:
    """A periodic curve through points: cubic Hermite, slopes from the neighbours (Catmull-Rom)."""

    def __init__(self, *points: tuple[float, float]) -> None:
        phase = np.array([p for p, _ in points])
        value = np.radians([v for _, v in points])
        self._phase = np.concatenate([[phase[-1] - 1], phase, phase[:2] + 1])
        self._value = np.concatenate([value[-1:], value, value[:2]])

    def __call__(self, phase: float) -> float:
        """Radians at a phase (any number; whole cycles do not matter)."""
        phase = phase % 1.0
        x, y = self._phase, self._value
        k = int(np.clip(np.searchsorted(x, phase, "right") - 1, 1, len(x) - 3))
        step = x[k + 1] - x[k]
        slope = (y[k + 1] - y[k - 1]) / (x[k + 1] - x[k - 1])
        next_slope = (y[k + 2] - y[k]) / (x[k + 2] - x[k])
        t = (phase - x[k]) / step
        return float(
            y[k] * (1 + 2 * t) * (1 - t) ** 2
            + step * slope * t * (1 - t) ** 2
            + y[k + 1] * t * t * (3 - 2 * t)
            + step * next_slope * t * t * (t - 1)
        )


# Thigh against the vertical, forwards positive.
HIP = Cycle((0.0, 29), (0.12, 24), (0.3, 5), (0.5, -14), (0.62, -5), (0.75, 20), (0.87, 32))
# Bend of the knee.
KNEE = Cycle((0.0, 5), (0.14, 17), (0.4, 5), (0.5, 12), (0.62, 38), (0.73, 61), (0.87, 24), (0.96, 3))
# Foot against the floor, toes up positive: it strikes on the heel, lies flat, and leaves over the toes.
FOOT = Cycle((0.0, 18), (0.08, 0), (0.2, 0), (0.38, 0), (0.5, -18), (0.62, -56), (0.74, -36), (0.88, 4))
# Toes against the foot while the heel is up.
TOES = Cycle((0.0, 5), (0.1, 0), (0.36, 0), (0.5, 16), (0.6, 28), (0.7, 4), (0.85, 2))


def unit(vector: Array) -> Array:
    """The vector at length 1."""
    result: Array = vector / np.sqrt(vector @ vector)
    return result


def across(vector: Array, direction: Array) -> Array:
    """Unit vector of what is left of ``vector`` without its part along the unit ``direction``."""
    return unit(vector - direction * (vector @ direction))


def cross(a: Array, b: Array) -> Array:
    """Cross product of two vectors (3,); `np.cross` costs ten times as much."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def frame(direction: Array, hinge: Array) -> Array:
    """(3, 3) with the unit columns direction, hinge and what they bend towards."""
    result: Array = np.stack([direction, hinge, cross(direction, hinge)], 1)
    return result


def about(axis: Array, angle: float) -> Array:
    """Rotation (3, 3) about a unit axis."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    result: Array = np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew)
    return result


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Array:
    """Rotation (3, 3): about y (left side down), then x (forwards), then z (to the left), radians."""
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    return np.array(
        [
            [cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy],
            [sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy],
            [-cx * sy, sx, cx * cy],
        ]
    )


def twist_about(rotation: Array, axis: Array) -> float:
    """How far a rotation turns about an axis, radians (the twist of its swing-twist parts)."""
    sine = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    return float(2 * np.arctan2(sine @ axis, 1 + np.trace(rotation)))


def minimal(start: Array, end: Array) -> Array:
    """The smallest rotation that takes one unit vector to another."""
    axis = cross(start, end)
    sine, cosine = float(np.sqrt(axis @ axis)), float(start @ end)
    return about(axis / sine, float(np.arctan2(sine, cosine))) if sine > 1e-9 else np.eye(3)


def bend_to(
    start: Array, target: Array, first: float, second: float, pole: Array
) -> tuple[Array, Array, Array]:
    """Two bones from ``start`` that end at ``target``, or as near as they reach.

    Args:
        start: where the first begins.
        target: where the second should end.
        first: length of the first bone, metres.
        second: length of the second.
        pole: direction towards which the joint between them points.

    Returns:
        Unit directions of the first and of the second bone, and where the joint points (across the first).
    """
    way = target - start
    distance = float(
        np.clip(np.sqrt(way @ way), abs(first - second) * 1.02 + 1e-6, (first + second) * 0.9985)
    )
    towards = unit(way)
    out = across(pole, towards)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    sine = np.sqrt(max(0.0, 1 - cosine**2))
    upper = towards * cosine + out * sine
    lower = unit(towards * distance - upper * first)
    return upper, lower, across(out, upper)

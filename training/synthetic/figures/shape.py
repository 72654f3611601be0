"""Where a vertex lies on a body: along the arm, along the leg, how high; and smoothing over a mesh."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.figures.body import SKIN_VERTICES, RestBody, regions
from training.synthetic.geometry.compiling import compiled
from training.synthetic.geometry.raster import Int32s
from training.synthetic.geometry.skeleton import BONE


@dataclass(frozen=True, slots=True)
class Measures:
    """Heights and lengths of one body in the rest pose, metres.

    Attributes:
        hip, knee, ankle, shoulder, neck, chin, crown, sole: heights z.
        arm: from shoulder to wrist.
        head: ``(3,)`` centre of the skull; ``skull`` its half axes.
        eyes: ``(3,)`` of the left eye.
        waist: height of the narrowest part of the trunk, about.
        chest: height of the middle of the chest.
    """

    hip: float
    knee: float
    ankle: float
    shoulder: float
    neck: float
    chin: float
    crown: float
    sole: float
    arm: float
    head: Floats
    skull: Floats
    eyes: Floats
    waist: float
    chest: float

    @property
    def leg(self) -> float:
        """From hip to ankle."""
        return self.hip - self.ankle


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Of every vertex of a body.

    Attributes:
        arm: ``(V,)`` metres from the shoulder joint towards the wrist along the bones; far negative
            off the arms.
        leg: ``(V,)`` metres below the hip; far negative for arms and hands.
        z: ``(V,)`` height; arms count as far up, so that hems never cut a hand.
    """

    arm: Floats
    leg: Floats
    z: Floats


def measure(rest: RestBody) -> Measures:
    """Heights and lengths of one body."""
    heads = rest.bone_heads
    vertices = rest.vertices
    region = regions()

    def height(bone: str) -> float:
        return float(heads[BONE[bone], 2])

    skin = np.arange(len(vertices)) < SKIN_VERTICES
    face = vertices[region["head"] & skin]
    crown = float(face[:, 2].max())
    eyes = heads[BONE["eye.L"]].astype(np.float32)
    chin = float(2 * eyes[2] - crown)  # the eyes lie half-way between crown and chin
    above = face[face[:, 2] > eyes[2] + 0.25 * (crown - eyes[2])]
    low, high = above.min(0), above.max(0)
    centre = np.array([0, (low[1] + high[1]) / 2, (crown + chin) / 2], np.float32)
    skull = np.array([(high[0] - low[0]) / 2, (high[1] - low[1]) / 2, (crown - chin) / 2], np.float32)
    shoulder, hip = height("upperarm01.L"), height("upperleg01.L")
    chain = [heads[BONE[name]] for name in ("upperarm01.L", "lowerarm01.L", "wrist.L")]
    return Measures(
        hip=hip,
        knee=height("lowerleg01.L"),
        ankle=height("foot.L"),
        shoulder=shoulder,
        neck=height("neck01"),
        chin=chin,
        crown=crown,
        sole=float(vertices[region["foot"] & skin, 2].min()),
        arm=float(np.linalg.norm(chain[1] - chain[0]) + np.linalg.norm(chain[2] - chain[1])),
        head=centre,
        skull=skull,
        eyes=eyes,
        waist=hip + 0.3 * (shoulder - hip),
        chest=hip + 0.72 * (shoulder - hip),
    )


def locate(rest: RestBody, measures: Measures) -> Coordinates:
    """Where every vertex lies."""
    vertices, heads, region = rest.vertices, rest.bone_heads, regions()
    arm = np.full(len(vertices), -10.0, np.float32)
    for side in "LR":
        start, elbow, wrist = (
            heads[BONE[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01", "wrist")
        )
        upper = float(np.linalg.norm(elbow - start))
        first = (vertices - start) @ ((elbow - start) / upper)
        second = (vertices - elbow) @ ((wrist - elbow) / np.linalg.norm(wrist - elbow)) + upper
        along = np.where(region[f"arm.{side}"], np.where(second > upper, second, first), -10.0)
        # Towards the trunk the coordinate runs on, so that a sleeveless top ends smoothly.
        near = ~region[f"arm.{side}"] & (np.sign(vertices[:, 0]) == np.sign(start[0]))
        near &= (vertices[:, 2] > start[2] - 0.2) & ~region["head"] & ~region["neck"]
        along = np.where(near, np.minimum(first, 0.12), along)
        arm = np.maximum(arm, along.astype(np.float32))
    arms = region["arm.L"] | region["arm.R"]
    return Coordinates(
        arm=arm,
        leg=np.where(arms, -10.0, measures.hip - vertices[:, 2]).astype(np.float32),
        z=np.where(arms, 10.0, vertices[:, 2]).astype(np.float32),
    )


@compiled()
def _smooth(points: Floats, faces: Int32s, fixed: NDArray[np.bool_], rounds: int, step: float) -> Floats:
    count = points.shape[0]
    for _ in range(rounds):
        total = np.zeros_like(points)
        degree = np.zeros(count, np.float32)
        for f in range(faces.shape[0]):
            for a in range(3):
                i = faces[f, a]
                j = faces[f, (a + 1) % 3]
                for c in range(3):
                    total[i, c] += points[j, c]
                    total[j, c] += points[i, c]
                degree[i] += 1
                degree[j] += 1
        for i in range(count):
            if degree[i] > 0 and not fixed[i]:
                for c in range(3):
                    points[i, c] += step * (total[i, c] / degree[i] - points[i, c])
    return points


def smoothed(points: Floats, faces: Int32s, rounds: int, step: float = 0.5) -> Floats:
    """Points drawn towards their neighbours ``rounds`` times; borders of the mesh stay."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    fixed = np.zeros(len(points), bool)
    fixed[unique[uses == 1].ravel()] = True
    return np.asarray(_smooth(points.copy(), faces, fixed, rounds, step))


def ramp(value: NDArray[np.floating], low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)

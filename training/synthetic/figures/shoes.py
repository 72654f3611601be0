"""Shoes: lofted round the feet, boots with a shaft cut like other clothes."""

from dataclasses import replace

import numpy as np

from reid_core.types import Floats
from training.synthetic.figures.body import SKIN_VERTICES, regions, template, triangles
from training.synthetic.figures.figure import Layer
from training.synthetic.figures.shape import ramp
from training.synthetic.figures.tailor import Tailor
from training.synthetic.geometry.raster import Int32s
from training.synthetic.geometry.skeleton import BONE
from training.synthetic.light.surface import Kind, Surface


def shoe_layers(tailor: Tailor) -> list[Layer]:
    """A pair of shoes lofted round the feet, with the shaft of boots."""
    person, m = tailor.person, tailor.measures
    shoes = person.shoes
    layers = []
    sole = replace(shoes.sole, pattern="plain")
    for side in "LR":
        upper, low = _shoe(tailor, side)
        surface = Surface(kind=Kind.CLOTH, cloth=replace(shoes.cloth, pattern="plain"), fold=0.1)
        layers.append(replace(upper, surface=surface))
        layers.append(replace(low, surface=Surface(kind=Kind.CLOTH, cloth=sole)))
    if shoes.kind == "boots":
        height = float(tailor.rng.uniform(0.1, 0.32))
        reach = m.leg - tailor.at.leg
        cut = np.minimum(height - reach, reach + 0.06)
        cut = np.where(regions()["leg"], cut, -1.0)
        offset = np.full(len(cut), 0.009, np.float32)
        layers.append(
            tailor.layer(
                "shoes",
                "helper-tights",
                np.asarray(cut, np.float32),
                offset,
                Surface(kind=Kind.CLOTH, cloth=replace(shoes.cloth, pattern="plain"), fold=0.2),
                rounds=3,
            )
        )
    return layers


_PROFILE = np.array(
    [  # along the foot 0 heel .. 1 toe: half width, height of the upper (fractions of foot width, height)
        [-0.01, 0.05, 0.10],
        [0.00, 0.50, 0.72],
        [0.10, 0.72, 0.98],
        [0.25, 0.78, 1.04],
        [0.42, 0.80, 0.92],
        [0.58, 0.92, 0.66],
        [0.74, 1.00, 0.52],
        [0.88, 0.90, 0.44],
        [0.97, 0.58, 0.36],
        [1.00, 0.30, 0.30],
        [1.01, 0.03, 0.05],
    ],
    np.float32,
)


def _shoe(tailor: Tailor, side: str) -> tuple[Layer, Layer]:
    """Upper and sole of one shoe: half ellipses along the foot."""
    shared, m, kind = template(), tailor.measures, tailor.person.shoes.kind
    sided = np.array([name.endswith(f".{side}") for name in shared.bones])[shared.bone_indices[:, 0]]
    foot = tailor.rest.vertices[regions()["foot"] & sided & (np.arange(len(sided)) < SKIN_VERTICES)]
    low, high = foot.min(0), foot.max(0)
    heads = tailor.rest.bone_heads
    ankle = heads[BONE[f"foot.{side}"]]
    # The foot points a little outwards: its axis runs from the heel to the middle of the toes.
    heel = foot[foot[:, 1] > high[1] - 0.03].mean(0)
    toe = foot[foot[:, 1] < low[1] + 0.04].mean(0)
    axis = (toe - heel) * np.array([1, 1, 0], np.float32)
    length = float(np.linalg.norm(axis)) + 0.05
    axis = axis / np.linalg.norm(axis)
    across = np.array([-axis[1], axis[0], 0], np.float32)
    width = 0.5 * float(np.ptp(foot @ across)) + 0.008
    start = heel - axis * 0.035
    top = float(ankle[2] - m.sole) + (0.02 if kind != "high heels" else -0.02)
    sole = {"sneakers": 0.03, "boots": 0.028, "high heels": 0.016}.get(kind, 0.018)
    pointed = 0.8 if kind in ("leather shoes", "high heels") else 1.0
    ring = np.linspace(0, np.pi, 9)
    upper_points, sole_points = [], []
    for along, half, height in _PROFILE:
        centre = start + axis * (along * length)
        wide = width * half * (pointed if along > 0.7 else 1.0)
        tall = max(0.004, top * height)
        for angle in ring:
            upper_points.append(
                centre
                + across * (wide * np.cos(angle))
                + np.array([0, 0, m.sole - centre[2] + tall * np.sin(angle) ** 0.8])
            )
        for edge, z in ((1, sole), (1, -0.012), (-1, -0.012), (-1, sole)):
            sole_points.append(
                centre + across * (edge * (wide + 0.004)) + np.array([0, 0, m.sole - centre[2] + z])
            )
    rows, columns = len(_PROFILE), len(ring)
    upper = np.array(upper_points, np.float32)
    under = np.array(sole_points, np.float32)

    def grid(columns: int) -> Int32s:
        quads = [
            (r * columns + c, (r + 1) * columns + c, (r + 1) * columns + c + 1, r * columns + c + 1)
            for r in range(rows - 1)
            for c in range(columns - 1)
        ]
        return triangles(np.array(quads, np.int32))

    foot_bone, toe_bone = BONE[f"foot.{side}"], BONE[f"toe2-1.{side}"]

    def layer(points: Floats, columns: int) -> Layer:
        bones = np.zeros((len(points), 4), np.int16)
        bones[:, 0], bones[:, 1] = foot_bone, toe_bone
        share = ramp(np.repeat(_PROFILE[:, 0], columns), 0.6, 0.85)
        weights = np.zeros((len(points), 4), np.float32)
        weights[:, 0], weights[:, 1] = 1 - share, share
        return Layer(
            name="shoes",
            vertices=points,
            faces=grid(columns),
            texture=points.copy(),
            bones=bones,
            weights=weights,
            cut=np.ones(len(points), np.float32),
            surface=Surface(kind=Kind.CLOTH, cloth=tailor.person.shoes.cloth),
        )

    return layer(upper, columns), layer(under, 4)

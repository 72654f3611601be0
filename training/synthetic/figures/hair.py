"""Hair: the scalp pushed out, and what hangs from it."""

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.figures.body import triangles
from training.synthetic.figures.figure import Layer
from training.synthetic.figures.shape import ramp
from training.synthetic.figures.tailor import Tailor
from training.synthetic.geometry.raster import Int32s
from training.synthetic.geometry.skeleton import BONE
from training.synthetic.light.paint import lines_of_hair
from training.synthetic.light.surface import Kind, Surface
from training.synthetic.people.person import Cloth, Hair

Numbers = NDArray[np.floating]


def hair_cloth(hair: Hair, seed: int) -> Cloth:
    """The hair's colours in the three spectra."""
    return Cloth(
        colours=(hair.colour,),
        rgb=(hair.rgb,),
        near=(hair.near,),
        warmth=0.3,
        roughness=0.5,
        seed=seed,
    )


def head_coordinates(tailor: Tailor) -> Floats:
    """``(V, 3)``: vertices in half axes of the skull, from its centre; -1 in y is the face."""
    m = tailor.measures
    return np.asarray((tailor.rest.vertices - m.head) / m.skull, np.float32)


def hairline(at: Floats) -> Floats:
    """``(V,)`` how far above the hairline, in half heights of the skull (`head_coordinates`)."""
    # The same line that the painter draws, so that what is lifted is what is painted as hair.
    line = lines_of_hair(np.asarray(at[:, 1], np.float64))
    return np.asarray(at[:, 2] - line, np.float32)


def scalp_offset(tailor: Tailor) -> Floats:
    """``(V,)`` metres by which the hair lifts the surface of the head."""
    hair = tailor.person.hair
    if hair.length == "bald":
        return np.zeros(len(tailor.rest.vertices), np.float32)
    thickness = {"short": 0.013, "medium": 0.022, "long": 0.02}[hair.length]
    thickness *= float(tailor.rng.uniform(0.6, 1.4))
    if hair.style == "curly":
        thickness += float(tailor.rng.uniform(0.015, 0.05))
    if hair.style in ("ponytail", "bun"):
        thickness = 0.009
    at = head_coordinates(tailor)
    top = 0.7 + 0.5 * ramp(at[:, 2], 0.2, 0.9)
    return np.asarray(thickness * top * ramp(hairline(at), 0.0, 0.28), np.float32)


def hanging(tailor: Tailor) -> list[Layer]:
    """Medium and long hair below the scalp, a ponytail or a bun."""
    hair = tailor.person.hair
    if hair.length in ("bald", "short"):
        return []
    if hair.style == "ponytail":
        return [_tail(tailor)]
    if hair.style == "bun":
        return [_bun(tailor)]
    return [_curtain(tailor)]


def _surface(tailor: Tailor) -> Surface:
    return Surface(kind=Kind.HAIR, cloth=hair_cloth(tailor.person.hair, tailor.person.body.face))


def grid_faces(rows: int, columns: int, ring: bool) -> Int32s:
    """Triangles of a grid of vertices, its rows closed to rings or not."""
    reach = columns if ring else columns - 1
    quads = [
        (
            r * columns + c,
            (r + 1) * columns + c,
            (r + 1) * columns + (c + 1) % columns,
            r * columns + (c + 1) % columns,
        )
        for r in range(rows - 1)
        for c in range(reach)
    ]
    return triangles(np.array(quads, np.int32))


def hung_layer(tailor: Tailor, points: Numbers, faces: Int32s, follow: Numbers) -> Layer:
    """What hangs from the head; ``follow`` (V,): how much a vertex goes with the trunk instead."""
    bones = np.zeros((len(points), 4), np.int16)
    bones[:, 0], bones[:, 1], bones[:, 2] = BONE["head"], BONE["neck02"], BONE["spine01"]
    weights = np.zeros((len(points), 4), np.float32)
    weights[:, 0] = 1 - follow
    weights[:, 1] = follow * 0.35
    weights[:, 2] = follow * 0.65
    return Layer(
        name="hair",
        vertices=points.astype(np.float32),
        faces=faces,
        texture=points.astype(np.float32),
        bones=bones,
        weights=weights,
        cut=np.ones(len(points), np.float32),
        surface=_surface(tailor),
    )


def _reach_of_body(tailor: Tailor, x: Numbers, z: Numbers, front: bool = False) -> Floats:
    """How far back (y), or how far forwards, the trunk and neck reach at each point, metres."""
    skin = tailor.rest.vertices
    m = tailor.measures
    side = skin[:, 1] < m.head[1] + 0.02 if front else skin[:, 1] > m.head[1] - 0.02
    trunk = skin[(skin[:, 2] < m.head[2]) & (skin[:, 2] > m.hip) & (np.abs(skin[:, 0]) < 0.25) & side]
    reach = np.full(len(x), m.head[1] - (0.08 if front else 0.0), np.float32)
    for index in range(len(x)):
        near = (np.abs(trunk[:, 0] - x[index]) < 0.03) & (np.abs(trunk[:, 2] - z[index]) < 0.03)
        if near.any():
            reach[index] = trunk[near, 1].min() if front else trunk[near, 1].max()
    return reach


def _curtain(tailor: Tailor) -> Layer:
    m, hair, rng = tailor.measures, tailor.person.hair, tailor.rng
    drop = {"medium": rng.uniform(0.10, 0.17), "long": rng.uniform(0.24, 0.42)}[hair.length]
    curly = hair.style == "curly"
    rows, columns = 14, 21
    spread = rng.uniform(1.7, 2.15)  # how far the hair comes forward, radians from the back
    theta = np.linspace(-spread, spread, columns)
    sx, sy, sz = m.skull + (0.03 if curly else 0.012)
    points = np.empty((rows, columns, 3))
    follow = np.zeros((rows, columns))
    strand = rng.uniform(0.85, 1.1, columns)
    lift = rng.uniform(0.0, 0.02 if not curly else 0.05)
    for row in range(rows):
        t = row / (rows - 1)
        if t < 0.45:
            # Over the skull: from near the crown to the level of the ears.
            latitude = np.pi / 2 * (1 - t / 0.45) * 0.8
            radius, z = np.cos(latitude), np.full(columns, m.head[2] + sz * np.sin(latitude))
            radius = np.full(columns, radius)
        else:
            fall = (t - 0.45) / 0.55
            # It opens over the shoulders; beside the face it keeps close to the neck.
            radius = 1.0 + (0.5 + lift * 4) * np.minimum(fall * 1.6, 1.0) * (
                0.35 + 0.65 * (np.cos(theta) > -0.3)
            )
            z = m.head[2] - fall * (sz + drop) * strand
        x = sx * radius * np.sin(theta)
        y = m.head[1] + sy * radius * np.cos(theta)
        points[row, :, 0], points[row, :, 1], points[row, :, 2] = x, y, z
        follow[row] = ramp(m.chin - 0.02 - z, 0.0, 0.2)
    flat = points.reshape(-1, 3)
    low = flat[:, 2] < m.chin + 0.02
    reach = _reach_of_body(tailor, flat[:, 0], flat[:, 2])
    if rng.random() < 0.6:
        # Locks that hang over the shoulders in front.
        locks = np.repeat(np.abs(theta)[None] > 0.6 * spread, rows, 0).reshape(-1)
        fore = low & locks & (flat[:, 2] < m.chin - 0.01)
        flat[fore, 0] = np.sign(flat[fore, 0]) * (0.06 + 0.7 * (np.abs(flat[fore, 0]) - 0.05).clip(0))
        flat[fore, 1] = _reach_of_body(tailor, flat[fore, 0], flat[fore, 2], front=True) - 0.03
        low &= ~locks
    behind = low & (flat[:, 1] > m.head[1] - 0.03)
    flat[behind, 1] = np.maximum(flat[behind, 1], reach[behind] + 0.035)
    wave = (0.012 if curly else 0.004) * np.sin(flat[:, 2] * rng.uniform(25, 60) + flat[:, 0] * 20)
    flat[:, 1] += wave
    return hung_layer(tailor, flat, grid_faces(rows, columns, False), follow.reshape(-1))


def _tail(tailor: Tailor) -> Layer:
    m, hair, rng = tailor.measures, tailor.person.hair, tailor.rng
    drop = {"medium": rng.uniform(0.12, 0.18), "long": rng.uniform(0.22, 0.38)}[hair.length]
    height = rng.uniform(-0.1, 0.55)
    start = m.head + np.array([0, m.skull[1] * np.sqrt(1 - 0.6 * height**2), m.skull[2] * height])
    rows, columns = 9, 8
    along = np.linspace(0, 1, rows)
    back = 0.012 + 0.055 * np.sin(np.pi * np.minimum(1, along * 1.6)) * (1 - 0.4 * along)
    centre = start + np.stack([np.zeros(rows), back, -drop * along**1.3], 1)
    reach = _reach_of_body(tailor, centre[:, 0], centre[:, 2])
    low = centre[:, 2] < m.chin + 0.02
    centre[low, 1] = np.maximum(centre[low, 1], reach[low] + 0.045)
    radius = np.interp(along, [0, 0.08, 0.35, 0.8, 1], [0.012, 0.018, 0.032, 0.024, 0.006])
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(columns)], 1)
    points = centre[:, None] + radius[:, None, None] * ring[None]
    follow = ramp(m.chin - 0.05 - points[..., 2], 0.0, 0.25).reshape(-1)
    return hung_layer(tailor, points.reshape(-1, 3), grid_faces(rows, columns, True), follow)


def _bun(tailor: Tailor) -> Layer:
    m, rng = tailor.measures, tailor.rng
    height = rng.uniform(-0.1, 0.85)
    centre = m.head + np.array(
        [0, m.skull[1] * np.sqrt(max(0.05, 1 - height**2)) + 0.018, m.skull[2] * height * 1.02]
    )
    size = rng.uniform(0.032, 0.048)
    rows, columns = 7, 10
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows)
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ball = np.stack(
        [
            np.cos(latitude)[:, None] * np.cos(angle),
            np.cos(latitude)[:, None] * np.sin(angle) * 0.85,
            np.repeat(np.sin(latitude)[:, None], columns, 1),
        ],
        -1,
    )
    points = (centre + size * ball).reshape(-1, 3)
    return hung_layer(tailor, points, grid_faces(rows, columns, True), np.zeros(len(points), np.float32))

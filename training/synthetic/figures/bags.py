"""What is carried on the back, over a shoulder or in a hand, and what is pushed or pulled."""

import numpy as np
import numpy.typing as npt

from training.synthetic.figures.head import CLOTH, DARK, METAL, SECOND
from training.synthetic.figures.landmarks import Landmarks
from training.synthetic.geometry.mesh import Mesh, box, joined, lathe, mesh, tube
from training.synthetic.motion.gait import turn

Array = npt.NDArray[np.float64]


def backpack(marks: Landmarks, size: float, clothing: float) -> Mesh:
    """A rucksack with a front pocket and two straps."""
    long = marks.shoulder[2] - marks.hip
    high = min(1.02 * long, 0.52 * marks.scale * size)
    wide, deep = 0.72 * high, 0.38 * high
    top = marks.shoulder[2] + 0.02 * marks.scale
    middle = top - high / 2
    rear = max(marks.back(x, z, 0.06) for x in (-0.07, 0.0, 0.07) for z in (middle, middle + 0.3 * high))
    y = rear + clothing + 0.42 * deep
    body = box((wide, deep, high), 0.32 * deep)
    # Fuller below than at the top.
    shape = body.vertices * (1 + 0.1 * (-body.vertices[:, 2:] / high) * np.array([1.0, 1.6, 0.0]))
    pocket = box((0.74 * wide, 0.4 * deep, 0.42 * high), 0.12 * deep).moved((0, 0.48 * deep, -0.2 * high))
    angle = np.linspace(0, np.pi, 7)
    handle = np.stack([0.05 * np.cos(angle), 0 * angle - 0.3 * deep, high / 2 + 0.035 * np.sin(angle)], 1)
    seam = box((1.03 * wide, 0.03, 0.012), 0.004).moved((0, 0.49 * deep, 0.16 * high))
    bag = joined(
        [body.shaped(shape), pocket.of(SECOND), tube(handle, 0.009, 5).of(DARK), seam.of(DARK)]
    ).moved((0, y, middle))
    share = np.clip((bag.vertices[:, 2] - (middle - high / 2)) / high, 0, 1)
    parts = [bag.bound("spine01", "spine02", weights=np.stack([share, 1 - share], 1))]
    for side in (-1, 1):
        start = marks.shoulder * [0.58 * side, 1, 1]
        down = np.array([-0.1 * side, 0.0, -1.0])
        path = marks.loop(start, down, clothing + 0.015, marks.chest - 0.1 * marks.scale)
        parts.append(_strap(marks, path, 0.021 * marks.scale, material=SECOND))
    return joined(parts)


def shoulder_bag(marks: Landmarks, size: float, clothing: float, side: int, diagonal: bool) -> Mesh:
    """A bag at the hip on a long strap, across the trunk or from the same shoulder.

    Args:
        marks: of the body.
        size: factor of the usual.
        clothing: metres of clothes at the trunk.
        side: 1 left, -1 right: where the bag hangs.
        diagonal: whether the strap crosses the trunk.
    """
    scale = marks.scale * size
    wide, long, high = 0.1 * scale, 0.32 * scale, 0.25 * scale
    top = marks.hip + 0.09 * marks.scale
    away = max(marks.half_width(top - step * high) for step in (0.0, 0.5, 0.9)) + clothing
    centre = np.array([side * (away + 0.3 * wide), 0.05, top - high / 2])
    body = box((wide, long, high), 0.3 * wide)
    flap = box((0.3 * wide, 1.02 * long, 0.6 * high), 0.1 * wide).moved((side * 0.4 * wide, 0, 0.24 * high))
    buckle = box((0.02, 0.03, 0.025), 0.004).moved((side * 0.56 * wide, 0, -0.04 * high))
    bag = joined([body, flap.of(SECOND), buckle.of(METAL)]).moved(centre).bound("root", "spine05")
    over = -0.42 * side if diagonal else 0.72 * side
    start = marks.shoulder * [over, 1, 1]
    ends = centre + np.array([[0.0, 0.42 * y * long, 0.4 * high] for y in (-1, 1)])
    path = marks.loop(
        start, (centre - start) * [1, 0, 1], clothing + 0.008, top, points=40, through=ends - [0, 0, 0.008]
    )
    return joined([bag, _strap(marks, path, 0.017 * marks.scale, material=SECOND)])


def _strap(marks: Landmarks, path: Array, half: float, material: int) -> Mesh:
    centre = np.array([0.0, float(path[:, 1].mean()), float(path[:, 2].mean())])
    strap = tube(path, half, 6, closed=True, flat=0.22, facing=path - centre)
    low, high = marks.hip, float(marks.shoulder[2])
    share = np.clip((strap.vertices[:, 2] - low) / (high - low), 0, 1)
    upper = np.clip(2 * share - 1, 0, 1)
    lower = np.clip(1 - 2 * share, 0, 1)
    return strap.bound(
        "spine01", "spine03", "spine05", weights=np.stack([upper, 1 - upper - lower, lower], 1)
    ).of(material)


def handbag(scale: float, size: float) -> Mesh:
    """A small bag below the hand that holds its handles; the origin is the grip."""
    long, wide, high = 0.29 * scale * size, 0.11 * scale * size, 0.2 * scale * size
    drop = 0.11 * scale
    body = box((wide, long, high), 0.35 * wide)
    shape = body.vertices * (1 - 0.3 * np.clip(body.vertices[:, 2:] / high, 0, 1) * np.array([1.3, 0.4, 0.0]))
    flap = box((0.8 * wide, 0.5 * long, 0.02), 0.008).moved((0, 0, 0.47 * high))
    bag = joined([body.shaped(shape), flap.of(SECOND)]).moved((0, 0, -drop - high / 2))
    return joined([bag, *_handles(0.3 * long, drop, 0.3 * wide, 0.007, SECOND)])


def tote(scale: float, size: float) -> Mesh:
    """A large soft bag in the hand; the origin is the grip."""
    long, wide, high = 0.36 * scale * size, 0.1 * scale, 0.36 * scale * size
    drop = 0.17 * scale
    body = box((wide, long, high), 0.4 * wide)
    shape = body.vertices * (
        1 - 0.5 * np.clip(body.vertices[:, 2:] / high + 0.2, 0, 1) * np.array([1.4, 0, 0])
    )
    bag = body.shaped(shape).moved((0, 0, -drop - high / 2))
    return joined([bag, *_handles(0.26 * long, drop, 0.012, 0.009, CLOTH)])


def _handles(half: float, drop: float, apart: float, radius: float, material: int) -> list[Mesh]:
    angle = np.linspace(0, np.pi, 8)
    parts = []
    for side in (-1, 1):
        spread = side * apart * (1 - np.sin(angle) * 0.8)
        path = np.stack([spread, half * np.cos(angle), -drop + drop * np.sin(angle) ** 0.6], 1)
        parts.append(tube(path, radius, 4).of(material))
    return parts


def suitcase(scale: float, size: float, height: float) -> Mesh:
    """A trolley drawn behind; the origin is the grip, ``height`` metres above the floor."""
    lean = 0.52
    high, wide, deep = min(0.56 * size, 0.75 * height), 0.37 * size, 0.22 * size
    body = box((wide, deep, high), 0.05)
    ribs = [box((0.03, 0.012, 0.86 * high), 0.005).moved((x * wide, 0.5 * deep, 0)) for x in (-0.25, 0, 0.25)]
    edge = box((1.02 * wide, 0.03, 0.98 * high), 0.01)
    case = joined([body, *(rib.of(SECOND) for rib in ribs), edge.of(DARK)]).moved((0, 0, 0.04 + high / 2))
    # It rolls on the lower edge of the side that looks at the floor, where the bars of the handle are too.
    wheels = [_wheel(0.035, 0.025).moved((x * wide, -0.42 * deep, 0.01)) for x in (-0.42, 0.42)]
    near, tipped = -0.3 * deep, turn(x=lean)
    bottom = float(joined([case, *wheels]).turned(tipped).vertices[:, 2].min())
    length = (height + bottom - near * np.sin(lean)) / np.cos(lean)
    bars = [tube(np.array([[x, near, high], [x, near, length]]), 0.008, 5).of(METAL) for x in (-0.08, 0.08)]
    grip = tube(np.array([[-0.085, near, length], [0.085, near, length]]), 0.013, 6).of(DARK)
    whole = joined([case, *bars, grip, *wheels])
    return whole.moved((0, -near, -length)).turned(tipped)


def _wheel(radius: float, width: float) -> Mesh:
    """A wheel with its axle along x."""
    half = width / 2
    profile = np.array(
        [
            [0.0, -half],
            [0.8 * radius, -half],
            [radius, -0.6 * half],
            [radius, 0.6 * half],
            [0.8 * radius, half],
            [0, half],
        ]
    )
    return lathe(profile, 12).turned(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])).of(DARK)


def umbrella(reach: float, above: float, inwards: float, back: float, size: float) -> Mesh:
    """An open umbrella; the origin is the grip.

    Args:
        reach: of the canopy from its middle, metres.
        above: its edge above the grip.
        inwards: of its middle along x from the grip.
        back: of its middle along y.
        size: factor of the usual.
    """
    radius = reach * size
    rise = 0.36 * radius
    middle = np.array([inwards, back, above])
    angle = (np.arange(16)) * np.pi / 8
    rows = []
    for t in np.linspace(0, 1, 6):
        # Between the ribs the edge is drawn in and up a little.
        sag = np.where(np.arange(16) % 2 == 1, 1 - 0.07 * t, 1.0)
        r = radius * t * sag
        z = rise * np.cos(t * np.pi / 2) ** 0.9 + np.where(np.arange(16) % 2 == 1, 0.02 * t, 0.0)
        rows.append(np.stack([r * np.cos(angle), r * np.sin(angle), np.broadcast_to(z, 16)], 1))
    grid = np.stack(rows[::-1])
    faces = lathe(np.ones((6, 2)), 16).faces
    points = grid.transpose(1, 0, 2).reshape(-1, 3)
    outer = mesh(points, faces)
    inner = mesh(points - [0, 0, 0.006], faces[:, ::-1]).of(SECOND)
    panel = np.flatnonzero((faces.min(1) // 6 // 2) % 2 == 1)
    material = outer.material.copy()
    material[panel] = CLOTH
    tip = middle + np.array([0, 0, rise + 0.05])
    stick = tube(np.stack([np.array([-0.05 * inwards, -0.05 * back, -0.1]), tip]), 0.008, 5).of(METAL)
    grip = tube(
        np.stack([np.array([0, 0, -0.12]), np.array([0.1 * inwards, 0.1 * back, 0.06])]), 0.014, 6
    ).of(DARK)
    canopy = joined([outer, inner]).turned(_tilt(middle)).moved(middle)
    return joined([canopy, stick, grip])


def _tilt(towards: Array) -> Array:
    return turn(
        x=-0.5 * float(np.arctan2(towards[1], towards[2])), y=0.5 * float(np.arctan2(towards[0], towards[2]))
    )


def closed_umbrella(scale: float, height: float) -> Mesh:
    """A furled umbrella hanging from the hand; the origin is the grip, ``height`` above the floor."""
    length = min(0.75 * scale, height - 0.05)
    stations = np.array(
        [[0, 0, -0.02], [0, 0, -0.08], [0, 0, -0.2], [0, 0, -0.75 * length], [0, 0, -length + 0.05]]
    )
    cloth = tube(stations[1:], np.array([0.02, 0.032, 0.026, 0.01]), 7)
    angle = np.linspace(0, np.pi, 7)
    hook = np.stack([0 * angle, 0.035 * np.cos(angle) - 0.035, 0.02 + 0.035 * np.sin(angle)], 1)
    handle = tube(np.concatenate([stations[1:2], [[0, 0, 0.0]], hook]), 0.011, 5).of(DARK)
    tip = tube(np.array([[0, 0, -length + 0.06], [0, 0, -length]]), 0.006, 5).of(METAL)
    return joined([cloth, handle, tip]).turned(turn(x=0.12))


def telephone(fingers: Array, palm: Array, wrist: Array, scale: float) -> Mesh:
    """A telephone in the palm; directions and wrist in rest coordinates."""
    across = np.cross(fingers, palm)
    slab = box((0.072, 0.0095, 0.148), 0.004)
    lit = box((0.064, 0.002, 0.136), 0.0009).moved((0, 0.0052, 0))
    axes = np.stack([across, palm, fingers], 1)
    centre = wrist + 0.1 * scale * fingers + 0.026 * scale * palm
    return joined([slab.of(DARK), lit.of(DARK)]).turned(axes).moved(centre)


def carton(size: float) -> Mesh:
    """A box carried before the belly; the origin is its middle."""
    body = box((0.34 * size, 0.26 * size, 0.25 * size), 0.006)
    tape = box((0.05, 0.262 * size, 0.252 * size), 0.004)
    return joined([body, tape.of(SECOND)])


def pushchair(height: float, apart: float) -> Mesh:
    """A pushchair before its pusher; the origin is the middle of the bar, ``height`` above the floor.

    Args:
        height: of the bar.
        apart: metres between the pusher's hands.
    """
    half = max(0.21, apart / 2 + 0.03)
    floor = -height
    wheel = 0.095

    def line(*points: tuple[float, float, float], radius: float = 0.012, material: int = METAL) -> Mesh:
        return tube(np.array(points), radius, 5).of(material)

    parts = [line((-half, 0, 0), (half, 0, 0), radius=0.016, material=DARK)]
    for side in (-1, 1):
        x = side * half
        # One bar from the hand to the front wheel, the other from the seat to the rear wheel.
        parts.append(line((x, 0, 0), (x, -0.34, 0.52 * floor), (x, -0.72, floor + wheel)))
        parts.append(line((x, -0.3, 0.42 * floor), (x, -0.14, floor + wheel)))
        for y in (-0.72, -0.14):
            parts.append(_wheel(wheel, 0.04).moved((x, y, floor + wheel)))
    seat_z = floor + 0.42
    seat = box((1.75 * half, 0.34, 0.07), 0.03).moved((0, -0.5, seat_z))
    back = box((1.75 * half, 0.06, 0.44), 0.028).turned(turn(x=-0.35)).moved((0, -0.29, seat_z + 0.24))
    sides = [box((0.03, 0.36, 0.2), 0.014).moved((x * 0.87 * half, -0.46, seat_z + 0.1)) for x in (-1, 1)]
    foot = box((1.3 * half, 0.14, 0.03), 0.012).moved((0, -0.76, floor + 0.24))
    shin = box((1.3 * half, 0.03, 0.22), 0.012).turned(turn(x=-0.4)).moved((0, -0.7, floor + 0.33))
    basket = box((1.5 * half, 0.4, 0.14), 0.04).moved((0, -0.4, floor + 0.22))
    hood = _hood(0.9 * half, 0.34).moved((0, -0.34, seat_z + 0.34))
    child = box((0.22, 0.16, 0.3), 0.07).moved((0, -0.42, seat_z + 0.2))
    parts += [seat.of(SECOND), back, *sides, foot.of(DARK), shin.of(SECOND), basket.of(SECOND), hood]
    return joined([*parts, child.of(SECOND)])


def _hood(half: float, radius: float) -> Mesh:
    """A folding hood: a quarter of a drum with closed cheeks, open to the front."""
    angle = np.linspace(-0.2, 2.3, 8)
    across = np.linspace(-1, 1, 7)
    bulge = (1 - across**2) ** 0.35
    grid = np.stack(
        [
            np.broadcast_to(half * across, (8, 7)),
            radius * 0.72 * np.cos(angle)[:, None] * (0.55 + 0.45 * bulge),
            radius * np.sin(angle)[:, None] * (0.35 + 0.65 * bulge),
        ],
        -1,
    )
    # From the back over the top to the front edge.
    points, faces = grid.reshape(-1, 3), _rows(8, 7)
    return joined([mesh(points, faces), mesh(points * 0.98, faces[:, ::-1]).of(DARK)])


def _rows(rows: int, columns: int) -> npt.NDArray[np.int64]:
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    first = np.stack([corner, corner + columns, corner + columns + 1], 1)
    second = np.stack([corner, corner + columns + 1, corner + 1], 1)
    return np.concatenate([first, second])

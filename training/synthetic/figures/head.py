"""What is worn on head and neck: hats, scarves, glasses."""

import numpy as np
import numpy.typing as npt

from training.synthetic.figures.landmarks import Landmarks
from training.synthetic.geometry.mesh import Mesh, ellipsoid, joined, lathe, mesh, sheet, tube

Array = npt.NDArray[np.float64]
CLOTH, SECOND, METAL, DARK = 0, 1, 2, 3
SURFACES = ("cloth", "second", "metal", "dark")
_ROUND = 24


def cap(marks: Landmarks, clearance: float, backwards: bool) -> Mesh:
    """A cap with a visor, in front or turned to the back."""
    size = marks.head_scale
    low = marks.brow + 0.012 * size
    crown = _crown(marks, clearance, low, low - 0.02 * size, top=0.012)
    angle = np.linspace(-1.05, 1.05, 9)
    reach = np.linspace(0, 1, 4)[:, None]
    edge = marks.head_at(angle, np.full(9, low + 0.004), clearance)
    length = 0.068 * size * np.cos(0.9 * angle) ** 0.7
    rows = np.repeat(edge[None], 4, 0)
    rows[..., 1] -= reach * length
    rows[..., 0] *= 1 + 0.04 * reach
    # It arches downwards at the sides and a little to the front.
    rows[..., 2] -= reach * (0.012 + 0.016 * (angle / 1.05) ** 2) * size
    visor = sheet(rows[:, ::-1], 0.004)
    button = ellipsoid((0.009, 0.009, 0.006), 4, 6).moved(_top(marks, clearance, 0.012))
    whole = joined([crown, visor, button.of(CLOTH)])
    if backwards:
        middle = (np.interp(low, marks.levels, marks.fronts) + np.interp(low, marks.levels, marks.backs)) / 2
        whole = whole.turned(np.diag([-1.0, -1.0, 1.0]), about=(0.0, float(middle), low))
    return whole.bound("head")


def hat(marks: Landmarks, clearance: float) -> Mesh:
    """A hat with a brim all round and a ribbon."""
    size = marks.head_scale
    low = marks.brow + 0.014 * size
    crown = _crown(marks, clearance + 0.003, low, low - 0.004, top=0.03 * size, flat=0.55)
    angle = np.linspace(-np.pi, np.pi, _ROUND + 1)
    steps = np.linspace(0, 1, 3)[:, None]
    edge = marks.head_at(angle, low - 0.002 + 0.002 * np.cos(angle), clearance)
    centre = edge.mean(0)
    away = (edge - centre) / np.linalg.norm(edge - centre, axis=1, keepdims=True)
    rows = edge + steps[..., None] * 0.062 * size * away
    rows[..., 2] += 0.012 * size * steps * (np.sin(angle) ** 2 - 0.6)
    brim = sheet(rows[:, ::-1], 0.005)
    ribbon = _band(marks, clearance + 0.006, low + 0.001, low + 0.026 * size)
    return joined([crown, brim, ribbon.of(SECOND)]).bound("head")


def beanie(marks: Landmarks, clearance: float, bobble: bool) -> Mesh:
    """A knitted cap with a turned-up edge, drawn over the ears' tops."""
    size = marks.head_scale
    low = marks.brow + 0.002
    crown = _crown(marks, clearance + 0.004, low, low - 0.045 * size, top=0.022 * size)
    edge = _band(marks, clearance + 0.011, low, low + 0.042 * size, tilt=0.045 * size)
    parts = [crown, edge.of(SECOND)]
    if bobble:
        ball = ellipsoid((0.03 * size, 0.03 * size, 0.028 * size), 6, 8)
        parts.append(ball.moved(_top(marks, clearance, 0.042 * size)).of(SECOND))
    return joined(parts).bound("head")


def headscarf(marks: Landmarks, clearance: float, clothing: float) -> Mesh:
    """A scarf over hair, ears and neck, open at the face, falling on shoulders and chest."""
    size = marks.head_scale
    columns = 19
    heights = np.concatenate(
        [
            np.linspace(marks.neck[2] - 0.1 * marks.scale, marks.chin - 0.03 * size, 5),
            np.linspace(marks.chin - 0.012 * size, marks.crown - 0.012 * size, 9),
        ]
    )
    top, bottom = marks.brow + 0.028 * size, marks.chin - 0.018 * size
    rows = []
    for z in heights:
        inside = (z - bottom) / (top - bottom)
        opening = 1.05 * np.sqrt(max(0.0, 1 - (2 * inside - 1) ** 2)) if 0 < inside < 1 else 0.0
        angle = np.linspace(opening, 2 * np.pi - opening, columns)
        if z > marks.chin - 0.02 * size:
            row = marks.head_at(angle, np.full(columns, z), clearance + 0.006)
        else:
            # From the jaw outwards over the collar: a cone round the neck.
            down = (marks.chin - 0.02 * size - z) / (0.14 * marks.scale)
            radius = marks.neck_radius + 0.03 + clothing + 0.055 * marks.scale * down**1.3
            row = np.stack(
                [
                    1.1 * radius * np.sin(angle),
                    marks.neck[1] - 0.004 - radius * np.cos(angle),
                    np.full(columns, z),
                ],
                1,
            )
        rows.append(row)
    crown = _top(marks, clearance, 0.008)
    last = rows[-1]
    for t in (0.45, 0.75, 0.93, 1.0):
        row = crown + (last - crown) * np.sqrt(1 - t * t)
        row[:, 2] = last[:, 2] + (crown[2] - last[:, 2]) * t
        rows.append(row)
    grid = np.stack(rows)
    # The wide base lies on chest, shoulders and back, whatever their shape.
    for row_index in (0, 1):
        for column in range(columns):
            grid[row_index, column] = _laid(marks, grid[row_index, column], clothing + 0.008)
    whole = sheet(grid.transpose(1, 0, 2), 0.004)
    high = np.clip((whole.vertices[:, 2] - marks.neck[2]) / (marks.chin - 0.02 - marks.neck[2]), 0, 1)
    return whole.bound("head", "neck01", "spine01", weights=_blend(high))


def scarf(marks: Landmarks, clothing: float, seed: int) -> Mesh:
    """A scarf slung round the neck, one or two ends hanging down the chest."""
    size = marks.scale
    count = 16
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    thick = 0.031 * size
    radius = marks.neck_radius + 0.4 * thick + 0.4 * min(clothing, 0.02)
    centre = marks.neck + np.array([0.0, -0.004, 0.012 * size])
    ring = np.stack(
        [radius * np.sin(angle), -1.12 * radius * np.cos(angle), 0.022 * size * -np.cos(angle)], 1
    )
    ring[:, 2] += 0.004 * np.sin(3 * angle + seed % 7)
    parts = [tube(centre + ring, thick * (1 + 0.1 * np.sin(2 * angle + seed % 5)), 8, closed=True)]
    for side in (-1, 1) if seed % 3 else (1,):
        length = (0.3 + 0.12 * ((seed // 7) % 10) / 10 - 0.05 * side) * size
        x = side * 0.035 * size
        z = np.linspace(centre[2] - 0.01, centre[2] - 0.02 - length, 9)
        furthest = centre[1] - 1.1 * radius
        y = np.empty(9)
        for row, height in enumerate(z):
            # Cloth hangs straight down from where the chest is fullest.
            furthest = min(furthest, marks.front(x, min(height, marks.neck[2] - 0.04)) - clothing - 0.008)
            y[row] = furthest
        path = np.stack([x + side * 0.02 * np.linspace(0, 1, 9), y, z], 1)
        facing = np.tile([0.0, -1.0, 0.0], (9, 1))
        parts.append(tube(path, 0.042 * size, 6, flat=0.16, facing=facing))
    whole = joined(parts)
    high = np.clip((whole.vertices[:, 2] - marks.neck[2] + 0.05) / 0.08, 0, 1)
    weights = np.stack([high, 1 - high], 1)
    return whole.bound("neck01", "spine01", weights=weights).of(CLOTH)


def glasses(marks: Landmarks, dark: bool) -> Mesh:
    """Spectacles: thin rims; or sunglasses: large dark lenses."""
    size = marks.head_scale
    material = DARK if dark else METAL
    half = 0.031 * size if dark else 0.025 * size
    high = 0.026 * size if dark else 0.02 * size
    x = max(float(marks.eye[0]), half + 0.006 * size)
    y = float(marks.eye[1]) - 0.011 * size
    z = float(marks.eye[2]) - 0.003 * size
    rim = 0.0034 * size if dark else 0.0022 * size
    corners = 12
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    lens = np.stack([half * np.cos(angle), 0.006 * np.cos(angle) ** 2 * size, high * np.sin(angle)], 1)
    parts = []
    for side in (-1, 1):
        centre = np.array([side * x, y, z])
        parts.append(tube(centre + lens, rim, 4, closed=True))
        if dark:
            faces = np.array([(0, k, k + 1) for k in range(1, corners - 1)])
            parts.append(mesh(np.concatenate([centre + lens]), faces))
        hinge = np.array([side * (x + half), y + 0.006 * size, z + 0.3 * high])
        ear = marks.ear * [side, 1, 1]
        ear_end = np.array([ear[0] * 0.94, ear[1] - 0.012 * size, z + 0.3 * high])
        parts.append(tube(np.stack([hinge, ear_end]), rim, 4))
    bridge = np.array(
        [[-x + half, y, z + 0.3 * high], [0, y - 0.004, z + 0.5 * high], [x - half, y, z + 0.3 * high]]
    )
    parts.append(tube(bridge, rim, 4))
    return joined(parts).of(material).bound("head")


def _laid(marks: Landmarks, point: Array, clearance: float) -> Array:
    """A point brought out of the trunk: upwards from a shoulder, else to the front or back."""
    x, y, z = point
    if abs(x) > 0.075 * marks.scale:
        near = np.hypot(marks.trunk[:, 0] - x, marks.trunk[:, 1] - y) < 0.03
        high = float(marks.trunk[near, 2].max()) if near.any() else z
        return np.array([x, y, max(z, high + clearance)])
    y = min(y, marks.front(x, z) - clearance) if y < marks.neck[1] else max(y, marks.back(x, z) + clearance)
    return np.array([x, y, z])


def _blend(high: Array) -> Array:
    """Weights of head, neck and spine, from 1 at the head to 0 on the shoulders."""
    head = np.clip(2 * high - 1, 0, 1)
    spine = np.clip(1 - 2 * high, 0, 1)
    return np.stack([head, 1 - head - spine, spine], 1)


def _top(marks: Landmarks, clearance: float, extra: float) -> Array:
    middle = (marks.fronts[-3] + marks.backs[-3]) / 2
    return np.array([0.0, middle, marks.crown + clearance * 0.7 + extra])


def _crown(
    marks: Landmarks, clearance: float, front: float, back: float, top: float, flat: float = 1.0
) -> Mesh:
    """The part of a hat that holds the head, from an edge up.

    Args:
        marks: of the body.
        clearance: over the skull.
        front: z of the edge in front.
        back: z of the edge behind.
        top: how much higher than the skull it is.
        flat: 1 as round as the head, less has steeper sides.
    """
    angle = np.linspace(-np.pi, np.pi, _ROUND, endpoint=False)
    edge = front + (back - front) * (1 - np.cos(angle)) / 2
    height = marks.crown + clearance * 0.7 + top
    rise = np.linspace(0, 1, 8)
    grid = np.empty((8, _ROUND, 3))
    for row, t in enumerate(rise):
        z = edge + (height - edge) * np.sin(t * np.pi / 2)
        # The head's own width, read at a height squeezed under the hat's top.
        read = edge + (marks.crown - edge) * np.sin(t * np.pi / 2) * 0.94
        ring = marks.head_at(angle, read, clearance)
        middle = ring.mean(0) * [1, 1, 0]
        closing = (
            np.clip((t - 0.3) / 0.7, 0, 1) ** 2.6 if flat == 1 else np.clip((t - 0.55) / 0.45, 0, 1) ** 6
        )
        grid[row] = ring * [1, 1, 0] + (middle - ring * [1, 1, 0]) * closing
        if flat < 1:
            base = grid[0] * [1, 1, 0]
            grid[row, :, :2] += flat * (1 - closing) * (base * 0.96 - ring * [1, 1, 0])[:, :2]
        grid[row, :, 2] = z
    return _ring_grid(grid)


def _band(marks: Landmarks, clearance: float, low: float, high: float, tilt: float = 0.0) -> Mesh:
    angle = np.linspace(-np.pi, np.pi, _ROUND, endpoint=False)
    down = tilt * (1 - np.cos(angle)) / 2
    inner = marks.head_at(angle, low - down, clearance - 0.008)
    outer = [marks.head_at(angle, z - down, clearance) for z in (low, (low + high) / 2, high)]
    last = marks.head_at(angle, high - down, clearance - 0.008)
    return _ring_grid(np.stack([inner, *outer, last]))


def _ring_grid(grid: Array) -> Mesh:
    """A surface of rings (R, C, 3), from the bottom up, angles growing to the left from the back."""
    rings, count = grid.shape[:2]
    base = lathe(np.stack([np.ones(rings), np.arange(rings)], 1), count)
    # A lathe lists its points column by column.
    return mesh(grid.transpose(1, 0, 2).reshape(-1, 3), base.faces)


__all__ = ["SURFACES", "beanie", "cap", "glasses", "hat", "headscarf", "scarf"]

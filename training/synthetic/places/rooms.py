"""Rooms: corridor, hall, shop, station."""

from dataclasses import replace

import numpy as np

from training.synthetic.places import materials as made
from training.synthetic.places.furniture import Furniture
from training.synthetic.places.layouts import Layout, Rect, furnish
from training.synthetic.places.parts import Region
from training.synthetic.places.surface import Material, Texture


def _lamp_colour(rng: np.random.Generator) -> tuple[float, float, float]:
    warm = float(rng.uniform(-1, 1))
    return (1.0 + 0.07 * warm, 1.0, 1.0 - 0.12 * warm)


def _room(b: Furniture, wide: float, deep: float, high: float, amount: int) -> tuple[Rect, ...]:
    """Four walls round (0..wide, 0..deep) with what hangs on them; gives the walls, faces inward."""
    rng = b.rng
    side = made.inner_wall(rng)
    other = made.inner_wall(rng) if rng.random() < 0.4 else side
    ring: tuple[Rect, ...] = (
        (wide, 0.0, 0.0, 0.0),
        (wide, deep, wide, 0.0),
        (0.0, deep, wide, deep),
        (0.0, 0.0, 0.0, deep),
    )
    # The left face of each looks into the room: go round clockwise seen from above.
    inward: tuple[Rect, ...] = tuple((x1, y1, x0, y0) for x0, y0, x1, y1 in ring)
    skirting = made.wood(rng) if rng.random() < 0.5 else made.plain(rng, (0.35, 0.34, 0.33))
    dado = made.inner_wall(rng) if rng.random() < 0.25 else None
    for index, wall in enumerate(inward):
        b.wall(*wall, high, other if index == 2 else side)
        length = float(np.hypot(wall[2] - wall[0], wall[3] - wall[1]))
        if dado is not None:
            b.on_wall(wall, 0.5, 0.0, (length, 1.1), dado, 0.012)
        b.on_wall(wall, 0.5, 0.0, (length, 0.1), skirting, 0.02)
        b.furnish_wall(wall, max(1, round(amount * length / (wide + deep))), 0.11)
    return inward


def _finish_room(
    b: Furniture, wide: float, deep: float, high: float
) -> tuple[Material, tuple[float, Material]]:
    rng = b.rng
    b.ceiling_lamps((0.3, 0.3, wide - 0.3, deep - 0.3), high, _lamp_colour(rng))
    for _ in range(int(rng.integers(0, 3))):
        mat = made.fabric(rng)
        x, y = float(rng.uniform(1, wide - 1)), float(rng.uniform(1, deep - 1))
        b.regions.append(Region(x, y, float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.5, 0.9)), 0.0, mat))
    return made.inner_floor(rng), (high, made.ceiling(rng))


def _heights(high: float) -> tuple[float, float]:
    return min(2.2, high - 0.3), high - 0.2


def corridor(b: Furniture) -> Layout:
    """A long passage with doors."""
    rng = b.rng
    wide, deep, high = float(rng.uniform(2.8, 4.6)), float(rng.uniform(15, 26)), float(rng.uniform(2.6, 3.2))
    middle = wide / 2
    b.lines += [
        ((middle - 0.45, 1.5), (middle - 0.45, deep - 0.8)),
        ((middle + 0.45, 1.5), (middle + 0.5, deep - 0.8)),
    ]
    _room(b, wide, deep, high, int(rng.integers(8, 14)))
    furnish(b, int(rng.integers(2, 5)), (0.4, 4, wide - 0.4, deep - 1), 0.75, wide / 2, True)
    floor, ceiling = _finish_room(b, wide, deep, high)
    return Layout(
        floor, (0.3, 0.5, wide - 0.3, deep - 0.4), ((0.3, 0.3, wide - 0.3, 0.8),), _heights(high), ceiling
    )


def hall(b: Furniture) -> Layout:
    """A lobby with pillars, furniture and perhaps a glass front."""
    rng = b.rng
    wide, deep, high = float(rng.uniform(8, 14)), float(rng.uniform(11, 18)), float(rng.uniform(3.0, 4.6))
    b.lines += [
        ((1.2, 3.0), (wide - 1.2, deep - 1.5)),
        ((wide * 0.35, 2.0), (wide * 0.4, deep - 1.0)),
        ((1.0, deep * 0.5), (wide - 1.0, deep * float(rng.uniform(0.4, 0.6)))),
    ]
    walls = _room(b, wide, deep, high, int(rng.integers(6, 12)))
    window = None
    if rng.random() < 0.45:
        index = int(rng.choice([1, 2, 3]))
        wall = walls[index]
        length = float(np.hypot(wall[2] - wall[0], wall[3] - wall[1]))
        pane = replace(made.glass_front(rng), glow=float(rng.uniform(0.6, 1.5)))
        b.on_wall(
            wall,
            0.5,
            float(rng.choice([0.1, 0.8])),
            (length * float(rng.uniform(0.4, 0.9)), high - 1.1),
            pane,
            0.06,
        )
        window = ((1.0, 0.0, 0.35), (0.0, 1.0, 0.35), (-1.0, 0.0, 0.35))[index - 1]
    column = made.inner_wall(rng)
    for x, y, _ in b.spots(int(rng.integers(0, 4)), 0.8, 2.5, (1.5, 4, wide - 1.5, deep - 2)):
        b.pillar(x, y, high, column)
    furnish(b, int(rng.integers(5, 11)), (0.6, 2, wide - 0.6, deep - 0.6), 0.85, 3.5, True)
    floor, ceiling = _finish_room(b, wide, deep, high)
    mounts = (
        (0.4, 0.3, wide - 0.4, 0.8),
        (0.3, 0.3, 0.9, deep * 0.4),
        (wide - 0.9, 0.3, wide - 0.3, deep * 0.4),
    )
    return Layout(floor, (0.4, 0.6, wide - 0.4, deep - 0.4), mounts, _heights(high), ceiling, window)


def shop(b: Furniture) -> Layout:
    """Aisles between shelves."""
    rng = b.rng
    wide, deep, high = float(rng.uniform(7, 11)), float(rng.uniform(11, 16)), float(rng.uniform(2.8, 3.6))
    aisles = max(2, round(wide / 2.8))
    pitch = wide / aisles
    for i in range(aisles):
        x = (i + 0.5) * pitch
        b.lines.append(((x, 2.0), (x, deep - 1.0)))
    b.lines.append(((0.8, 2.8), (wide - 0.8, 2.8)))
    b.lines.append(((0.8, deep - 1.2), (wide - 0.8, deep - 1.2)))
    _room(b, wide, deep, high, 4)
    tall = float(rng.choice([1.3, 1.6, 2.0]))
    for i in range(1, aisles):
        b.shelf(i * pitch, deep / 2 + 0.7, np.pi / 2, deep / 2 - 2.9, tall)
    for x in (0.42, wide - 0.42):
        b.shelf(x, deep / 2 + 0.7, np.pi / 2, deep / 2 - 2.4, 1.9)
    furnish(b, 3, (0.8, 1.5, wide - 0.8, 4), 0.8, 2.0, True)
    floor, ceiling = _finish_room(b, wide, deep, high)
    return Layout(
        floor, (0.4, 0.6, wide - 0.4, deep - 0.4), ((0.5, 0.3, wide - 0.5, 0.9),), _heights(high), ceiling
    )


def station(b: Furniture) -> Layout:
    """A wide underpass or platform with a row of pillars, benches and machines."""
    rng = b.rng
    wide, deep, high = float(rng.uniform(5, 8)), float(rng.uniform(18, 28)), float(rng.uniform(3.0, 4.0))
    b.lines += [
        ((wide * 0.3, 1.5), (wide * 0.3, deep - 1)),
        ((wide * 0.72, 1.5), (wide * 0.68, deep - 1)),
        ((0.8, 6.0), (wide - 0.8, 9.5)),
    ]
    walls = _room(b, wide, deep, high, int(rng.integers(8, 14)))
    column = made.inner_wall(rng)
    for y in np.arange(4.0, deep - 2, float(rng.uniform(3.5, 5))):
        if b.gap(wide / 2, float(y)) > 0.7:
            b.pillar(wide / 2, float(y), high, column)
    for wall in (walls[1], walls[3]):
        for share in rng.uniform(0.15, 0.9, 2):
            x, y = wall[0] + share * (wall[2] - wall[0]), wall[1] + share * (wall[3] - wall[1])
            inner = 0.45 if wall[0] < 1 else -0.45
            (b.bench if rng.random() < 0.6 else b.machine)(
                float(x) + inner, float(y), np.pi / 2 if inner < 0 else -np.pi / 2
            )
    b.regions.append(
        Region(
            wide / 2,
            deep / 2,
            0.08,
            deep / 2,
            0.0,
            made.material(rng, Texture.STRIPES, (0.85, 0.72, 0.2), (0.5, 0.5, 0.5), 0.3),
        )
    )
    floor, ceiling = _finish_room(b, wide, deep, high)
    return Layout(
        floor, (0.4, 0.5, wide - 0.4, deep - 0.4), ((0.4, 0.3, wide - 0.4, 0.9),), _heights(high), ceiling
    )

"""Places outside: street, park, car park, square, yard."""

from itertools import pairwise

import numpy as np

from training.synthetic.places import materials as made
from training.synthetic.places.furniture import Furniture
from training.synthetic.places.layouts import Layout, Rect, furnish
from training.synthetic.places.parts import Line, Region, Solid
from training.synthetic.places.surface import Material, Texture
from training.synthetic.places.trace import CROWN


def _horizon(b: Furniture, near: float, extent: Rect) -> None:
    """Houses and trees round the place, beyond where people walk."""
    rng = b.rng
    x0, y0, x1, y1 = extent
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    reach = max(x1 - x0, y1 - y0) / 2 + near
    angle = 0.0
    while angle < 2 * np.pi:
        far = reach + float(rng.uniform(2, 14))
        x, y = middle[0] + far * float(np.cos(angle)), middle[1] + far * float(np.sin(angle))
        if rng.random() < 0.62:
            half = float(rng.uniform(5, 11))
            high = float(rng.uniform(2, 6)) * 1.55
            b.box((x, y, high), (half, 4.0, high), made.facade(rng), angle + np.pi / 2, top=made.stone(rng))
            angle += 2.1 * half / far
        else:
            for _ in range(3):
                leaves = made.foliage(rng)
                size = float(rng.uniform(2.0, 3.8))
                px, py = x + float(rng.normal(0, 2)), y + float(rng.normal(0, 2))
                b.post(px, py, 0.0, size, 0.22, made.bark(rng))
                b.solids.append(Solid(CROWN, (px, py, size * 1.5), (size, size, size), 0.0, leaves, leaves))
            angle += 5.0 / far


def _strip(b: Furniture, x: float, half: float, low: float, high: float, material: Material) -> None:
    b.regions.append(Region(x, (low + high) / 2, half, (high - low) / 2, 0.0, material))


def street(b: Furniture) -> Layout:
    """A pavement between house fronts and parked cars."""
    rng = b.rng
    walk, road, deep = float(rng.uniform(3.0, 4.5)), float(rng.uniform(6.5, 9)), 34.0
    b.lines += [
        ((walk * 0.35, 1.0), (walk * 0.35, 24.0)),
        ((walk * 0.68, 1.0), (walk * 0.62, 24.0)),
        ((walk * 0.5, 8.0), (-road - 1.0, 11.0)),
    ]
    _strip(b, walk / 2, walk / 2, -20, deep + 20, made.pavement(rng))
    _strip(b, -road - 1.5, 1.5, -20, deep + 20, made.pavement(rng))
    white = made.plain(rng, (0.8, 0.8, 0.78))
    dash = made.material(rng, Texture.STRIPES, (0.8, 0.8, 0.78), (0.4, 0.4, 0.4), 3.0)
    b.regions.append(Region(-road / 2, deep / 2, deep, 0.06, np.pi / 2, dash))
    _strip(
        b, -0.35, 0.05, -20, deep + 20, white if rng.random() < 0.5 else made.plain(rng, (0.78, 0.66, 0.2))
    )
    kerb = made.stone(rng)
    for x in (0.0, -road):
        b.box((x, deep / 2, 0.015), (0.08, deep, 0.015), kerb)
    y = -8.0
    while y < deep:
        step = float(rng.uniform(7, 13))
        front = made.facade(rng) if rng.random() < 0.65 else made.outer_wall(rng)
        high = float(rng.uniform(2.5, 6.5))
        b.box((walk + 3, y + step / 2, high), (3.0, step / 2, high), front)
        wall = (walk, y + step, walk, y)
        b.furnish_wall((walk, y, walk, y + step), int(rng.integers(2, 5)), 0.0, indoor=False)
        if rng.random() < 0.5:
            b.on_wall((walk, y, walk, y + step), 0.5, 0.0, (step * 0.96, 0.5), made.stone(rng), 0.03, 0.0)
        b.box((-road - 6, wall[3] + step / 2, high), (3.0, step / 2, high), made.facade(rng))
        y += step
    y = float(rng.uniform(-1, 4))
    while y < deep:
        if rng.random() < 0.6 and abs(y - 8.5) > 3.2:
            b.car(-1.3, y, np.pi / 2 + float(rng.choice([0, np.pi])) + float(rng.normal(0, 0.02)))
        if rng.random() < 0.35 and abs(y - 9.5) > 3.2:
            b.car(-road + 1.2, y, np.pi / 2 + float(rng.choice([0, np.pi])))
        y += float(rng.uniform(5.2, 6.5))
    for y in np.arange(2.5, deep, float(rng.uniform(7, 10))):
        (b.tree if rng.random() < 0.55 else b.sign)(0.35, float(y), 0.0)
        b.street_lamp(0.3, float(y) + 3.4, np.pi / 2, (1.0, 0.8, 0.5))
    furnish(b, int(rng.integers(2, 6)), (0.3, 2, walk - 0.3, 20), 0.75, 1.6, False)
    b.box((-road / 2, deep + 12, 6), (14, 3, 6), made.facade(rng))
    mounts = ((0.3, -4.0, walk - 0.3, -0.5), (-road + 1, -4, -1, -0.5))
    return Layout(made.asphalt(rng), (-road - 2.5, 0.0, walk - 0.35, 26.0), mounts, (2.4, 5.0))


def park(b: Furniture) -> Layout:
    """A path over grass, with trees, hedges and benches."""
    rng = b.rng
    bend = float(rng.uniform(-4, 4))
    wide = float(rng.uniform(1.3, 2.2))
    path: Line = ((0.0, -8.0), (0.3 * bend, 6.0), (0.8 * bend, 14.0), (bend * 0.6, 30.0))
    cross: Line = ((-12.0, 8.0), (10.0, 9.5 + 0.2 * bend))
    paved = made.pavement(rng)
    edge = made.stone(rng)
    for line in (path, cross):
        for (xa, ya), (xb, yb) in pairwise(line):
            length, yaw = float(np.hypot(xb - xa, yb - ya)), float(np.arctan2(yb - ya, xb - xa))
            for grow, material in ((0.08, edge), (0.0, paved)):
                b.regions.append(
                    Region((xa + xb) / 2, (ya + yb) / 2, length / 2 + 0.5, wide + grow, yaw, material)
                )
    b.regions.sort(key=lambda region: region.material is paved)
    b.lines += [
        (*((x - 0.5, y) for x, y in path[1:3]), (bend * 0.7, 24.0)),
        ((0.4, 2.0), *((x + 0.5, y) for x, y in path[1:3])),
        ((-9.0, 8.3), (9.0, 9.4 + 0.18 * bend)),
    ]
    for x, y, yaw in b.spots(int(rng.integers(4, 8)), wide + 0.6, 7.0, (-12, 3, 12, 28)):
        b.tree(x, y, yaw)
    for x, y, yaw in b.spots(int(rng.integers(2, 6)), wide + 0.4, 4.0, (-12, 3, 12, 26)):
        b.shrub(x, y, yaw)
    for x, y, yaw in b.spots(3, wide + 0.1, wide + 0.5, (-8, 3, 8, 20)):
        (b.bench if rng.random() < 0.6 else b.bin)(x, y, yaw + float(rng.choice([0, np.pi])))
    if rng.random() < 0.6:
        side = float(rng.choice([-1, 1])) * (wide + 1.6)
        b.hedge(side, 11.5, side + 0.8 * bend, 20.0, float(rng.uniform(0.8, 1.5)))
    for x, y, yaw in b.spots(2, wide + 0.2, wide + 0.6, (-8, 3, 8, 24)):
        b.street_lamp(x, y, yaw, (1.0, 0.8, 0.5))
    _horizon(b, 14.0, (-10, 0, 10, 26))
    extent = (-11.0, 0.5, 11.0, 26.0)
    return Layout(made.grass(rng), extent, ((-2.5, -4.5, 2.5, -0.5),), (2.3, 5.0))


def car_park(b: Furniture) -> Layout:
    """Marked bays with cars before a building."""
    rng = b.rng
    b.lines += [
        ((-8.0, 5.0), (8.0, 6.0)),
        ((-1.0, 2.0), (1.0, 18.0)),
        ((-7.0, 15.6), (7.5, 15.4)),
    ]
    white = made.plain(rng, (0.78, 0.78, 0.76))
    bays = np.arange(-10.0, 10.1, 2.6)
    for row, facing in ((11.2, 1.0), (19.0, -1.0)):
        for x in bays:
            b.regions.append(Region(float(x), row, 0.05, 2.4, 0.0, white))
            if rng.random() < 0.6 and abs(x + 1.3 - 0.0) > 2.2 and x < 9:
                b.car(
                    float(x) + 1.3,
                    row + float(rng.normal(0, 0.15)),
                    facing * np.pi / 2 + float(rng.normal(0, 0.03)),
                )
    b.box((0, 27.0, 4.5), (15, 3.0, 4.5), made.facade(rng) if rng.random() < 0.6 else made.outer_wall(rng))
    b.furnish_wall((14.0, 24.0, -14.0, 24.0), 7, 0.0, indoor=False)
    b.regions.append(Region(0, 23.0, 15, 1.1, 0.0, made.pavement(rng)))
    side = made.outer_wall(rng)
    if rng.random() < 0.5:
        b.wall(-12.5, 0.0, -12.5, 24.0, float(rng.uniform(1.2, 3.2)), side)
    else:
        b.hedge(-12.5, 2.0, -12.5, 22.0, 1.4)
    for x in (-5.5, 5.5):
        b.street_lamp(x, 8.0, 0.0, (1.0, 0.85, 0.6))
    furnish(b, int(rng.integers(3, 7)), (-10, 3, 10, 21), 0.8, 2.2, False)
    _horizon(b, 18.0, (-10, 0, 10, 26))
    return Layout(made.asphalt(rng), (-11, 1.0, 11, 22.0), ((-5, -3.5, 5, 0.5),), (2.6, 6.0))


def plaza(b: Furniture) -> Layout:
    """A paved square before an entrance."""
    rng = b.rng
    deep = float(rng.uniform(14, 20))
    b.lines += [
        ((-7.0, deep * 0.4), (7.0, deep * 0.5)),
        ((0.5, 2.0), (-0.5, deep - 1.0)),
        ((-6.0, deep - 2.0), (6.5, deep * 0.3)),
    ]
    front = (11.0, deep, -11.0, deep)
    b.box(
        (0, deep + 4, 5.0), (12, 4.0, 5.0), made.facade(rng) if rng.random() < 0.5 else made.outer_wall(rng)
    )
    b.on_wall(
        front,
        float(rng.uniform(0.35, 0.65)),
        0.05,
        (float(rng.uniform(5, 12)), 3.2),
        made.glass_front(rng),
        0.08,
        0.0,
    )
    b.furnish_wall(front, 3, 0.0, indoor=False)
    if rng.random() < 0.5:
        roof = made.stone(rng)
        b.box((0, deep - 1.3, 3.3), (4.5, 1.3, 0.12), roof)
        for x in (-4.0, 4.0):
            b.post(x, deep - 2.3, 0.0, 3.2, 0.12, made.metal(rng))
    for x in np.arange(-8, 8.1, 2.0):
        if rng.random() < 0.8 and b.gap(float(x), 3.0) > 0.6:
            b.ball(float(x), 3.0)
    if rng.random() < 0.5:
        y = float(rng.uniform(5, deep - 5))
        b.railing(-9.0, y, -5.0, y)
    for x, y, yaw in b.spots(int(rng.integers(1, 4)), 1.2, 5.0, (-9, 4, 9, deep - 2)):
        b.tree(x, y, yaw)
    for x, y, yaw in b.spots(2, 0.9, 3.0, (-9, 4, 9, deep - 2)):
        b.street_lamp(x, y, yaw, (1.0, 0.9, 0.75))
    furnish(b, int(rng.integers(5, 10)), (-9, 3, 9, deep - 0.8), 0.8, 3.0, False)
    _horizon(b, 16.0, (-10, 0, 10, deep))
    return Layout(made.pavement(rng), (-10, 1.0, 10, deep - 0.6), ((-5, -4, 5, 0.0),), (2.4, 5.5))


def yard(b: Furniture) -> Layout:
    """A back yard between walls, with bins, doors and crates."""
    rng = b.rng
    wide, deep = float(rng.uniform(7, 11)), float(rng.uniform(13, 20))
    b.lines += [
        ((wide * 0.4, 1.5), (wide * 0.5, deep - 1.0)),
        ((1.2, deep * 0.4), (wide - 1.2, deep * 0.55)),
        ((wide - 1.5, 2.0), (1.5, deep - 1.8)),
    ]
    for index, wall in enumerate(((0.0, deep, 0.0, 0.0), (wide, 0.0, wide, deep), (wide, deep, 0.0, deep))):
        high = float(rng.uniform(2.6, 8.0))
        side = made.outer_wall(rng) if index < 2 or rng.random() < 0.5 else made.facade(rng)
        b.wall(*wall, high, side, 0.3)
        b.furnish_wall(wall, int(rng.integers(2, 6)), 0.15, indoor=False)
        if rng.random() < 0.6:
            share = float(rng.uniform(0.2, 0.8))
            size = (float(rng.uniform(2.4, 3.2)), 2.4)
            b.on_wall(
                wall,
                share,
                0.0,
                size,
                made.material(rng, Texture.RIBS, (0.6, 0.62, 0.62), None, 0.2),
                0.03,
                0.15,
            )
        for _ in range(2):
            x = wall[0] + float(rng.uniform(0.1, 0.9)) * (wall[2] - wall[0])
            y = wall[1] + float(rng.uniform(0.1, 0.9)) * (wall[3] - wall[1])
            if index < 2 and b.gap(x, y) > 0.9:
                b.post(
                    x + (0.22 if index == 0 else -0.22),
                    y,
                    0.0,
                    high,
                    0.05,
                    made.warm(made.metal(rng), float(rng.choice([0, 0, 8]))),
                )
    if rng.random() < 0.5 and wide > 8.5:
        b.car(wide - 1.4, deep - 3.4, np.pi / 2)
    b.street_lamp(0.4, deep * 0.5, -np.pi / 2, (1.0, 0.8, 0.55))
    furnish(b, int(rng.integers(5, 10)), (0.6, 2.5, wide - 0.6, deep - 0.6), 0.85, 3.5, False)
    _horizon(b, 16.0, (0, 0, wide, deep))
    ground = made.pavement(rng) if rng.random() < 0.6 else made.asphalt(rng)
    return Layout(ground, (0.5, 1.0, wide - 0.5, deep - 0.5), ((1.0, -3.0, wide - 1.0, 0.3),), (2.4, 4.8))

"""What stands in places: walls, doors, furniture, trees, cars, put together from simple solids."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from training.synthetic.places import materials as made
from training.synthetic.places.surface import Material, Texture
from training.synthetic.places.trace import BOX, CYLINDER

Line = tuple[tuple[float, float], ...]
Spot = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Solid:
    """One convex thing: a box, cylinder, ellipsoid or hull, turned about the vertical.

    Attributes:
        shape: `BOX`, `CYLINDER` (upright), `LYING` (along its own x), `ELLIPSOID`, `CROWN` (leaves), `HULL`.
        centre: metres.
        half: half sizes along its own axes, metres.
        yaw: radians.
        side, top: materials.
        planes: of a hull, ``(nx, ny, nz, d)`` with ``n . p <= d`` inside, about the centre.
    """

    shape: int
    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    yaw: float
    side: Material
    top: Material
    planes: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the floor with a material of its own."""

    x: float
    y: float
    half_x: float
    half_y: float
    yaw: float
    material: Material


@dataclass(frozen=True, slots=True)
class Fixture:
    """A lamp of the place: position, linear RGB at full strength, radius of its shine in metres."""

    position: tuple[float, float, float]
    colour: tuple[float, float, float]
    radius: float


@dataclass(slots=True)
class Builder:
    """A place while it is put together; ``lines`` are kept free of everything."""

    rng: np.random.Generator
    lines: list[Line] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    fixtures: list[Fixture] = field(default_factory=list)

    def box(
        self, centre: Spot, half: Spot, side: Material, yaw: float = 0.0, top: Material | None = None
    ) -> None:
        """A box; ``centre`` z is its middle."""
        self.solids.append(Solid(BOX, centre, half, yaw, side, top or side))

    def post(self, x: float, y: float, low: float, high: float, radius: float, side: Material) -> None:
        """An upright cylinder."""
        centre, half = (x, y, (low + high) / 2), (radius, radius, (high - low) / 2)
        self.solids.append(Solid(CYLINDER, centre, half, 0.0, side, side))

    def at(self, x: float, y: float, yaw: float, across: float, along: float) -> tuple[float, float]:
        """A point given in the frame of something at (x, y) turned by yaw."""
        cosine, sine = float(np.cos(yaw)), float(np.sin(yaw))
        return x + cosine * across - sine * along, y + sine * across + cosine * along

    def gap(self, x: float, y: float) -> float:
        """Metres to the nearest walking line."""
        best = np.inf
        point = np.array([x, y])
        for line in self.lines:
            nodes = np.asarray(line, float)
            for first, second in pairwise(nodes):
                step = second - first
                share = np.clip((point - first) @ step / max(float(step @ step), 1e-9), 0, 1)
                best = min(best, float(np.linalg.norm(first + share * step - point)))
        return best

    def spots(
        self, count: int, low: float, high: float, box: tuple[float, float, float, float]
    ) -> list[Spot]:
        """Places (x, y, yaw of the line) between ``low`` and ``high`` metres off the walking lines."""
        found: list[Spot] = []
        for _ in range(count * 12):
            line = self.lines[int(self.rng.integers(len(self.lines)))]
            index = int(self.rng.integers(len(line) - 1))
            first, second = np.asarray(line[index]), np.asarray(line[index + 1])
            heading = float(np.arctan2(*(second - first)[::-1]))
            side = float(self.rng.choice([-1, 1]) * self.rng.uniform(low, high))
            x, y = first + self.rng.random() * (second - first)
            x, y = self.at(float(x), float(y), heading, 0.0, side)
            if not (box[0] < x < box[2] and box[1] < y < box[3]) or self.gap(x, y) < low - 0.05:
                continue
            if all((x - a) ** 2 + (y - b) ** 2 > 1.7**2 for a, b, _ in found):
                found.append((x, y, heading))
            if len(found) == count:
                break
        return found

    # Built in ------------------------------------------------------------------------------------

    def wall(
        self, x0: float, y0: float, x1: float, y1: float, height: float, side: Material, thick: float = 0.2
    ) -> None:
        """An upright slab from one point to another."""
        length, yaw = float(np.hypot(x1 - x0, y1 - y0)), float(np.arctan2(y1 - y0, x1 - x0))
        self.box(((x0 + x1) / 2, (y0 + y1) / 2, height / 2), (length / 2, thick / 2, height / 2), side, yaw)

    def on_wall(
        self,
        wall: tuple[float, float, float, float],
        share: float,
        low: float,
        size: tuple[float, float],
        side: Material,
        depth: float = 0.03,
        off: float = 0.1,
    ) -> None:
        """A flat thing on a wall's left face (looking from its first point to its second)."""
        x0, y0, x1, y1 = wall
        yaw = float(np.arctan2(y1 - y0, x1 - x0))
        x, y = self.at(x0 + share * (x1 - x0), y0 + share * (y1 - y0), yaw, 0.0, off + depth / 2)
        self.box((x, y, low + size[1] / 2), (size[0] / 2, depth / 2, size[1] / 2), side, yaw)

    def door(self, wall: tuple[float, float, float, float], share: float, off: float = 0.1) -> None:
        """A door in its frame."""
        rng = self.rng
        base = made.accent(rng) if rng.random() < 0.5 else made.wood(rng)
        frame = made.metal(rng)
        leaf = made.material(
            rng, Texture.DOOR, base.rgb, frame.rgb, 0.5 if rng.random() < 0.4 else 0.2, polish=0.2
        )
        self.on_wall(wall, share, 0.0, (float(rng.choice([1.0, 1.1, 1.8])), 2.12), leaf, 0.05, off)

    def furnish_wall(
        self, wall: tuple[float, float, float, float], amount: int, off: float = 0.1, indoor: bool = True
    ) -> None:
        """Doors, posters, boards, cabinets, radiators, extinguishers along a wall."""
        rng = self.rng
        slots = (np.arange(amount) + 0.5 + rng.uniform(-0.25, 0.25, amount)) / max(amount, 1)
        for share in slots:
            kind, share = rng.random(), float(share)
            if kind < 0.26:
                self.door(wall, share, off)
            elif kind < 0.56:
                wide = float(rng.uniform(0.4, 1.2))
                self.on_wall(
                    wall,
                    share,
                    float(rng.uniform(1.0, 1.4)),
                    (wide, wide * float(rng.uniform(0.7, 1.45))),
                    made.poster(rng),
                    0.025,
                    off,
                )
            elif kind < 0.70 and indoor:
                heat = float(rng.uniform(6, 22)) if rng.random() < 0.6 else 0.0
                side = made.material(rng, Texture.RIBS, (0.85, 0.85, 0.83), None, 0.06, heat=heat, heat2=heat)
                self.on_wall(wall, share, 0.15, (float(rng.uniform(0.8, 1.8)), 0.6), side, 0.1, off)
            elif kind < 0.80:
                self.on_wall(
                    wall,
                    share,
                    float(rng.uniform(1.0, 1.5)),
                    (0.5, 0.7),
                    made.warm(made.metal(rng), float(rng.uniform(0, 5))),
                    0.18,
                    off,
                )
            elif kind < 0.88:
                side = made.plain(rng, (0.62, 0.10, 0.09), polish=0.4)
                self.on_wall(wall, share, 0.7, (0.16, 0.5), side, 0.15, off)
            else:
                wide = float(rng.uniform(1.0, 2.2))
                self.on_wall(wall, share, 0.95, (wide, 1.2), made.glass_front(rng), 0.04, off)

    def ceiling_lamps(self, box: tuple[float, float, float, float], height: float, colour: Spot) -> None:
        """A grid of luminaires under the ceiling."""
        rng = self.rng
        pitch = float(rng.uniform(2.4, 3.6))
        wide, deep = box[2] - box[0], box[3] - box[1]
        long = rng.random() < 0.6
        across, along = max(1, min(4, round(wide / pitch))), max(1, min(5, round(deep / pitch)))
        half = (0.09, 0.6) if long else (0.3, 0.3)
        for i in range(across):
            for j in range(along):
                if rng.random() < 0.06:
                    continue
                x = box[0] + (i + 0.5) * wide / across
                y = box[1] + (j + 0.5) * deep / along
                side = made.glowing(rng, (0.95, 0.95, 0.93), 2.4, float(rng.uniform(5, 14)))
                self.box((x, y, height - 0.03), (*half, 0.03), side)
                self.fixtures.append(Fixture((x, y, height - 0.08), colour, max(half)))

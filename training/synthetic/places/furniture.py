"""Things that stand about: furniture, posts, trees, cars."""

import numpy as np

from training.synthetic.places import materials as made
from training.synthetic.places.parts import Builder, Fixture, Solid, Spot
from training.synthetic.places.surface import Material
from training.synthetic.places.trace import CROWN, ELLIPSOID, HULL, LYING


class Furniture(Builder):
    """A builder that knows furniture; each method puts one thing at (x, y), turned by yaw."""

    def table(self, x: float, y: float, yaw: float) -> None:
        """A bistro table on one leg, or a long one on four."""
        rng = self.rng
        top, leg = made.wood(rng), made.metal(rng)
        if rng.random() < 0.45:
            high = float(rng.choice([0.74, 1.08]))
            self.post(x, y, high - 0.03, high, 0.36, top)
            self.post(x, y, 0.0, high, 0.035, leg)
            self.post(x, y, 0.0, 0.03, 0.24, leg)
            return
        wide = float(rng.uniform(0.6, 0.95))
        self.box((x, y, 0.73), (wide, 0.38, 0.02), top, yaw)
        for a in (-1, 1):
            for b in (-1, 1):
                px, py = self.at(x, y, yaw, a * (wide - 0.05), b * 0.33)
                self.post(px, py, 0.0, 0.71, 0.025, leg)

    def chair(self, x: float, y: float, yaw: float) -> None:
        """A chair."""
        seat, leg = made.accent(self.rng), made.metal(self.rng)
        self.box((x, y, 0.45), (0.22, 0.22, 0.025), seat, yaw)
        bx, by = self.at(x, y, yaw, 0.0, 0.21)
        self.box((bx, by, 0.7), (0.21, 0.02, 0.2), seat, yaw)
        for a in (-1, 1):
            for b in (-1, 1):
                px, py = self.at(x, y, yaw, a * 0.19, b * 0.19)
                self.post(px, py, 0.0, 0.44, 0.015, leg)

    def bench(self, x: float, y: float, yaw: float) -> None:
        """A bench, with or without a back."""
        rng = self.rng
        top, leg = made.wood(rng), made.metal(rng)
        wide = float(rng.uniform(0.6, 0.95))
        self.box((x, y, 0.44), (wide, 0.22, 0.03), top, yaw)
        if rng.random() < 0.6:
            bx, by = self.at(x, y, yaw, 0.0, 0.22)
            self.box((bx, by, 0.72), (wide, 0.02, 0.14), top, yaw)
        for a in (-0.8, 0.8):
            px, py = self.at(x, y, yaw, a * wide, 0.0)
            self.box((px, py, 0.21), (0.03, 0.2, 0.21), leg, yaw)

    def bin(self, x: float, y: float, yaw: float) -> None:
        """A waste bin."""
        side = made.accent(self.rng) if self.rng.random() < 0.5 else made.metal(self.rng)
        if self.rng.random() < 0.5:
            self.post(x, y, 0.0, 0.85, 0.24, side)
            self.post(x, y, 0.85, 0.9, 0.2, made.rubber(self.rng))
        else:
            self.box((x, y, 0.5), (0.28, 0.33, 0.5), side, yaw, top=made.rubber(self.rng))

    def planter(self, x: float, y: float, yaw: float) -> None:
        """A pot with a bush."""
        rng, side = self.rng, made.stone(self.rng)
        high = float(rng.uniform(0.4, 0.7))
        self.box((x, y, high / 2), (0.35, 0.35, high / 2), side, yaw, top=made.bark(rng))
        leaves = made.foliage(rng)
        for _ in range(6):
            dx, dy, dz = rng.normal(0, 0.15, 3)
            size = float(rng.uniform(0.16, 0.28))
            centre = (x + float(dx), y + float(dy), high + 0.28 + float(dz))
            self.solids.append(Solid(CROWN, centre, (size, size, size * 1.15), 0.0, leaves, leaves))

    def crate(self, x: float, y: float, yaw: float) -> None:
        """One to three boxes on top of one another."""
        low = 0.0
        for _ in range(int(self.rng.integers(1, 4))):
            half = tuple(float(v) for v in self.rng.uniform(0.16, 0.32, 3))
            side = made.wood(self.rng) if self.rng.random() < 0.6 else made.accent(self.rng)
            self.box(
                (x, y, low + half[2]), (half[0], half[1], half[2]), side, yaw + float(self.rng.normal(0, 0.2))
            )
            low += 2 * half[2]

    def pillar(self, x: float, y: float, height: float, side: Material) -> None:
        """A column from floor to ceiling."""
        size = float(self.rng.uniform(0.16, 0.3))
        if self.rng.random() < 0.5:
            self.post(x, y, 0.0, height, size, side)
        else:
            self.box((x, y, height / 2), (size, size, height / 2), side)

    def machine(self, x: float, y: float, yaw: float) -> None:
        """A vending or ticket machine: lit front, warm."""
        rng = self.rng
        side = made.warm(made.accent(rng), float(rng.uniform(2, 7)))
        self.box((x, y, 0.92), (0.45, 0.38, 0.92), side, yaw)
        fx, fy = self.at(x, y, yaw, -0.08, -0.39)
        goods = made.goods(rng)
        self.box((fx, fy, 1.12), (0.32, 0.02, 0.6), made.warm(goods, 3.0), yaw)

    def shelf(self, x: float, y: float, yaw: float, wide: float, high: float) -> None:
        """A double-sided row of goods."""
        end = made.metal(self.rng)
        self.box((x, y, high / 2), (wide, 0.3, high / 2), made.goods(self.rng), yaw, top=end)
        for a in (-1, 1):
            px, py = self.at(x, y, yaw, a * (wide + 0.02), 0.0)
            self.box((px, py, high / 2 + 0.02), (0.02, 0.32, high / 2 + 0.02), end, yaw)

    def railing(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Posts and two bars."""
        side = made.metal(self.rng)
        length, yaw = float(np.hypot(x1 - x0, y1 - y0)), float(np.arctan2(y1 - y0, x1 - x0))
        for high in (0.45, 1.0):
            centre = ((x0 + x1) / 2, (y0 + y1) / 2, high)
            self.solids.append(Solid(LYING, centre, (length / 2, 0.025, 0.025), yaw, side, side))
        for share in np.linspace(0, 1, max(2, int(length / 1.3) + 1)):
            self.post(float(x0 + share * (x1 - x0)), float(y0 + share * (y1 - y0)), 0.0, 1.0, 0.025, side)

    def sign(self, x: float, y: float, yaw: float) -> None:
        """A plate on a post."""
        self.post(x, y, 0.0, 2.6, 0.03, made.metal(self.rng))
        size = float(self.rng.uniform(0.2, 0.35))
        px, py = self.at(x, y, yaw, 0.0, -0.04)
        self.box(
            (px, py, 2.3), (size, 0.01, size * float(self.rng.uniform(0.8, 1.3))), made.poster(self.rng), yaw
        )

    def street_lamp(self, x: float, y: float, yaw: float, colour: Spot) -> None:
        """A mast with an arm."""
        side, high = made.metal(self.rng), float(self.rng.uniform(4.0, 6.5))
        self.post(x, y, 0.0, high, 0.06, side)
        px, py = self.at(x, y, yaw, 0.0, 0.5)
        self.box((px, py, high), (0.1, 0.6, 0.05), side, yaw)
        px, py = self.at(x, y, yaw, 0.0, 0.85)
        self.box(
            (px, py, high - 0.07), (0.09, 0.25, 0.02), made.glowing(self.rng, (0.9, 0.88, 0.8), 0.0, 6.0), yaw
        )
        self.fixtures.append(Fixture((px, py, high - 0.15), colour, 0.15))

    def hedge(self, x0: float, y0: float, x1: float, y1: float, high: float) -> None:
        """A clipped hedge: a box of leaves with a ragged top."""
        rng, leaves = self.rng, made.foliage(self.rng)
        length, yaw = float(np.hypot(x1 - x0, y1 - y0)), float(np.arctan2(y1 - y0, x1 - x0))
        self.box(((x0 + x1) / 2, (y0 + y1) / 2, high * 0.45), (length / 2, 0.3, high * 0.45), leaves, yaw)
        for share in np.arange(0.15, length, 0.5) / length:
            size = float(rng.uniform(0.34, 0.46))
            centre = (
                float(x0 + share * (x1 - x0)),
                float(y0 + share * (y1 - y0)),
                high * float(rng.uniform(0.6, 0.72)),
            )
            self.solids.append(Solid(CROWN, centre, (size, size, high * 0.38), yaw, leaves, leaves))

    def tree(self, x: float, y: float, yaw: float = 0.0) -> None:
        """A trunk and a crown of several leafy balls."""
        rng, leaves = self.rng, made.foliage(self.rng)
        high, radius = float(rng.uniform(2.2, 3.4)), float(rng.uniform(0.09, 0.2))
        self.post(x, y, 0.0, high + 0.8, radius, made.bark(rng))
        spread = float(rng.uniform(0.9, 1.7))
        for _ in range(int(rng.integers(9, 14))):
            dx, dy, dz = rng.normal(0, spread * 0.52, 3)
            size = float(rng.uniform(0.35, 0.62)) * spread
            centre = (x + float(dx), y + float(dy), high + spread * 0.6 + float(dz) * 0.7)
            self.solids.append(Solid(CROWN, centre, (size, size, size * 0.8), yaw, leaves, leaves))

    def shrub(self, x: float, y: float, yaw: float = 0.0) -> None:
        """A bush."""
        rng, leaves = self.rng, made.foliage(self.rng)
        for _ in range(6):
            dx, dy = rng.normal(0, 0.36, 2)
            size = float(rng.uniform(0.25, 0.42))
            centre = (x + float(dx), y + float(dy), size * float(rng.uniform(0.6, 1.5)))
            self.solids.append(Solid(CROWN, centre, (size * 1.2, size * 1.1, size), yaw, leaves, leaves))

    def car(self, x: float, y: float, yaw: float) -> None:
        """A parked car, its own x to the front; a bonnet may still be warm."""
        rng = self.rng
        paint, glass, tyre = made.lacquer(rng), made.dark_glass(rng), made.rubber(rng)
        long, wide = float(rng.uniform(1.95, 2.3)), float(rng.uniform(0.83, 0.92))
        high = float(rng.uniform(1.4, 1.7))
        hot = float(rng.uniform(6, 20)) if rng.random() < 0.3 else 0.0
        waist = 0.58 * high
        body = _profile(
            [
                (-long, 0.22),
                (long, 0.22),
                (long, 0.6 * waist),
                (long * 0.9, waist * 0.93),
                (long * 0.4, waist),
                (-long * 0.93, waist),
                (-long, waist * 0.8),
            ]
        )
        self._hull(x, y, yaw, (long, wide, waist), body, wide, paint)
        rear = float(rng.uniform(0.62, 0.95))
        front = float(rng.uniform(0.36, 0.46))
        cabin = [
            (-long * rear, waist),
            (long * front, waist),
            (long * front - 0.75, high),
            (-long * rear + 0.45, high),
        ]
        self._hull(x, y, yaw, (long, wide, high), _profile(cabin), wide * 0.88, glass, lean=0.16, waist=waist)
        middle = (long * (front - rear) / 2 - 0.15, (long * (front + rear) - 1.35) / 2)
        px, py = self.at(x, y, yaw, middle[0], 0.0)
        self.box((px, py, high - 0.012), (middle[1] + 0.05, wide * 0.76, 0.03), paint, yaw)
        if hot:
            px, py = self.at(x, y, yaw, long * 0.66, 0.0)
            self.box((px, py, waist * 0.985), (long * 0.22, wide * 0.8, 0.02), made.warm(paint, hot), yaw)
        for a in (-0.62, 0.64):
            for b in (-1.0, 1.0):
                px, py = self.at(x, y, yaw, a * long, b * (wide - 0.08))
                self.solids.append(
                    Solid(
                        LYING,
                        (px, py, 0.32),
                        (0.11, 0.32, 0.32),
                        yaw + np.pi / 2,
                        made.warm(tyre, 0.3 * hot),
                        tyre,
                    )
                )
                px, py = self.at(x, y, yaw, a * long, b * (wide + 0.025))
                self.solids.append(
                    Solid(LYING, (px, py, 0.32), (0.012, 0.19, 0.19), yaw + np.pi / 2, made.metal(rng), tyre)
                )
        for end, rgb in ((1.0, (0.8, 0.8, 0.76)), (-1.0, (0.4, 0.06, 0.06))):
            lamp = made.plain(rng, rgb, polish=0.6)
            for b in (-0.72, 0.72):
                px, py = self.at(x, y, yaw, end * (long - 0.02), b * wide)
                self.box((px, py, waist * 0.72), (0.04, 0.16, 0.07), lamp, yaw)
            px, py = self.at(x, y, yaw, end * (long + 0.01), 0.0)
            self.box((px, py, 0.42), (0.015, 0.26, 0.055), made.plain(rng, (0.75, 0.75, 0.7)), yaw)

    def _hull(
        self,
        x: float,
        y: float,
        yaw: float,
        half: Spot,
        profile: list[tuple[float, float, float]],
        wide: float,
        side: Material,
        lean: float = 0.0,
        waist: float = 0.0,
    ) -> None:
        planes = [(a, 0.0, b, c) for a, b, c in profile]
        size = float(np.hypot(1.0, lean))
        planes += [(0.0, s / size, lean / size, (wide + lean * waist) / size) for s in (-1.0, 1.0)]
        reach = (half[0], half[1], half[2])
        self.solids.append(Solid(HULL, (x, y, 0.0), reach, yaw, side, side, tuple(planes)))

    def ball(self, x: float, y: float, yaw: float = 0.0) -> None:
        """A bollard: a short post with a round head."""
        side = made.stone(self.rng)
        self.post(x, y, 0.0, 0.8, 0.1, side)
        self.solids.append(Solid(ELLIPSOID, (x, y, 0.8), (0.1, 0.1, 0.1), yaw, side, side))


def _profile(corners: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Edges ``a x + b z <= c`` of a convex outline given counter-clockwise (x right, z up)."""
    edges = []
    for (x0, z0), (x1, z1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        a, b = z1 - z0, x0 - x1
        size = float(np.hypot(a, b))
        edges.append((a / size, b / size, (a * x0 + b * z0) / size))
    return edges

"""Places of the synthetic world: what stands where, where people walk, and where cameras hang."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.geometry.compiling import keep_compiled
from training.synthetic.geometry.optics import Camera
from training.synthetic.places.furniture import Furniture
from training.synthetic.places.layouts import Layout
from training.synthetic.places.parts import Fixture, Line, Region, Solid
from training.synthetic.places.rooms import corridor, hall, shop, station
from training.synthetic.places.streets import car_park, park, plaza, street, yard
from training.synthetic.places.surface import Material, row
from training.synthetic.places.trace import Packed, cast

PlaceKind = Literal["indoor", "outdoor"]
INDOOR: dict[str, Callable[[Furniture], Layout]] = {
    "corridor": corridor,
    "hall": hall,
    "shop": shop,
    "station": station,
}
OUTDOOR: dict[str, Callable[[Furniture], Layout]] = {
    "street": street,
    "park": park,
    "car park": car_park,
    "plaza": plaza,
    "yard": yard,
}
PERSON = 1.7
_ROOM = 0.32
_CANDIDATES = 12


@dataclass(frozen=True, eq=False)
class Place:
    """A place in metres, floor at z = 0.

    Attributes:
        kind: under a roof or not.
        name: which layout, such as ``"corridor"``.
        solids: all that stands there.
        regions: rectangles of the floor with materials of their own, later ones on top.
        layout: floor, extent, mounts, ceiling, window.
        fixtures: lamps that belong to the place.
        walkable: polylines along which people walk.
        seed: of its sky and light.
    """

    kind: PlaceKind
    name: str
    solids: tuple[Solid, ...]
    regions: tuple[Region, ...]
    layout: Layout
    fixtures: tuple[Fixture, ...]
    walkable: tuple[Line, ...]
    seed: int

    @cached_property
    def packed(self) -> Packed:
        """The place as the compiled loops read it."""
        table: dict[Material, int] = {}

        def number(material: Material) -> int:
            return table.setdefault(material, len(table))

        planes: list[tuple[float, float, float, float]] = []
        solids = []
        for s in self.solids:
            first = len(planes)
            planes.extend(s.planes)
            reach = float(np.sqrt(sum(part * part for part in s.half))) + 1e-3
            turn = (float(np.cos(s.yaw)), float(np.sin(s.yaw)))
            solids.append(
                [s.shape, *s.centre, *s.half, *turn, reach, number(s.side), number(s.top), first, len(planes)]
            )
        regions = [[0.0, 0.0, 1e6, 1e6, 1.0, 0.0, number(self.layout.base)]]
        for r in self.regions:
            turn = (float(np.cos(r.yaw)), float(np.sin(r.yaw)))
            regions.append([r.x, r.y, r.half_x, r.half_y, *turn, number(r.material)])
        ceiling = (0.0, 0)
        if self.layout.ceiling is not None:
            ceiling = (self.layout.ceiling[0], number(self.layout.ceiling[1]))
        return Packed(
            solids=np.asarray(solids, np.float32).reshape(-1, 14),
            planes=np.asarray(planes or [(0, 0, 1, 0)], np.float32),
            regions=np.asarray(regions, np.float32),
            materials=np.asarray([row(material) for material in table], np.float32),
            ceiling=ceiling,
        )

    def free(self, x: float, y: float, room: float = _ROOM) -> bool:
        """Whether a person can stand at a point with ``room`` metres round their middle."""
        x0, y0, x1, y1 = self.layout.extent
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            return False
        s = self.packed.solids
        standing = (s[:, 3] - s[:, 6] < 1.9) & (s[:, 3] + s[:, 6] > 0.06)
        across, along = x - s[:, 1], y - s[:, 2]
        lx = np.abs(s[:, 7] * across + s[:, 8] * along) - s[:, 4]
        ly = np.abs(s[:, 7] * along - s[:, 8] * across) - s[:, 5]
        apart = np.hypot(np.maximum(lx, 0), np.maximum(ly, 0))
        return not bool((standing & (apart < room)).any())


def draw_place(rng: np.random.Generator, kind: PlaceKind | None = None) -> Place:
    """A place of the kind asked for, or of either."""
    kind = kind or ("indoor" if rng.random() < 0.5 else "outdoor")
    layouts = INDOOR if kind == "indoor" else OUTDOOR
    name = list(layouts)[int(rng.integers(len(layouts)))]
    return build_place(rng, name)


def build_place(rng: np.random.Generator, name: str) -> Place:
    """A place of one layout, such as ``"street"``."""
    keep_compiled()
    builder = Furniture(rng)
    layout = (INDOOR | OUTDOOR)[name](builder)
    place = Place(
        kind="indoor" if name in INDOOR else "outdoor",
        name=name,
        solids=tuple(builder.solids),
        regions=tuple(builder.regions),
        layout=layout,
        fixtures=tuple(builder.fixtures),
        walkable=(),
        seed=int(rng.integers(2**31)),
    )
    lines = tuple(stretch for line in builder.lines for stretch in _free_stretches(place, line))
    return replace(place, walkable=lines or tuple(builder.lines))


def _samples(line: Line, step: float = 0.25) -> NDArray[np.float64]:
    nodes = np.asarray(line, float)
    pieces = []
    for first, second in pairwise(nodes):
        count = max(2, int(np.ceil(float(np.linalg.norm(second - first)) / step)))
        pieces.append(first + (second - first) * np.linspace(0, 1, count, endpoint=False)[:, None])
    return np.concatenate([*pieces, nodes[-1:]])


def _free_stretches(place: Place, line: Line) -> list[Line]:
    """Parts of a line, of 3 m or more, along which nothing stands in the way."""
    points = _samples(line)
    clear = np.array([place.free(float(x), float(y)) for x, y in points] + [False])
    found: list[Line] = []
    start = 0
    for index, free in enumerate(clear):
        if free:
            continue
        stretch = points[start:index]
        if len(stretch) > 12:
            kept = [*range(0, len(stretch) - 1, 4), len(stretch) - 1]
            found.append(tuple((float(stretch[k, 0]), float(stretch[k, 1])) for k in kept))
        start = index + 1
    return found


def seen_heights(place: Place, camera: Camera, points: NDArray[np.floating]) -> Floats:
    """Pixels from foot to head of people standing at points; 0 where not wholly in the frame or hidden.

    Args:
        place, camera: where, and who looks.
        points: ``(N, 2)`` on the floor, metres.
    """
    flat = np.asarray(points, np.float32)
    feet = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], 1)
    head = feet + np.array([0, 0, PERSON], np.float32)
    low, near = camera.project(feet)
    high, far = camera.project(head)
    inside = (near > 0.5) & (far > 0.5)
    for pixels in (low, high):
        inside &= (pixels > 0).all(1) & (pixels < [camera.width, camera.height]).all(1)
    chest = feet + np.array([0, 0, 1.2], np.float32)
    towards = chest - np.asarray(camera.position, np.float32)
    length = np.linalg.norm(towards, axis=1)
    packed = place.packed
    origin = np.asarray(camera.position, np.float32)[None]
    directions = (towards / np.maximum(length, 1e-6)[:, None]).astype(np.float32)
    reach, _, _ = cast(packed.solids, packed.planes, packed.ceiling[0], origin, directions)
    inside &= reach > length - 0.1
    return np.where(inside, np.linalg.norm(low - high, axis=1), 0).astype(np.float32)


def draw_camera(rng: np.random.Generator, place: Place, width: int, height: int) -> Camera:
    """A surveillance camera that sees the walking lines, people on them 60 to 350 pixels high mostly.

    Args:
        rng: its random stream.
        place: where it hangs.
        width, height: of its frame, pixels.
    """
    points = np.concatenate([_samples(line, 0.5) for line in place.walkable])
    best, best_worth = None, -1.0
    for _ in range(_CANDIDATES):
        camera = _candidate(rng, place, points, width, height)
        tall = seen_heights(place, camera, points)
        # Tall people are worth more: a view that is all distance shows nobody well.
        good = np.where((tall > 60) & (tall < 350), np.clip((tall - 40) / 90, 0, 1), 0.1 * (tall > 0))
        worth = float(good.sum())
        if worth > best_worth:
            best, best_worth = camera, worth
    assert best is not None
    return best


def _candidate(
    rng: np.random.Generator, place: Place, points: NDArray[np.float64], width: int, height: int
) -> Camera:
    mounts = place.layout.mounts
    x0, y0, x1, y1 = mounts[int(rng.integers(len(mounts)))]
    x, y = float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1))
    low, high = place.layout.heights
    z = float(rng.uniform(1.45, 1.75)) if rng.random() < 0.08 else float(rng.uniform(low, high))
    apart = np.linalg.norm(points - [x, y], axis=1)
    within = np.flatnonzero((apart > 3.5) & (apart < 13))
    target = points[int(rng.choice(within))] if len(within) else points[int(rng.integers(len(points)))]
    reach = float(np.hypot(target[0] - x, target[1] - y))
    view = float(np.radians(rng.uniform(55, 95)))
    return Camera(
        width=width,
        height=height,
        focal=width / 2 / float(np.tan(view / 2)),
        position=(x, y, z),
        yaw=float(np.arctan2(-(target[0] - x), target[1] - y)) + float(rng.normal(0, 0.06)),
        pitch=-float(np.arctan2(z - float(rng.uniform(0.6, 1.3)), reach)) + float(rng.normal(0, 0.02)),
        roll=float(rng.normal(0, 0.012)),
        distortion=-float(rng.uniform(0.0, 0.16)) * (view / np.radians(95)),
    )

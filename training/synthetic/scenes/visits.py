"""The camera videos of the synthetic night shift before they are drawn: who walks through which, and when."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.geometry.optics import Camera
from training.synthetic.places.place import Place, draw_camera, draw_place
from training.synthetic.scenes.standing import heading_of, misfit

CAMERAS: dict[str, Spectrum] = {
    "day-1": Spectrum.VISIBLE,
    "day-2": Spectrum.VISIBLE,
    "night-near": Spectrum.NEAR,
    "night-thermal": Spectrum.THERMAL,
}


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """Everything the bytes of the videos depend on.

    Attributes:
        people: in all.
        seed: of the world.
        strangers: share of the people who come at night only.
        fps: frames per second.
        size: width and height, pixels.
        together: people in view at a time, about.
        every: one frame in so many is also written as a labelled frame.
    """

    people: int
    seed: int
    strangers: float = 0.2
    fps: int = 10
    size: tuple[int, int] = (640, 480)
    together: float = 1.7
    every: int = 10

    def __post_init__(self) -> None:
        if self.people < 1 or self.seed < 0 or self.fps < 1 or self.every < 1:
            raise UsageError("Videos need at least one person, one frame a second, and a seed of 0 or more.")
        if not 0 <= self.strangers <= 1:
            raise UsageError(f"A share of {self.strangers} strangers is not between 0 and 1.")

    def by_day(self) -> list[int]:
        """Who is seen by day."""
        return list(range(1, self.people - round(self.people * self.strangers) + 1))

    def at_night(self) -> list[int]:
        """Who is seen at night: everybody."""
        return list(range(1, self.people + 1))


@dataclass(frozen=True, slots=True)
class Visit:
    """One walk of one person through one camera's view.

    Attributes:
        identity: who.
        start: seconds from the beginning.
        points: ``(x, y)`` walked along.
        speed: metres a second.
    """

    identity: int
    start: float
    points: tuple[tuple[float, float], ...]
    speed: float

    @property
    def lengths(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Metres walked at each point."""
        steps = np.linalg.norm(np.diff(np.array(self.points), axis=0), axis=1)
        return np.asarray(np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def end(self) -> float:
        """Seconds at which it is over."""
        return self.start + float(self.lengths[-1]) / self.speed

    def at(self, time: float) -> tuple[float, float, float, float]:
        """x, y, heading and metres walked at a time."""
        walked = (time - self.start) * self.speed
        lengths, points = self.lengths, np.array(self.points)
        x = float(np.interp(walked, lengths, points[:, 0]))
        y = float(np.interp(walked, lengths, points[:, 1]))
        ahead = min(walked + 0.4, float(lengths[-1]))
        behind = max(ahead - 0.8, 0.0)
        direction = np.array(
            [
                np.interp(ahead, lengths, points[:, 0]) - np.interp(behind, lengths, points[:, 0]),
                np.interp(ahead, lengths, points[:, 1]) - np.interp(behind, lengths, points[:, 1]),
            ]
        )
        return x, y, heading_of(direction), walked


@dataclass(frozen=True, slots=True)
class Post:
    """A camera's place and geometry, before anything is rendered."""

    place: Place
    camera: Camera
    path: tuple[str | int, ...]


def post_of(plan: VideoPlan, name: str) -> Post:
    """A camera that sees enough of somebody's way through its place."""
    best: tuple[float, Post] | None = None
    for attempt in range(8):
        path = ("video", name, attempt)
        place = draw_place(generator(plan.seed, *path, "place"), None)
        camera = draw_camera(generator(plan.seed, *path, "camera"), place, *plan.size)
        post = Post(place, camera, path)
        rng = generator(plan.seed, *path, "look")
        score = float(np.mean([_way(post, rng)[1] for _ in range(6)]))
        if best is None or score > best[0]:
            best = (score, post)
        if score > 5.0:
            break
    assert best is not None
    return best[1]


def _way(post: Post, rng: np.random.Generator) -> tuple[tuple[tuple[float, float], ...], float]:
    """A way along a walking line, and how many metres of it are well in view."""
    line = np.asarray(post.place.walkable[int(rng.integers(len(post.place.walkable)))], float)
    if rng.random() < 0.5:
        line = line[::-1]
    points = line + rng.normal(0, 0.3, 2)
    steps: list[NDArray[np.float64]] = []
    for start, end in pairwise(points):
        count = max(2, int(np.linalg.norm(end - start) / 0.25))
        steps.extend(start + (end - start) * share for share in np.linspace(0, 1, count, endpoint=False))
    steps.append(points[-1])
    good = np.array([misfit(post.camera, float(x), float(y)) < 25 for x, y in steps])
    if not good.any():
        return tuple((float(x), float(y)) for x, y in points), 0.0
    inside = np.flatnonzero(good)
    # A little before they come into view and after they leave it.
    first, last = max(0, inside[0] - 6), min(len(steps) - 1, inside[-1] + 6)
    kept = steps[first : last + 1 : 2]
    return tuple((float(x), float(y)) for x, y in kept), 0.25 * float(good.sum())


def visits_of(plan: VideoPlan, name: str, post: Post) -> list[Visit]:
    """Who walks through a camera's view, and when."""
    people = plan.by_day() if CAMERAS[name] is Spectrum.VISIBLE else plan.at_night()
    rng = generator(plan.seed, "video", name, "visits")
    order = [int(one) for one in rng.permutation(people)]
    visits: list[Visit] = []
    clock = 0.5
    for identity in order:
        way, inside = _way(post, rng)
        for _ in range(20):
            if inside >= 3.0 and len(way) > 3:
                break
            way, inside = _way(post, rng)
        speed = float(rng.uniform(0.9, 1.5))
        visit = Visit(identity, clock, way, speed)
        visits.append(visit)
        clock += max(1.2, (visit.end - visit.start) / plan.together * float(rng.uniform(0.7, 1.3)))
    return visits

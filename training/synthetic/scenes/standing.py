"""Where people stand and which way they go, so that a camera sees them well."""

import numpy as np

from training.synthetic.geometry.optics import Camera
from training.synthetic.places.place import Place
from training.synthetic.scenes.stage import Stage

TRIES = 60
HEIGHTS = (60.0, 340.0)
LARGE = (95.0, 400.0)


def stand_in(stage: Stage, rng: np.random.Generator, walking: bool) -> tuple[float, float, float]:
    """A spot on one of the place's walking lines that the camera sees a whole person at, large enough.

    Args:
        stage: the camera and its place.
        rng: of the spot.
        walking: whether they go along the line (else they face anywhere).

    Returns:
        x and y in metres, and the heading in radians.
    """
    best, least = (0.0, 0.0, 0.0), np.inf
    for _ in range(TRIES):
        x, y, heading = spot(stage.place, rng)
        if not walking:
            heading = float(rng.uniform(-np.pi, np.pi))
        miss = misfit(stage.camera, x, y, LARGE)
        if miss < least:
            best, least = (x, y, heading), miss
        if miss == 0:
            break
    return best


def spot(place: Place, rng: np.random.Generator) -> tuple[float, float, float]:
    """Any spot of the walking lines, a little beside them, with the heading of who goes there."""
    line = np.asarray(place.walkable[int(rng.integers(len(place.walkable)))], float)
    leg = int(rng.integers(len(line) - 1))
    start, end = line[leg], line[leg + 1]
    along = end - start
    point = start + rng.random() * along + rng.normal(0, 0.35, 2)
    return (
        float(point[0]),
        float(point[1]),
        heading_of(along * (1 if rng.random() < 0.5 else -1)) + float(rng.normal(0, 0.25)),
    )


def heading_of(direction: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The heading of somebody who walks in a direction: 0 goes towards -y."""
    return float(np.arctan2(direction[0], -direction[1]))


def misfit(camera: Camera, x: float, y: float, heights: tuple[float, float] = HEIGHTS) -> float:
    """0 where a standing person is wholly in the frame at a good size, else how far from that (pixels)."""
    pixels, depth = camera.project(np.array([[x, y, 0.0], [x, y, 1.75]], np.float32))
    if depth.min() < 0.8:
        return 1e6
    height = float(abs(pixels[0, 1] - pixels[1, 1]))
    miss = max(0.0, heights[0] - height) + max(0.0, height - heights[1])
    side = 0.18 * height
    across, down = pixels[:, 0], pixels[:, 1]
    miss += max(0.0, side - float(across.min())) + max(0.0, float(across.max()) + side - camera.width)
    miss += max(0.0, -float(down.min())) + max(0.0, float(down.max()) - camera.height)
    return miss

"""People who stand behind something: a rectangle of another image is laid over them."""

import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Image


class OcclusionSettings(Settings):
    """How often and how much.

    Attributes:
        probability: that something is in front.
        least: share of the area, at least.
        most: share of the area, at most.
    """

    probability: float = Field(default=0.2, ge=0, le=1)
    least: float = Field(default=0.04, gt=0, le=1)
    most: float = Field(default=0.3, gt=0, le=1)


def occlude(image: Image, other: Image, settings: OcclusionSettings, rng: np.random.Generator) -> Image:
    """Lay a rectangle of another image over an image.

    Half of them touch a side or the lower edge, as railings, cars and other people do.

    Args:
        image: ``uint8`` ``H x W x 3``; not written into.
        other: ``uint8`` ``h x w x 3`` of any size from which the rectangle is taken.
        settings: how much; the probability is the caller's.
        rng: where it is drawn from.
    """
    height, width = image.shape[:2]
    area = rng.uniform(settings.least, settings.most) * height * width
    aspect = float(np.exp(rng.uniform(np.log(0.4), np.log(4.0))))
    rows = min(round((area * aspect) ** 0.5), height, other.shape[0])
    columns = min(round((area / aspect) ** 0.5), width, other.shape[1])
    top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
    edge = int(rng.integers(6))
    if edge == 0:
        left = 0
    elif edge == 1:
        left = width - columns
    elif edge == 2:
        top = height - rows
    from_top = int(rng.integers(0, other.shape[0] - rows + 1))
    from_left = int(rng.integers(0, other.shape[1] - columns + 1))
    covered = image.copy()
    patch = other[from_top : from_top + rows, from_left : from_left + columns]
    covered[top : top + rows, left : left + columns] = patch
    return covered

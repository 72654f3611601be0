"""Boxes as a detector on real footage draws them: off the mark, too tight, too loose, without the legs."""

import cv2
import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Image


class FramingSettings(Settings):
    """How far boxes go wrong; shares are of the crop's own size.

    Attributes:
        probability: that a box is changed at all.
        shift: greatest move of the centre, either way.
        zoom: greatest change of size, either way: .15 is from 1/1.15 to 1.15.
        stretch: greatest change of the ratio of height to width, either way.
        cut_legs: probability that the lower end is missing (somebody behind a counter, a car, the frame).
        least_kept: of the height where it is.
        rotation: greatest turn, degrees.
    """

    probability: float = Field(default=0.8, ge=0, le=1)
    shift: float = Field(default=0.06, ge=0, le=0.5)
    zoom: float = Field(default=0.12, ge=0, le=1)
    stretch: float = Field(default=0.08, ge=0, le=1)
    cut_legs: float = Field(default=0.08, ge=0, le=1)
    least_kept: float = Field(default=0.5, gt=0, le=1)
    rotation: float = Field(default=4.0, ge=0, le=45)


def reframe(
    image: Image, height: int, width: int, settings: FramingSettings | None, rng: np.random.Generator
) -> Image:
    """Look at an image through another box, and bring that to a size.

    Args:
        image: ``uint8`` ``h x w x 3``.
        height: of the result.
        width: of the result.
        settings: ``None`` for the whole image.
        rng: where the box is drawn from.

    Returns:
        ``uint8`` ``height x width x 3``; what lies outside of the image is mirrored.
    """
    if settings is None or rng.random() >= settings.probability:
        return image if image.shape[:2] == (height, width) else cv2.resize(image, (width, height))
    rows, columns = image.shape[:2]
    draw = rng.uniform(-1, 1, 5)
    zoom = (1 + settings.zoom) ** draw[0]
    stretch = (1 + settings.stretch) ** (draw[1] / 2)
    box_height, box_width = rows * zoom * stretch, columns * zoom / stretch
    middle_y, middle_x = rows * (0.5 + settings.shift * draw[2]), columns * (0.5 + settings.shift * draw[3])
    top = middle_y - box_height / 2
    if rng.random() < settings.cut_legs:
        box_height *= rng.uniform(settings.least_kept, 1)
        middle_y = top + box_height / 2
    angle = np.deg2rad(settings.rotation * draw[4])
    # From a pixel of the result to where it is taken from: scale, turn, move.
    sine, cosine = np.sin(angle), np.cos(angle)
    across, down = box_width / width, box_height / height
    turn = np.array([[across * cosine, -down * sine], [across * sine, down * cosine]])
    offset = np.array([middle_x, middle_y]) - 0.5 - turn @ np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.concatenate([turn, offset[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen: Image = cv2.warpAffine(
        image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return seen

"""Squares of one colour that hide a part of a person."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Image, Modality
from training.augmentation.step import PixelStep, Shown


class BlockSettings(Settings):
    """How often, and how large.

    Attributes:
        probability: that there is one.
        most: greatest side, as a share of the image's width.
    """

    probability: float = Field(default=0.5, ge=0, le=1)
    most: float = Field(default=0.8, gt=0, le=1)


@dataclass(frozen=True, slots=True)
class RandomBlock(PixelStep[BlockSettings]):
    """A square anywhere in the image, of any side up to a share of the width, of one colour of chance.

    After the random occlusion of Liao and Shao, "Interpretable and Generalizable Person Re-Identification
    with Query-Adaptive Convolution and Temporal Lifting" (ECCV 2020). Infrared images get a grey one.

    Attributes:
        how: the settings.
    """

    how: BlockSettings
    settings = BlockSettings

    @classmethod
    def create(cls, settings: BlockSettings) -> Self:
        """As the recipe says."""
        return cls(settings)

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        """``H x W x 3`` to the same size; see `PixelStep`."""
        if rng.random() >= self.how.probability:
            return image
        height, width = image.shape[:2]
        side = min(height, max(1, round(rng.uniform(0, self.how.most) * width)))
        top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        colour = rng.integers(0, 256, 3, dtype=np.uint8)
        covered = image.copy()
        covered[top : top + side, left : left + side] = (
            colour if shown.modality is Modality.VISIBLE else colour[0]
        )
        return covered

"""Visible images with the light and the colours of another camera."""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Floats, Image, Modality
from training.augmentation.step import PixelStep, Shown

# A picture of one colour has no spread; what it is divided by is never less than this many grey levels.
_LEAST_SPREAD = 4.0


class CameraStyleSettings(Settings):
    """How often and how much; each is drawn for itself.

    Attributes:
        transfer: probability of the colours of another image of the data set.
        strength: greatest share of those colours.
        cast: probability of a colour cast.
        warmth: its greatest change of red against blue, either way: .5 is from 1/1.5 to 1.5.
        tint: its greatest change of green, either way.
        clipping: probability of an exposure that cuts off.
        lost: greatest share of the range that is cut off, at the bright or at the dark end.
    """

    transfer: float = Field(default=0.3, ge=0, le=1)
    strength: float = Field(default=1.0, ge=0, le=1)
    cast: float = Field(default=0.4, ge=0, le=1)
    warmth: float = Field(default=0.5, ge=0)
    tint: float = Field(default=0.15, ge=0)
    clipping: float = Field(default=0.2, ge=0, le=1)
    lost: float = Field(default=0.4, ge=0, lt=1)


@dataclass(frozen=True, slots=True)
class CameraStyle(PixelStep[CameraStyleSettings]):
    """Colour transfer, white balance and exposure of visible images; infrared ones stay as they are.

    A transfer gives each channel of CIE Lab the mean and deviation that it has in another image: Reinhard et
    al., "Color Transfer between Images" (2001), there in another space. The images of other cameras differ
    in what they show too, so a share of the change is drawn.

    Attributes:
        how: the settings.
    """

    how: CameraStyleSettings
    settings = CameraStyleSettings

    @classmethod
    def create(cls, settings: CameraStyleSettings) -> Self:
        """As the recipe says."""
        return cls(settings)

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        """``H x W x 3`` to the same size; see `PixelStep`."""
        if shown.modality is not Modality.VISIBLE:
            return image
        how, chance, draw = self.how, rng.random(3), rng.uniform(-1, 1, 4)
        if chance[0] < how.transfer:
            image = _transferred(image, other, how.strength * abs(float(draw[0])))
        if chance[1] < how.cast:
            warm, green = (1 + how.warmth) ** draw[1], (1 + how.tint) ** draw[2]
            image = _scaled(image, np.array([warm**0.5, green, warm**-0.5], np.float32))
        if chance[2] < how.clipping:
            image = _clipped(image, float(draw[3]) * how.lost)
        return image


def _transferred(image: Image, other: Image, share: float) -> Image:
    own, theirs = _lab(image), _lab(other)
    spread = np.maximum(own.std(axis=(0, 1)), _LEAST_SPREAD)
    found = (own - own.mean(axis=(0, 1))) * (theirs.std(axis=(0, 1)) / spread) + theirs.mean(axis=(0, 1))
    mixed = np.clip((1 - share) * own + share * found, 0, 255).astype(np.uint8)
    styled: Image = cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB)
    return styled


def _lab(image: Image) -> Floats:
    """In OpenCV's scale for bytes, 0 to 255 each."""
    converted: Any = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB)
    return np.asarray(converted, np.float32)


def _scaled(image: Image, gains: Floats) -> Image:
    """Each channel times its gain, at the brightness that the image had."""
    means = np.maximum(image.mean(axis=(0, 1)), 1)
    gains = gains * np.float32(means.sum() / (means * gains).sum())
    scaled: Image = np.clip(image * gains + 0.5, 0, 255).astype(np.uint8)
    return scaled


def _clipped(image: Image, lost: float) -> Image:
    """Above 0: what is bright is cut off; below: what is dark."""
    levels = np.arange(256, dtype=np.float32) / 255
    curve = levels / (1 - lost) if lost > 0 else (levels + lost) / (1 + lost)
    table = np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8)
    exposed: Image = cv2.LUT(np.ascontiguousarray(image), table)
    return exposed

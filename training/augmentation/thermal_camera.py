"""Thermal images as other thermal cameras, and what is done to their pictures later, show them."""

from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import cv2
import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Image, Spectrum
from training.augmentation.step import PixelStep, Shown

# One channel of bytes; OpenCV tells no types.
_Grey: TypeAlias = Any

_LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)
_MAPS = (cv2.COLORMAP_INFERNO, cv2.COLORMAP_JET, cv2.COLORMAP_HOT, cv2.COLORMAP_PLASMA)


class ThermalCameraSettings(Settings):
    """How often and how much; each is drawn for itself.

    Attributes:
        polarity: probability of the negative.
        saturation: probability that what is warm, or what is cold, is cut off.
        lost: greatest share of the range that is cut off.
        gain_control: probability of contrast that is equalised by parts of the picture.
        halo: probability of a rim of the other polarity round the person.
        depth: greatest strength of that rim.
        colour_map: probability that the picture was coloured by a camera or a viewer and made grey again.
        dead: probability of dead pixels, lines and columns.
        most_dead: greatest share of dead pixels.
    """

    polarity: float = Field(default=0.25, ge=0, le=1)
    saturation: float = Field(default=0.35, ge=0, le=1)
    lost: float = Field(default=0.6, ge=0, lt=1)
    gain_control: float = Field(default=0.25, ge=0, le=1)
    halo: float = Field(default=0.25, ge=0, le=1)
    depth: float = Field(default=0.8, ge=0)
    colour_map: float = Field(default=0.08, ge=0, le=1)
    dead: float = Field(default=0.1, ge=0, le=1)
    most_dead: float = Field(default=0.01, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class ThermalCamera(PixelStep[ThermalCameraSettings]):
    """What thermal cameras do to a picture, in their order; images of other spectra stay as they are.

    Attributes:
        how: the settings.
    """

    how: ThermalCameraSettings
    settings = ThermalCameraSettings

    @classmethod
    def create(cls, settings: ThermalCameraSettings) -> Self:
        """As the recipe says."""
        return cls(settings)

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        """``H x W x 3`` of equal channels to the same; see `PixelStep`."""
        if shown.spectrum is not Spectrum.THERMAL:
            return image
        how, chance, draw = self.how, rng.random(6), rng.uniform(-1, 1, 2)
        grey: _Grey = np.ascontiguousarray(image[..., 0])
        if chance[0] < how.dead:
            grey = _with_dead_pixels(grey, how.most_dead, rng)
        if chance[1] < how.halo:
            grey = _with_halo(grey, how.depth * abs(float(draw[0])))
        if chance[2] < how.gain_control:
            grey = cv2.createCLAHE(float(rng.uniform(1.5, 6)), (int(rng.integers(1, 4)),) * 2).apply(grey)
        if chance[3] < how.saturation:
            grey = _saturated(grey, float(draw[1]) * how.lost)
        if chance[4] < how.polarity:
            grey = 255 - grey
        if chance[5] < how.colour_map:
            grey = _coloured_and_back(grey, _MAPS[int(rng.integers(len(_MAPS)))])
        taken: Image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        return taken


def _with_dead_pixels(grey: _Grey, most: float, rng: np.random.Generator) -> _Grey:
    """Pixels that are black or white; one time in three a whole row or column besides."""
    height, width = grey.shape
    found = grey.copy()
    count = round(rng.uniform(0, most) * grey.size)
    rows, columns = rng.integers(0, height, count), rng.integers(0, width, count)
    found[rows, columns] = rng.choice(np.array([0, 255], np.uint8), count)
    line = rng.random()
    if line < 1 / 6:
        found[int(rng.integers(height))] = 255 * int(rng.integers(2))
    elif line < 1 / 3:
        found[:, int(rng.integers(width))] = 255 * int(rng.integers(2))
    return found


def _with_halo(grey: _Grey, strength: float) -> _Grey:
    """Take the surroundings' mean out, as high-pass filters and AC-coupled detectors do."""
    wide = grey.astype(np.float32)
    around = cv2.GaussianBlur(wide, (0, 0), grey.shape[1] / 4)
    return np.clip(wide - strength * (around - wide.mean()) + 0.5, 0, 255).astype(np.uint8)


def _saturated(grey: _Grey, lost: float) -> _Grey:
    """Stretch a part of the range over all of it: above 0 the dark part, below the bright part."""
    low, high = (float(value) for value in np.percentile(grey, [1, 99]))
    span = max(high - low, 8.0)
    if lost > 0:
        high = low + (1 - lost) * span
    else:
        low = high + (1 + lost) * -span
    stretched = (grey.astype(np.float32) - low) * (255 / max(high - low, 1.0))
    return np.clip(stretched + 0.5, 0, 255).astype(np.uint8)


def _coloured_and_back(grey: _Grey, colours: int) -> _Grey:
    """The luma of a colour map's colours: no longer one brightness for one temperature."""
    coloured = cv2.applyColorMap(grey, colours)[..., ::-1]
    return np.clip(coloured @ _LUMA + 0.5, 0, 255).astype(np.uint8)

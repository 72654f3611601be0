"""The one place where a crop becomes a tensor: resize, channel order, normalisation."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from reid_core.config import Settings
from reid_core.errors import UsageError
from reid_core.types import Floats, Image

Triple: TypeAlias = tuple[float, float, float]

IMAGENET_MEAN: Triple = (123.675, 116.28, 103.53)
IMAGENET_STD: Triple = (58.395, 57.12, 57.375)
LEAST_CONTRAST = 4.0
"""Standard deviation in grey levels below which a crop is not stretched further: it is all noise."""


class Preprocess(Settings):
    """How a network wants its input: ``(pixel - mean) / std`` after a plain resize.

    ``mean`` and ``std`` are on the **0..255** scale of the pixels and in the order of ``channels``,
    so ``mean = 0, std = 1`` hands pixels through and ``std = 255`` brings them to 0..1.

    Attributes:
        height: of the input, pixels.
        width: of the input, pixels.
        channels: the order in which the network takes them.
        mean: subtracted, a channel each.
        std: divided by, a channel each.
        interpolation: ``bilinear``, ``bicubic`` or ``area`` (averages when it shrinks).
        contrast: ``as is``, or ``crop``: every crop is first brought to the same brightness and contrast
            (mean 127.5 and standard deviation 64 over its pixels and channels; see `LEAST_CONTRAST`), so
            that exposure and automatic gain say nothing. Colours keep their proportions.
        mirror: the vector of a crop is the mean direction of its own and of its mirror image's, as ReID
            evaluations with "flip" do. Twice the work.
    """

    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    interpolation: Literal["bilinear", "bicubic", "area"] = "bilinear"
    contrast: Literal["as is", "crop"] = "as is"
    mirror: bool = False

    @field_validator("mean", "std")
    @classmethod
    def _finite(cls, values: Triple) -> Triple:
        if not np.isfinite(values).all():
            raise ValueError("numbers must be finite")
        return values

    @field_validator("std")
    @classmethod
    def _positive(cls, values: Triple) -> Triple:
        if min(values) <= 0:
            raise ValueError("numbers must be above 0")
        return values

    def __call__(self, crops: Sequence[Image]) -> Floats:
        """Resize, order and normalise crops of any sizes.

        Args:
            crops: ``uint8`` ``h x w x 3`` RGB each; ``h x w`` or ``h x w x 1`` grey counts as three
                equal channels. One pixel is enough.

        Returns:
            ``(N, 3, height, width)`` float32, C-contiguous; ``(0, 3, height, width)`` for no crops.

        Raises:
            UsageError: a crop is empty, not ``uint8`` or of another shape.
        """
        small: NDArray[Any] = self.resize(crops)
        tensor = np.empty((len(crops), 3, self.height, self.width), np.float32)
        if self.contrast == "crop":
            small = _evened(small)
        for position in range(3):
            source = position if self.channels == "rgb" else 2 - position
            plane = tensor[:, position]
            np.multiply(small[..., source], np.float32(1.0 / self.std[position]), out=plane)
            offset = self.mean[position] / self.std[position]
            if offset:
                plane -= np.float32(offset)
        return tensor

    def resize(self, crops: Sequence[Image]) -> NDArray[np.uint8]:
        """The first half of the work: ``(N, height, width, 3)`` uint8 RGB.

        Raises:
            UsageError: a crop is empty, not ``uint8`` or of another shape.
        """
        import cv2

        method = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}
        flag = method[self.interpolation]
        small = np.empty((len(crops), self.height, self.width, 3), np.uint8)
        for index, crop in enumerate(crops):
            colour = as_rgb(crop, index)
            if colour.shape == small.shape[1:]:
                small[index] = colour
            else:
                cv2.resize(colour, (self.width, self.height), dst=small[index], interpolation=flag)
        return small


def _evened(small: NDArray[np.uint8]) -> Floats:
    """The same images at one brightness and contrast each, float32."""
    pixels = small.astype(np.float32)
    mean = pixels.mean(axis=(1, 2, 3), keepdims=True)
    spread = np.maximum(pixels.std(axis=(1, 2, 3), keepdims=True), np.float32(LEAST_CONTRAST))
    return np.asarray((pixels - mean) * (np.float32(64.0) / spread) + np.float32(127.5), np.float32)


def as_rgb(crop: Any, index: int = 0) -> Image:
    """Check one crop and give it three channels.

    Args:
        crop: what the caller handed in.
        index: its place, for the message.

    Returns:
        ``uint8`` ``h x w x 3``, C-contiguous.

    Raises:
        UsageError: it is empty, not ``uint8`` or neither ``h x w``, ``h x w x 1`` nor ``h x w x 3``.
    """
    if not isinstance(crop, np.ndarray):
        raise UsageError(f"Crop {index} is a {type(crop).__name__}, not a NumPy array.")
    if crop.dtype != np.uint8:
        raise UsageError(f"Crop {index} is {crop.dtype}, not uint8.", "Crops are RGB pixels from 0 to 255.")
    if crop.ndim == 2:
        crop = crop[:, :, None]
    if crop.ndim != 3 or crop.shape[2] not in (1, 3):
        raise UsageError(f"Crop {index} has shape {crop.shape}, not height x width x 3.")
    if crop.size == 0:
        raise UsageError(f"Crop {index} has shape {crop.shape}: it holds no pixel.")
    if crop.shape[2] == 1:
        crop = np.repeat(crop, 3, axis=2)
    return np.ascontiguousarray(crop)


def grey(crop: Image) -> Image:
    """An infrared crop's one channel, three times: ``h x w x 3`` to the same."""
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[:, :, None], 3, axis=2)

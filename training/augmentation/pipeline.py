"""From a cached image to what the network is trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.preprocess import Preprocess
from reid_core.types import Floats, Image, Modality
from training.augmentation import AUGMENTATIONS
from training.augmentation.framing import FramingSettings, reframe
from training.augmentation.occlusion import OcclusionSettings, occlude
from training.augmentation.published import (
    ChannelAdapGray,
    ChannelExchange,
    ChannelRandomErasing,
    HorizontalFlip,
    PadCrop,
    RandomGray,
)
from training.augmentation.sensor import SensorSettings, through_sensor
from training.augmentation.step import PixelStep, Shown


class RealitySettings(Settings):
    """The step from a clean or synthetic world to real footage; each part ``null`` to leave it out.

    Attributes:
        framing: misplaced and partial boxes.
        occlusion: things in front.
        sensor: light, blur, resolution, noise, compression, polarity.
    """

    framing: FramingSettings | None = FramingSettings()
    occlusion: OcclusionSettings | None = OcclusionSettings()
    sensor: SensorSettings | None = SensorSettings()


class AugmentationSettings(Settings):
    """What is done to training images.

    Any one of `training.augmentation.AUGMENTATIONS` can be named in a recipe besides.

    Attributes:
        pad: of pad and crop, pixels; 0 for none.
        flip: probability.
        visible_erasing: probability of channel random erasing on visible images.
        infrared_erasing: on infrared images.
        grey: probability of a grey first view of a visible image.
        exchange: probability of the channel exchange, on the last view of a visible image.
        adapt_grey: of infrared images, or ``null`` for no channel change of them.
        views: 2 shows each visible image twice, as CAJ does: once plain, once with exchanged channels. 1
            shows it once, and ``exchange`` is that view's.
        reality: ``null`` for the published ones alone.
    """

    pad: int = Field(default=0, ge=0)
    flip: float = Field(default=0.5, ge=0, le=1)
    visible_erasing: float = Field(default=0.4, ge=0, le=1)
    infrared_erasing: float = Field(default=0.4, ge=0, le=1)
    grey: float = Field(default=0.1, ge=0, le=1)
    exchange: float = Field(default=0.5, ge=0, le=1)
    adapt_grey: float | None = Field(default=None, ge=0, le=1)
    views: Literal[1, 2] = 1
    reality: RealitySettings | None = RealitySettings()


_OnPixels = Callable[[Image, Shown, Image, np.random.Generator], Image]
_OnChannels = Callable[[Floats, Shown, np.random.Generator], object]


class Augmenter:
    """Makes one training image; draws everything from the generator it is given.

    Args:
        settings: what is done.
        preprocess: of the network: its size, and how pixels become its numbers.
    """

    def __init__(self, settings: AugmentationSettings, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._pixels = _pixel_steps(settings, preprocess)
        self._channels = _channel_steps(settings)
        for name in sorted(type(settings).model_fields.keys() - AugmentationSettings.model_fields.keys()):
            step = AUGMENTATIONS.get(name).create(getattr(settings, name))
            if isinstance(step, PixelStep):
                self._pixels.append(step)
            else:
                self._channels.append(step)

    def picture(self, image: Image, other: Image, shown: Shown, rng: np.random.Generator) -> Image:
        """The part that works on pixels.

        Args:
            image: ``uint8`` ``h x w x 3`` as cached.
            other: another one of the same spectrum, to stand in front.
            shown: which image it is.
            rng: where everything is drawn from.

        Returns:
            ``uint8`` of the network's size.
        """
        for step in self._pixels:
            image = step(image, shown, other, rng)
        return image

    def tensors(self, pictures: list[Image]) -> Floats:
        """``(N, 3, H, W)`` of images of the network's size, normalised as for inference."""
        return self._preprocess(pictures)

    def channels(self, tensor: Floats, shown: Shown, rng: np.random.Generator) -> None:
        """The part that works on normalised channels.

        Args:
            tensor: ``3 x H x W``, written into.
            shown: which image it is.
            rng: where everything is drawn from.
        """
        for step in self._channels:
            step(tensor, shown, rng)


@dataclass(frozen=True, slots=True)
class _Framed:
    """Brings an image to the network's size, through a misplaced box or as it is."""

    how: FramingSettings | None
    height: int
    width: int

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        return reframe(image, self.height, self.width, self.how, rng)


@dataclass(frozen=True, slots=True)
class _Occluded:
    how: OcclusionSettings

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        return occlude(image, other, self.how, rng) if rng.random() < self.how.probability else image


@dataclass(frozen=True, slots=True)
class _Taken:
    how: SensorSettings

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        return through_sensor(image, shown.modality, shown.spectrum, self.how, rng)


@dataclass(frozen=True, slots=True)
class _PublishedOnPixels:
    change: PadCrop | HorizontalFlip

    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        return self.change(image, rng)


@dataclass(frozen=True, slots=True)
class _PublishedOnChannels:
    """Only on images of a modality, and on the views that it was published for."""

    change: Callable[[Floats, np.random.Generator], Floats]
    modality: Modality
    views: Literal["all", "first", "last"] = "all"

    def __call__(self, tensor: Floats, shown: Shown, rng: np.random.Generator) -> None:
        seen = {"all": True, "first": shown.first_view, "last": shown.last_view}[self.views]
        if seen and shown.modality is self.modality:
            self.change(tensor, rng)


def _pixel_steps(settings: AugmentationSettings, preprocess: Preprocess) -> list[_OnPixels]:
    """Those that there always are: box, what stands in front, camera, then the published ones."""
    reality = settings.reality or RealitySettings(framing=None, occlusion=None, sensor=None)
    steps: list[_OnPixels | None] = [
        _Framed(reality.framing, preprocess.height, preprocess.width),
        _Occluded(reality.occlusion) if reality.occlusion is not None else None,
        _Taken(reality.sensor) if reality.sensor is not None else None,
        _PublishedOnPixels(PadCrop(settings.pad)) if settings.pad else None,
        _PublishedOnPixels(HorizontalFlip(settings.flip)),
    ]
    return [step for step in steps if step is not None]


def _channel_steps(settings: AugmentationSettings) -> list[_OnChannels]:
    visible, infrared = Modality.VISIBLE, Modality.INFRARED
    steps: list[_OnChannels] = [
        _PublishedOnChannels(RandomGray(settings.grey), visible, "first"),
        _PublishedOnChannels(ChannelRandomErasing(settings.visible_erasing), visible),
        _PublishedOnChannels(ChannelExchange(settings.exchange), visible, "last"),
        _PublishedOnChannels(ChannelRandomErasing(settings.infrared_erasing), infrared),
    ]
    if settings.adapt_grey is not None:
        steps.append(_PublishedOnChannels(ChannelAdapGray(settings.adapt_grey), infrared))
    return steps

"""From a cached picture to what the network is trained on."""

from typing import Literal

import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.preprocess import Preprocess
from reid_core.types import Floats, Image, Modality, Spectrum
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


class Augmenter:
    """Makes one training image; draws everything from the generator it is given.

    Args:
        settings: what is done.
        preprocess: of the network: its size, and how pixels become its numbers.
    """

    def __init__(self, settings: AugmentationSettings, preprocess: Preprocess) -> None:
        self._settings = settings
        self._preprocess = preprocess
        self._reality = settings.reality or RealitySettings(framing=None, occlusion=None, sensor=None)
        self._pad = PadCrop(settings.pad) if settings.pad else None
        self._flip = HorizontalFlip(settings.flip)
        self._grey = RandomGray(settings.grey)
        self._exchange = ChannelExchange(settings.exchange)
        self._adapt = ChannelAdapGray(settings.adapt_grey) if settings.adapt_grey is not None else None
        self._erase = {
            Modality.VISIBLE: ChannelRandomErasing(settings.visible_erasing),
            Modality.INFRARED: ChannelRandomErasing(settings.infrared_erasing),
        }

    def picture(
        self,
        image: Image,
        other: Image,
        modality: Modality,
        spectrum: Spectrum | None,
        rng: np.random.Generator,
    ) -> Image:
        """The part that works on pixels.

        Args:
            image: ``uint8`` ``h x w x 3`` as cached.
            other: another one of the same spectrum, to stand in front.
            modality: of both.
            spectrum: of both.
            rng: where everything is drawn from.

        Returns:
            ``uint8`` of the network's size.
        """
        reality, size = self._reality, (self._preprocess.height, self._preprocess.width)
        picture = reframe(image, *size, reality.framing, rng)
        if reality.occlusion is not None and rng.random() < reality.occlusion.probability:
            picture = occlude(picture, other, reality.occlusion, rng)
        if reality.sensor is not None:
            picture = through_sensor(picture, modality, spectrum, reality.sensor, rng)
        if self._pad is not None:
            picture = self._pad(picture, rng)
        return self._flip(picture, rng)

    def tensors(self, pictures: list[Image]) -> Floats:
        """``(N, 3, H, W)`` of pictures of the network's size, normalised as for inference."""
        return self._preprocess(pictures)

    def channels(
        self, tensor: Floats, modality: Modality, last_view: bool, rng: np.random.Generator
    ) -> Floats:
        """The published part that works on normalised channels.

        Args:
            tensor: ``3 x H x W``, written into.
            modality: of it.
            last_view: of a visible image: the one whose channels are exchanged.
            rng: where everything is drawn from.
        """
        if modality is Modality.INFRARED:
            tensor = self._erase[modality](tensor, rng)
            return self._adapt(tensor, rng) if self._adapt is not None else tensor
        if not last_view or self._settings.views == 1:
            tensor = self._grey(tensor, rng)
        tensor = self._erase[modality](tensor, rng)
        return self._exchange(tensor, rng) if last_view else tensor

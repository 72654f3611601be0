"""Changes of the training images: the published ones, and the step from a clean world to real footage."""

from training.augmentation.pipeline import AugmentationSettings, Augmenter
from training.augmentation.published import (
    ChannelAdapGray,
    ChannelExchange,
    ChannelRandomErasing,
    HorizontalFlip,
    PadCrop,
    RandomGray,
)

__all__ = [
    "AugmentationSettings",
    "Augmenter",
    "ChannelAdapGray",
    "ChannelExchange",
    "ChannelRandomErasing",
    "HorizontalFlip",
    "PadCrop",
    "RandomGray",
]

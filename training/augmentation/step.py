"""What every augmentation is to the rest: one image to a changed one, by numbers drawn from a generator."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np

from reid_core.config import Settings
from reid_core.types import Floats, Image, Modality, Spectrum


@dataclass(frozen=True, slots=True)
class Shown:
    """Which image it is.

    Attributes:
        modality: of it.
        spectrum: of it, where it is known.
        first_view: whether it is the first time in its batch that the image is shown.
        last_view: whether it is the last time.
    """

    modality: Modality
    spectrum: Spectrum | None
    first_view: bool = True
    last_view: bool = True


SettingsT = TypeVar("SettingsT", bound=Settings)


class _Step(ABC, Generic[SettingsT]):
    settings: ClassVar[type[Settings]]

    @classmethod
    @abstractmethod
    def create(cls, settings: SettingsT) -> Self:
        """The augmentation as a recipe wants it; worker processes get a copy."""


class PixelStep(_Step[SettingsT]):
    """Works on pixels of the network's size.

    Attributes:
        settings: the class of its settings, a section of the recipe's ``augmentation``.
    """

    @abstractmethod
    def __call__(self, image: Image, shown: Shown, other: Image, rng: np.random.Generator) -> Image:
        """One image.

        Args:
            image: ``uint8`` ``H x W x 3``, not to be written into.
            shown: which.
            other: ``uint8`` ``h x w x 3``, another one of the same spectrum.
            rng: where everything is drawn from.

        Returns:
            ``uint8`` of the same size.
        """


class ChannelStep(_Step[SettingsT]):
    """Works on normalised channels.

    Attributes:
        settings: the class of its settings, a section of the recipe's ``augmentation``.
    """

    @abstractmethod
    def __call__(self, tensor: Floats, shown: Shown, rng: np.random.Generator) -> object:
        """One image, in place.

        Args:
            tensor: ``3 x H x W`` float32, written into.
            shown: which.
            rng: where everything is drawn from.
        """

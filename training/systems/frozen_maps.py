"""The body of a network as what sees images and does not learn."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reid_core.models.body_settings import BodySettings
from reid_core.types import Modality


class FrozenMaps(nn.Module):
    """Stems and trunk that do not learn (`training.kept.Frozen`).

    Args:
        parts: visible stem, infrared stem and trunk.
        settings: that they were built from.
        shape: channels, rows and columns of the last maps.

    Attributes:
        architecture: the settings.
        embedding: numbers in the last maps of an image.
    """

    def __init__(
        self, parts: Sequence[nn.Module], settings: BodySettings, shape: tuple[int, int, int]
    ) -> None:
        super().__init__()
        self.visible_stem, self.infrared_stem, self.trunk = parts
        self.architecture = settings
        channels, rows, columns = shape
        self.embedding = channels * rows * columns

    def raw(self, images: Tensor, modality: Modality) -> Tensor:
        """``(N, 3, H, W)`` of one modality to its last maps as rows, ``(N, C h w)``."""
        stem = self.visible_stem if modality is Modality.VISIBLE else self.infrared_stem
        maps: Tensor = self.trunk(stem(images))
        return torch.flatten(maps, 1)

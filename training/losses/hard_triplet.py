"""The triplet loss of the hardest pairs of a batch."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.distances import euclidean
from training.losses.loss import Loss, LossContext, LossSettings


class HardTripletSettings(LossSettings):
    """Batch-hard triplets: the weight, 0 for none, and the margin."""

    margin: float = Field(default=0.1, ge=0)


class HardTriplet(Loss[HardTripletSettings]):
    """``mean_i max(0, m + max_p d_ip - min_n d_in)``, ``d`` Euclidean between features of any length.

    Source: Hermans et al., "In Defense of the Triplet Loss" (2017), eq. 5; with ``m = .1`` as in PMT (Lu et
    al., AAAI 2023), which compares within a modality at first and everything later. Anchors without a
    positive or a negative among what is compared are left out.

    Args:
        margin: ``m``.
    """

    settings = HardTripletSettings
    reads: ClassVar = ("features", "labels", "compared")

    def __init__(self, margin: float = 0.1) -> None:
        super().__init__()
        self.margin = margin

    @classmethod
    def create(cls, settings: HardTripletSettings, context: LossContext) -> Self:
        """With the recipe's margin."""
        return cls(settings.margin)

    def forward(self, features: Tensor, labels: Tensor, compared: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            features: ``(N, D)``.
            labels: ``(N,)`` identities.
            compared: ``(N, N)`` bool, which pairs count.
        """
        distances = euclidean(features, features)
        same = labels[:, None] == labels[None, :]
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positive, negative = same & compared & ~itself, ~same & compared
        valid = positive.any(dim=1) & negative.any(dim=1)
        furthest = distances.masked_fill(~positive, -torch.inf).amax(dim=1)
        nearest = distances.masked_fill(~negative, torch.inf).amin(dim=1)
        if not bool(valid.any()):
            return features.sum() * 0.0
        return functional.relu(self.margin + furthest[valid] - nearest[valid]).mean()

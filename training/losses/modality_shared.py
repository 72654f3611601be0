"""Distances to the same people should be alike within a modality and across."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from training.losses.distances import euclidean
from training.losses.loss import Loss, LossContext, LossSettings


class ModalitySharedSettings(LossSettings):
    """The modality-shared enhancement loss: its weight, 0 for none."""

    # Nothing in it pushes people apart.
    identifies: ClassVar[bool] = False
    weight: float = Field(default=0.5, ge=0)


class ModalityShared(Loss[ModalitySharedSettings]):
    """``1/2 sum over both modalities of mean_i (c_i - a_i)^2`` (MSEL).

    ``a_i`` is the mean Euclidean distance of image ``i`` to the others of its person and modality, ``c_i``
    that to its person's images of the other modality. Images without either are left out.

    Source: Lu et al., "Learning Progressive Modality-Shared Transformers" (PMT, AAAI 2023), section 3.3.
    """

    settings = ModalitySharedSettings
    reads: ClassVar = ("features", "labels", "infrared")

    @classmethod
    def create(cls, settings: ModalitySharedSettings, context: LossContext) -> Self:
        """It has no settings but its weight."""
        return cls()

    def forward(self, features: Tensor, labels: Tensor, infrared: Tensor) -> Tensor:
        """``(N, D)`` features, ``(N,)`` identities and ``(N,)`` bool to one number."""
        distances = euclidean(features, features)
        same = labels[:, None] == labels[None, :]
        alike = infrared[:, None] == infrared[None, :]
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        within, across = same & alike & ~itself, same & ~alike
        valid = within.any(dim=1) & across.any(dim=1)
        gaps = (_mean(distances, across) - _mean(distances, within)).pow(2)
        total = features.sum() * 0.0
        for rows in (valid & ~infrared, valid & infrared):
            if bool(rows.any()):
                total = total + gaps[rows].mean() / 2
        return total


def _mean(distances: Tensor, mask: Tensor) -> Tensor:
    """``(N,)``: of each row over its masked entries; 0 where there are none."""
    return (distances * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)

"""Contrast of identities among the vectors that inference compares."""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings


class ContrastiveSettings(LossSettings):
    """Supervised contrast: its weight, 0 for none, its temperature and what is contrasted with what."""

    temperature: float = Field(default=0.1, gt=0)
    scope: Literal["all", "cross"] = "all"


class SupervisedContrastive(Loss[ContrastiveSettings]):
    """``-mean_i 1/|P(i)| sum_{p in P(i)} log( exp(z_i.z_p / t) / sum_{a in A(i)} exp(z_i.z_a / t) )``.

    ``z`` are features of length one, ``P(i)`` the images of the anchor's identity within ``A(i)``. Anchors
    without any are left out.

    Source: Khosla et al., "Supervised Contrastive Learning" (2020), eq. 2. With ``scope`` ``all``, ``A(i)``
    is the whole batch but the anchor; with ``cross`` only the other modality, so that nothing is gained by
    telling modalities apart.

    Args:
        temperature: ``t``.
        scope: ``all`` or ``cross``.
    """

    settings = ContrastiveSettings
    reads: ClassVar = ("bn_features", "labels", "infrared")

    def __init__(self, temperature: float = 0.1, scope: Literal["all", "cross"] = "all") -> None:
        super().__init__()
        self.temperature = temperature
        self.scope = scope

    @classmethod
    def create(cls, settings: ContrastiveSettings, context: LossContext) -> Self:
        """With the recipe's temperature and scope."""
        return cls(settings.temperature, settings.scope)

    def forward(self, features: Tensor, labels: Tensor, infrared: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            features: ``(N, D)`` after the neck, of any length.
            labels: ``(N,)`` identities.
            infrared: ``(N,)`` bool, which rows are infrared.
        """
        vectors = functional.normalize(features.float())
        logits = vectors @ vectors.t() / self.temperature
        if self.scope == "cross":
            compared = infrared[:, None] != infrared[None, :]
        else:
            compared = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positive = (labels[:, None] == labels[None, :]) & compared
        lowest = torch.finfo(logits.dtype).min
        logs = functional.log_softmax(logits.masked_fill(~compared, lowest), dim=1)
        counts = positive.sum(dim=1)
        valid = counts > 0
        each = (logs * positive).sum(dim=1)[valid] / counts[valid]
        return -each.mean() if len(each) else features.sum() * 0.0

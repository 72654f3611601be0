"""People near their own centre, and far from those who are nearer to it than usual."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from training.losses.distances import euclidean
from training.losses.loss import Loss, LossContext, LossSettings


class DiscriminativeCenterSettings(LossSettings):
    """The discriminative center loss: its weight, 0 for none."""

    weight: float = Field(default=0.5, ge=0)


class DiscriminativeCenter(Loss[DiscriminativeCenterSettings]):
    """``mean_(k, i of k) d(c_k, f_i) / mean_k mean_(hard n) d(c_k, f_n)`` (DCL).

    ``c_k`` is the mean of a person's features of both modalities. Its hard negatives are others' images
    whose distance to it is below the mean of all of theirs.

    Source: Lu et al., "Learning Progressive Modality-Shared Transformers" (PMT, AAAI 2023), section 3.4.
    """

    settings = DiscriminativeCenterSettings
    reads: ClassVar = ("features", "labels")

    @classmethod
    def create(cls, settings: DiscriminativeCenterSettings, context: LossContext) -> Self:
        """It has no settings but its weight."""
        return cls()

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``(N, D)`` features and ``(N,)`` identities, at least two of them, to one number."""
        features = features.float() if features.element_size() < 4 else features
        people: Tensor = torch.unique(labels)
        own = people[:, None] == labels[None, :]
        shares = own.to(features.dtype)
        distances = euclidean(shares @ features / shares.sum(dim=1, keepdim=True), features)
        near = distances[own].mean()
        others = (distances * ~own).sum(dim=1) / (~own).sum(dim=1).clamp(min=1)
        hard = ~own & (distances < others[:, None])
        counted = hard.any(dim=1)
        if not bool(counted.any()):
            # All negatives are equally far, or there are none.
            return near / others.mean().clamp(min=torch.finfo(near.dtype).eps)
        far = (distances * hard).sum(dim=1)[counted] / hard.sum(dim=1)[counted]
        return near / far.mean()

"""The triplet loss of AGW: every pair counts, hard ones more, and no margin is chosen."""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings

_FLOOR = 1e-12
_DIVISION = 1e-6


class TripletSettings(LossSettings):
    """Weighted regularised triplet: its weight, 0 for none, and how it is computed."""

    weight: float = Field(default=0.0, ge=0)
    mode: Literal["exact", "stable"] = "stable"


class WeightedRegularizedTriplet(Loss[TripletSettings]):
    """``mean_i log(1 + exp(sum_j w+_ij d_ij - sum_k w-_ik d_ik))``, ``d`` Euclidean.

    ``w+_ij = exp(d_ij) / sum_pos exp(d)`` over the images of the anchor's identity (itself among them),
    ``w-_ik = exp(-d_ik) / sum_neg exp(-d)`` over all others.

    Source: Ye et al., "Deep Learning for Person Re-identification: A Survey and Outlook" (2021), eqs. 8
    and 9. The published code subtracts the greatest *masked* distance before exponentiating, which is 0 on
    the negative side, and adds 1e-6 to the sums: where all negatives are farther than about 14, the 1e-6
    outweighs them and the loss becomes the mean of the positive distances.

    Args:
        mode: ``exact`` computes what the published code does; ``stable`` the formula itself, by a masked
            soft-max.
    """

    settings = TripletSettings
    reads: ClassVar = ("features", "labels")

    def __init__(self, mode: Literal["exact", "stable"] = "stable") -> None:
        super().__init__()
        self.mode = mode

    @classmethod
    def create(cls, settings: TripletSettings, context: LossContext) -> Self:
        """Computed as the recipe says."""
        return cls(settings.mode)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``(N, D)`` features before the neck, not normalised, and ``(N,)`` identities to one number."""
        if features.dtype in (torch.float16, torch.bfloat16):
            features = features.float()
        distances = _distances(features)
        same = labels[:, None] == labels[None, :]
        weigh = _exact_weights if self.mode == "exact" else _stable_weights
        near = (weigh(distances, same) * distances).sum(dim=1)
        far = (weigh(-distances, ~same) * distances).sum(dim=1)
        return functional.softplus(near - far).mean()


def _distances(features: Tensor) -> Tensor:
    squares = features.pow(2).sum(dim=1)
    products = features @ features.t()
    return (squares[:, None] + squares[None, :] - 2 * products).clamp(min=_FLOOR).sqrt()


def _exact_weights(logits: Tensor, mask: Tensor) -> Tensor:
    """Soft-max as published: the maximum is taken over masked zeros too, the sum is never 0."""
    kept = mask.to(logits.dtype)
    greatest = (logits * kept).max(dim=1, keepdim=True).values
    raised = torch.exp(logits - greatest) * kept
    return raised / (raised.sum(dim=1, keepdim=True) + _DIVISION)


def _stable_weights(logits: Tensor, mask: Tensor) -> Tensor:
    """Soft-max over the masked entries alone; all 0 in a row that has none."""
    lowest = torch.finfo(logits.dtype).min
    return torch.softmax(logits.masked_fill(~mask, lowest), dim=1) * mask

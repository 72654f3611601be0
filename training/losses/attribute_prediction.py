"""What an image's person wears and carries, told from the embedding."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from training.attributes import read_attributes
from training.losses.loss import Loss, LossContext, LossSettings


class AttributeSettings(LossSettings):
    """Attributes told from the embedding: the weight, 0 for none. The data set must carry ``labels.json``."""

    # Many people wear and carry the same.
    identifies: ClassVar[bool] = False
    weight: float = Field(default=0.0, ge=0)


class AttributePrediction(Loss[AttributeSettings]):
    """``-mean_a [y_a log s(w_a f) + (1 - y_a) log(1 - s(w_a f))]``, ``s`` the logistic function.

    One linear map reads every attribute from the feature, of visible and of infrared images alike: what both
    show is rewarded. Source: Lin et al., "Improving Person Re-identification by Attribute and Identity
    Learning" (2019), section 4.2, with yes-or-no attributes.

    Args:
        width: numbers in a feature.
        attributes: ``(C, A)`` 0 or 1, those of each class (identity).
        generator: of the map's first weights.
    """

    settings = AttributeSettings
    reads: ClassVar = ("bn_features", "labels")
    table: Tensor

    def __init__(self, width: int, attributes: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("table", attributes.float(), persistent=False)
        count = attributes.shape[1]
        self.weight = nn.Parameter(torch.randn(count, width, generator=generator) * 0.01)
        # It begins at how common each attribute is, so that the first steps need not learn that.
        share = self.table.mean(dim=0).clamp(0.01, 0.99)
        self.bias = nn.Parameter(torch.logit(share))

    @classmethod
    def create(cls, settings: AttributeSettings, context: LossContext) -> Self:
        """Over the attributes that the data set's labels give its identities.

        Raises:
            SourceError: there are no labels, or none for one of them.
        """
        _, table = read_attributes(context.root, context.identities)
        return cls(context.network.feature_width, table, context.generator())

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``(N, D)`` features and ``(N,)`` class numbers to one number."""
        logits = functional.linear(features.float(), self.weight, self.bias)
        return functional.binary_cross_entropy_with_logits(logits, self.table[labels])

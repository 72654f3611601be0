"""What an image's person wears and carries, told from the embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttributePrediction(nn.Module):
    """``-mean_a [y_a log s(w_a f) + (1 - y_a) log(1 - s(w_a f))]``, ``s`` the logistic function.

    One linear map reads every attribute from the feature, of visible and of infrared images alike: what both
    show is rewarded. Source: Lin et al., "Improving Person Re-identification by Attribute and Identity
    Learning" (2019), section 4.2, with yes-or-no attributes.

    Args:
        width: numbers in a feature.
        attributes: ``(C, A)`` 0 or 1, those of each class (identity).
        generator: of the map's first weights.
    """

    table: Tensor

    def __init__(self, width: int, attributes: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("table", attributes.float(), persistent=False)
        count = attributes.shape[1]
        self.weight = nn.Parameter(torch.randn(count, width, generator=generator) * 0.01)
        # It begins at how common each attribute is, so that the first steps need not learn that.
        share = self.table.mean(dim=0).clamp(0.01, 0.99)
        self.bias = nn.Parameter(torch.logit(share))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``(N, D)`` features and ``(N,)`` class numbers to one number."""
        logits = functional.linear(features.float(), self.weight, self.bias)
        return functional.binary_cross_entropy_with_logits(logits, self.table[labels])

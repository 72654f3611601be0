"""Contrast of identities among the vectors that inference compares."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


class SupervisedContrastive(nn.Module):
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

    def __init__(self, temperature: float = 0.1, scope: Literal["all", "cross"] = "all") -> None:
        super().__init__()
        self.temperature = temperature
        self.scope = scope

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

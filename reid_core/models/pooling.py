"""Pooling of the last maps."""

import torch
from torch import Tensor, nn


class GeM(nn.Module):
    """Generalised mean pooling: ``(mean over h, w of max(x, eps)^p)^(1/p)``.

    Source: Radenović, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation" (2018),
    eq. 3, with the lower bound of the authors' code. ``p = 1`` is the mean, large ``p`` the maximum;
    AGW and CAJ use ``p = 3``, fixed.

    Args:
        p: the power.
        learned: whether it is a parameter.
        eps: lower bound of the activations.
    """

    def __init__(self, p: float = 3.0, learned: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.p: float | nn.Parameter = nn.Parameter(torch.tensor([float(p)])) if learned else float(p)
        self.eps = eps

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, h, w)`` to ``(N, C)``, computed in float32 under autocast too."""
        with torch.autocast(maps.device.type, enabled=False):
            powered = maps.float().clamp(min=self.eps).pow(self.p)
            return powered.mean(dim=(2, 3)).pow(1.0 / self.p)

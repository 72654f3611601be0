"""The ImageNet network beside the one that learns: what learning people forgets, it still knows."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.models.backbones import create_backbone
from reid_core.models.pooling import GeM
from reid_core.types import Modality

BATCHES = 300
"""So many training batches are looked at for what the features have in common."""


class KeptImageNet(nn.Module):
    """ImageNet features of crops, centred and scaled by what each modality's crops have in common.

    All crops are pictures of a person, and all infrared ones are grey: without that taken out, it is most of
    what such features say.

    Args:
        backbone: its name.
        last_stride: of its last stage that shrinks.
        gem_p: power of the pooling.
        pretrained: with ImageNet weights; otherwise they come from a checkpoint.
    """

    def __init__(self, backbone: str, last_stride: int, gem_p: float, pretrained: bool) -> None:
        super().__init__()
        parts = create_backbone(backbone, 0, last_stride, pretrained)
        self.width = parts.width
        self.body = nn.Sequential(parts.stem, parts.trunk)
        self.pool = GeM(gem_p)
        # Without momentum: the plain mean over all batches that were looked at.
        self.norms = nn.ModuleDict(
            {str(each): nn.BatchNorm1d(self.width, affine=False, momentum=None) for each in Modality}
        )
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor, modality: Modality) -> Tensor:
        """``(N, 3, H, W)`` of one modality to ``(N, D)`` of length one."""
        normed: Tensor = self.norms[str(modality)](self.pool(self.body(images)))
        return functional.normalize(normed.float())

    def train(self, mode: bool = True) -> Self:
        """Never: it looks at batches only when it is asked to (`look`)."""
        return super().train(False)

    @torch.no_grad()
    def look(self, images: Tensor, modality: Modality) -> None:
        """Count a training batch in, until there were enough."""
        norm = self.norms[str(modality)]
        assert isinstance(norm, nn.BatchNorm1d) and norm.num_batches_tracked is not None
        if int(norm.num_batches_tracked) >= BATCHES or len(images) < 2:
            return
        norm.train()
        norm(self.pool(self.body(images)))
        norm.eval()

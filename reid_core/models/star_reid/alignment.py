"""Visible-infrared alignment plus (VIAP): what both modalities share, and what a modality's parts add.

Source: Qiu et al., "Advancing Visible-Infrared Person Re-Identification: Synergizing Visual-Textual Reasoning
and Cross-Modal Feature Alignment" (STAR-ReID, TIFS 2025), section III-A.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reid_core.models.star_reid.architecture import Attention, Pooling, StarArchitecture
from reid_core.models.star_reid.haar import haar_low
from reid_core.types import Modality

_ORDER = tuple(Modality)


class Tokens(NamedTuple):
    """What the transformer makes of images.

    Attributes:
        cls: ``(N, D)``, G of the paper.
        patches: ``(N, P, D)`` row by row, L of the paper.
    """

    cls: Tensor
    patches: Tensor


def pooled(patches: Tensor, modality: Modality, pooling: Pooling) -> Tensor:
    """RMax and RAvg: ``(N, P, D)`` of one modality to ``(N, D)``.

    Reshaping to ``D x H x W`` before, as the paper does, changes nothing in it.
    """
    if pooling == "max-average" and modality is Modality.VISIBLE:
        return patches.amax(dim=1)
    return patches.mean(dim=1)


def channel_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """``Softmax(q k^T / sqrt(D)) v`` of column vectors: ``(N, D)`` each to ``(N, D)``.

    Eqs. 1 to 4 have one query, one key and one value an image: between tokens the softmax would be over one
    number. Between channels, ``q k^T`` is ``D x D`` and all shapes are as printed.
    """
    affinity = query[:, :, None] * key[:, None, :] / math.sqrt(query.shape[1])
    attended: Tensor = (affinity.softmax(dim=2) @ value[:, :, None])[:, :, 0]
    return attended


def token_attention(query: Tensor, keys: Tensor) -> Tensor:
    """``Softmax(q K^T / sqrt(D)) K``: ``(N, D)`` and ``(N, T, D)`` to ``(N, D)``."""
    affinity = (keys @ query[:, :, None])[:, :, 0] / math.sqrt(query.shape[1])
    attended: Tensor = (affinity.softmax(dim=1)[:, None] @ keys)[:, 0]
    return attended


class Alignment(nn.Module):
    """Frequency-aware modality alignment and relationship-reinforced fusion, eqs. 1 to 9.

    Of a modality ``m`` with the other one ``o``::

        f_G   = attention(G_m, G_o)                                 eqs. 1, 2
        f_GL  = attention of G_m over the pooled L_m, of G_m        eqs. 3, 4
        f_GLF = Proj_m(pool(H_l(L_m))) + f_GL                       eqs. 5 to 8
        f_gl  = W_m0 f_G + W_m1 G_m + W_m2 f_GLF                    eq. 9

    ``attention`` is read in one of three ways:

    * ``channel``: see `channel_attention`.
    * ``token``: ``G_m`` attends to the other side's CLS and patches, and in eqs. 3 and 4 to its own patches.
    * ``identity``: as printed between tokens, where a softmax over one is 1: ``f_G = G_o``, ``f_GL = G_m``.

    ``Cat`` of eq. 9 is along the batch: each image has a fused feature of its own. An image that is alone, as
    in use, stands for the other one too. Four 1 x 1 convolutions of a tensor of ones are constants that
    learn: ``W`` is such, ``2 x 3``.

    Args:
        architecture: of the network.
    """

    def __init__(self, architecture: StarArchitecture) -> None:
        super().__init__()
        width = architecture.width
        self._attention: Attention = architecture.attention
        self._pooling: Pooling = architecture.pooling
        self._grid = architecture.grid
        self.projectors: nn.ModuleDict | None = None
        if architecture.low_frequency:
            self.projectors = nn.ModuleDict({str(each): nn.Linear(width, width) for each in Modality})
        self.weights: nn.Parameter | None = None
        self._softmax = architecture.fusion == "softmax"
        if architecture.fusion != "sum":
            first = torch.zeros if self._softmax else torch.ones
            self.weights = nn.Parameter(first(len(_ORDER), 3))

    def forward(self, own: Tokens, other: Tokens, modality: Modality) -> Tensor:
        """The fused feature of images of one modality.

        Args:
            own: of the images.
            other: of images of the other modality, the same people in the same order; or ``own``.
            modality: of the images.

        Returns:
            ``(N, D)`` of any length.
        """
        terms = (self.inter(own, other), own.cls, self.global_local(own, modality))
        weights = self.weights_of(modality)
        return weights[0] * terms[0] + weights[1] * terms[1] + weights[2] * terms[2]

    def inter(self, own: Tokens, other: Tokens) -> Tensor:
        """``f_G`` of eqs. 1 and 2: ``(N, D)``."""
        if self._attention == "channel":
            return channel_attention(own.cls, other.cls, other.cls)
        if self._attention == "token":
            return token_attention(own.cls, torch.cat([other.cls[:, None], other.patches], dim=1))
        return other.cls

    def global_local(self, own: Tokens, modality: Modality) -> Tensor:
        """``f_GLF`` of eqs. 3 to 8, ``f_GL`` without the low band: ``(N, D)``."""
        if self._attention == "channel":
            found = channel_attention(own.cls, pooled(own.patches, modality, self._pooling), own.cls)
        elif self._attention == "token":
            found = token_attention(own.cls, own.patches)
        else:
            found = own.cls
        if self.projectors is None:
            return found
        low = pooled(self.low_band(own.patches), modality, self._pooling)
        projected: Tensor = self.projectors[str(modality)](low)
        return projected + found

    def low_band(self, patches: Tensor) -> Tensor:
        """``c`` of eqs. 5 and 6: ``(N, P, D)`` to ``(N, Q, D)``, a quarter as many."""
        maps = patches.transpose(1, 2).reshape(-1, patches.shape[2], *self._grid)
        return haar_low(maps).flatten(2).transpose(1, 2)

    def weights_of(self, modality: Modality) -> Tensor:
        """``(3,)``: W of eq. 9."""
        if self.weights is None:
            return torch.ones(3)
        row = self.weights[_ORDER.index(modality)]
        return row.softmax(dim=0) if self._softmax else row

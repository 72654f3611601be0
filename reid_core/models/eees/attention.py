"""CLIP's attention pooling: the mean of all places asks, and the places answer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import ModelError


class AttentionPool(nn.Module):
    """``W_o softmax((W_q x_0) (W_k x)' / sqrt(d)) (W_v x)`` by heads, ``x = [mean; places] + positions``.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021),
    section 2.4. Names of tensors are timm's.

    Args:
        channels: of the maps.
        grid: rows and columns of the maps; each place has a position of its own.
        width: numbers that come out.
        inner: numbers in query, key and value together.
        heads: that share those.

    Raises:
        ModelError: the heads cannot share them evenly.
    """

    def __init__(self, channels: int, grid: tuple[int, int], width: int, inner: int, heads: int) -> None:
        super().__init__()
        if inner % heads:
            raise ModelError(f"{heads} heads cannot share {inner} numbers evenly.")
        self.grid, self.heads, self.inner = grid, heads, inner
        self.q = nn.Linear(channels, inner)
        self.k = nn.Linear(channels, inner)
        self.v = nn.Linear(channels, inner)
        self.proj = nn.Linear(inner, width)
        self.pos_embed = nn.Parameter(torch.randn(grid[0] * grid[1] + 1, channels) * channels**-0.5)
        for linear in (self.q, self.k, self.v, self.proj):
            nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
            nn.init.zeros_(linear.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, channels, *grid)`` to ``(N, width)``.

        Raises:
            ModelError: the maps are of another size.
        """
        if tuple(maps.shape[2:]) != self.grid:
            raise ModelError(
                f"The attention pools maps of {self.grid[0]}x{self.grid[1]}, not "
                f"{maps.shape[2]}x{maps.shape[3]}: the input is of another size."
            )
        places = maps.flatten(2).transpose(1, 2)
        places = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1) + self.pos_embed
        found = functional.scaled_dot_product_attention(
            self._split(self.q(places[:, :1])), self._split(self.k(places)), self._split(self.v(places))
        )
        pooled: Tensor = self.proj(found.transpose(1, 2).reshape(-1, self.inner))
        return pooled

    def _split(self, rows: Tensor) -> Tensor:
        """``(N, T, inner)`` to ``(N, heads, T, inner / heads)``."""
        # Not len(): a trace takes that for a constant.
        return rows.reshape(-1, rows.shape[1], self.heads, self.inner // self.heads).transpose(1, 2)


def resized_positions(positions: Tensor, before: tuple[int, int], after: tuple[int, int]) -> Tensor:
    """Positions of a grid brought to another one: bilinear, the mean's own stays.

    Args:
        positions: ``(1 + h w, C)``, that of the mean first.
        before: ``h, w`` of them.
        after: rows and columns wanted.

    Returns:
        ``(1 + rows columns, C)``; the positions themselves where nothing changes.
    """
    if before == after:
        return positions
    places = positions[1:].t().reshape(1, -1, *before).float()
    resized = functional.interpolate(places, size=after, mode="bilinear", align_corners=False)
    return torch.cat([positions[:1], resized[0].flatten(1).t().to(positions.dtype)])

"""Distances between features, with a gradient everywhere."""

from torch import Tensor

_FLOOR = 1e-12


def euclidean(one: Tensor, other: Tensor) -> Tensor:
    """``(N, D)`` and ``(M, D)`` to ``(N, M)`` Euclidean distances, at least 1e-6, in float32 or wider."""
    if one.element_size() < 4:
        one, other = one.float(), other.float()
    squares = one.pow(2).sum(dim=1)[:, None] + other.pow(2).sum(dim=1)[None, :]
    return (squares - 2 * one @ other.t()).clamp(min=_FLOOR).sqrt()

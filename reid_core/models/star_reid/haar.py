"""The low band of a Haar wavelet."""

import torch
from torch import Tensor
from torch.nn import functional


def haar_low(maps: Tensor) -> Tensor:
    """One level of the orthonormal Haar transform's low-low band: the sum of each 2 x 2, halved.

    An odd side is first continued by one row or column, mirrored at its last one (a side of 1 by itself).

    Args:
        maps: ``(N, C, h, w)``.

    Returns:
        ``(N, C, ceil(h / 2), ceil(w / 2))``.
    """
    if maps.shape[2] % 2:
        maps = torch.cat([maps, maps[:, :, -2:][:, :, :1]], dim=2)
    if maps.shape[3] % 2:
        maps = torch.cat([maps, maps[:, :, :, -2:][:, :, :, :1]], dim=3)
    return functional.avg_pool2d(maps, 2) * 2

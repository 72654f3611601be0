"""A text projection brought to another width."""

from torch import Tensor
from torch.nn import functional


def resized_projection(weight: Tensor, width: int) -> Tensor:
    """Interpolate the outputs of a projection linearly, as TVI-LFM's released code brings 1024 to 2048.

    Output ``k`` of ``width`` lies at ``(k + .5) n / width - .5`` of the ``n`` there are, between its two
    neighbours and clamped at the ends. Twice as wide, ``v'[2k] = .25 v[k-1] + .75 v[k]`` and
    ``v'[2k+1] = .75 v[k] + .25 v[k+1]``.

    Args:
        weight: ``(n, hidden)``, a row an output, as `torch.nn.Linear` keeps it.
        width: outputs there are to be.

    Returns:
        ``(width, hidden)``; the weight itself where it is as wide.
    """
    if len(weight) == width:
        return weight
    columns = weight.t()[None].float()
    resized = functional.interpolate(columns, size=width, mode="linear", align_corners=False)
    return resized[0].t().contiguous().to(weight.dtype)

"""Weights in a straight line between a network before it learned on and after.

Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): a blend of both keeps most of what was
learned and loses little of what was known, on data of neither.
"""

import copy

import torch
from torch import nn


@torch.no_grad()
def blend(start: nn.Module, tuned: nn.Module, alpha: float) -> nn.Module:
    """``alpha * tuned + (1 - alpha) * start``, batch norm statistics too.

    Args:
        start: the network before fine-tuning, batch norms stated as in ``tuned``.
        tuned: the network after it.
        alpha: 0 gives the start's weights, 1 the tuned one's, exactly.

    Returns:
        A new network.
    """
    before, after = start.state_dict(), tuned.state_dict()
    if before.keys() != after.keys():
        raise ValueError("only two states of one network can be blended")
    blended = copy.deepcopy(tuned)
    blended.load_state_dict(
        {
            name: torch.lerp(before[name].float(), after[name].float(), alpha).to(after[name].dtype)
            if after[name].is_floating_point()
            else after[name]
            for name in after
        }
    )
    return blended

"""Instance and batch norm side by side: half of a block's channels forget the style of their image.

Pan et al., "Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net" (ECCV 2018), the form
IBN-a: after the first convolution of each early block, half of the channels are normalised by their own image
(contrast, light and colour cast go), the other half by the batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_FIRST_NORM = "bn1"


class HalfInstanceNorm(nn.BatchNorm2d):
    """Instance norm over the first half of the channels, batch norm over the others.

    Parameters and statistics have the names and shapes of the batch norm that it replaces, so that published
    weights, and checkpoints of the network without it, fit. The first half's statistics stay as they were and
    are not used.

    Args:
        norm: the batch norm; an activation that it carries (``act``) is taken over.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict())
        self.act: nn.Module = getattr(norm, "act", nn.Identity())
        self.own = norm.num_features // 2

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, h, w)`` to the same."""
        half, mean, variance = self.own, self.running_mean, self.running_var
        assert mean is not None and variance is not None
        own = functional.instance_norm(
            maps[:, :half], weight=self.weight[:half], bias=self.bias[:half], eps=self.eps
        )
        common = functional.batch_norm(
            maps[:, half:],
            mean[half:],
            variance[half:],
            self.weight[half:],
            self.bias[half:],
            self.training,
            self.momentum or 0.0,
            self.eps,
        )
        normed: Tensor = self.act(torch.cat([own, common], dim=1))
        return normed


def with_instance_norm(stages: Sequence[nn.Module]) -> None:
    """Replace the first norm of every block of some stages, in place.

    Args:
        stages: of a backbone; blocks are those modules that have a batch norm of the name ``bn1``.
    """
    for stage in stages:
        for block in list(stage.modules()):
            norm = getattr(block, _FIRST_NORM, None)
            if isinstance(norm, nn.BatchNorm2d) and not isinstance(norm, HalfInstanceNorm):
                setattr(block, _FIRST_NORM, HalfInstanceNorm(norm))

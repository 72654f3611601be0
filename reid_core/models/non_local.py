"""The non-local blocks of AGW: every place of a map sees all others."""

from torch import Tensor, nn

_BLOCKS = (0, 2, 3, 0)
"""Of a ResNet's four stages: so many of the last blocks are followed by one, as in AGW."""


class NonLocal(nn.Module):
    """``x + BN(W (theta(x) phi(x)^T g(x) / N))`` over the ``N`` places of a map; the identity at first.

    Source: Wang et al., "Non-local Neural Networks" (CVPR 2018), eqs. 1 and 6 in its dot-product form, as
    AGW (Ye et al., 2021) uses it. Its public code divides the number of channels by itself, so that theta,
    phi and g have one channel; that is what was published, and what ``inner`` is by default.

    Args:
        channels: of the maps.
        inner: channels of theta, phi and g.
    """

    def __init__(self, channels: int, inner: int = 1) -> None:
        super().__init__()
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.out = nn.Conv2d(inner, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, h, w)`` to the same shape."""
        theta, phi, g = (each(maps).flatten(2) for each in (self.theta, self.phi, self.g))
        affinity = theta.transpose(1, 2) @ phi / maps.flatten(2).shape[2]
        seen = (g @ affinity.transpose(1, 2)).unflatten(2, (maps.shape[2], maps.shape[3]))
        added: Tensor = self.norm(self.out(seen))
        return maps + added


def with_non_local(stages: list[nn.Module]) -> list[nn.Module]:
    """A ResNet's stages with them behind the last two blocks of the second and the last three of the third.

    A stage of fewer blocks gets one behind each.
    """
    changed: list[nn.Module] = []
    for stage, count in zip(stages, _BLOCKS, strict=True):
        assert isinstance(stage, nn.Sequential)
        blocks = list(stage)
        first = max(0, len(blocks) - count) if count else len(blocks)
        # A block keeps its place in the stage, so that a stage without any keeps its names.
        changed.append(
            nn.Sequential(
                *blocks[:first], *(nn.Sequential(each, NonLocal(_width(each))) for each in blocks[first:])
            )
        )
    return changed


def _width(block: nn.Module) -> int:
    norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]
    # The shortcut's norm, where there is one, is as wide as the block's last.
    return int(norms[-1].num_features)

"""The part that learns: from a network's maps to answers."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from reid_core.models.attribute_captioner.groups import COLOURED, GROUPS
from reid_core.types import Modality


class AttributeHead(nn.Module):
    """For each group a look at the cells that matter to it, and a choice among its values.

    Args:
        channels: of the maps.
        vector: numbers in the vector of the whole crop.
        grid: rows and columns of the maps.
        width: of what is kept of a cell.
        groups: group of `GROUPS` to its values; of each group "nothing" is one more, the first.
        dropout: share of what a choice is made from that is left out in training.
    """

    def __init__(
        self,
        channels: int,
        vector: int,
        grid: tuple[int, int],
        width: int,
        groups: Mapping[str, Sequence[str]],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        # In an order of its own: a manifest may come back with its keys sorted.
        self.groups = {name: tuple(groups[name]) for name in GROUPS if name in groups}
        self.norm = nn.BatchNorm2d(channels)
        self.narrow = nn.Conv2d(channels, width, 1)
        self.around = nn.Conv2d(width, width, 3, padding=1)
        self.place = nn.Parameter(0.02 * torch.randn(1, width, *grid))
        self.modality = nn.ParameterDict({str(one): nn.Parameter(torch.zeros(width)) for one in Modality})
        self.whole = nn.Linear(vector, width)
        self.look = nn.Conv2d(width, len(self.groups), 1)
        self.drop = nn.Dropout(dropout)
        self.choose = nn.ModuleList(nn.Linear(2 * width, len(values) + 1) for values in self.groups.values())

    def forward(self, maps: Tensor, vectors: Tensor, modality: Modality) -> dict[str, Tensor]:
        """Logits of each group's values, "nothing" first; of infrared crops of no group that has a colour.

        Args:
            maps: ``(N, C, h, w)``.
            vectors: ``(N, D)``.
            modality: of all of them.
        """
        seen = self.modality[str(modality)]
        cells = self.narrow(self.norm(maps)) + self.place + seen[:, None, None]
        cells = torch.relu(cells)
        cells = torch.relu(cells + self.around(cells))
        weights = self.look(cells).flatten(2).softmax(-1)
        looked = torch.einsum("ngc,nwc->ngw", weights, cells.flatten(2))
        whole = torch.relu(self.whole(vectors) + seen)
        both = self.drop(torch.cat([looked, whole[:, None].expand(-1, looked.shape[1], -1)], -1))
        return {
            name: choose(both[:, place])
            for place, (name, choose) in enumerate(zip(self.groups, self.choose, strict=True))
            if modality is Modality.VISIBLE or name not in COLOURED
        }

"""A visual network and the text tower that it learns beside."""

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor

from reid_core.models.clip_text.tower import GROUPS, TextTower
from reid_core.models.eees.network import Eees
from reid_core.models.network import Network, ParameterGroup
from reid_core.types import Modality


class EeesTaught(Network):
    """What trains; the checkpoint is `visual`.

    Args:
        visual: with classifiers.
        tower: as wide as the attention-pooled feature; ``None`` where no loss reads texts.
    """

    kind: ClassVar[str] = Eees.kind

    def __init__(self, visual: Eees, tower: TextTower | None) -> None:
        super().__init__()
        self.visual, self.tower = visual, tower
        self.architecture, self.embedding = visual.architecture, visual.embedding

    @property
    def feature_width(self) -> int:
        """Numbers in the GeM head's features."""
        return self.visual.feature_width

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """Those of the visual network."""
        return self.visual.features(images, modality)

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """The visual network's, then the tower's, which are empty without one.

        A recipe's rates for them then say nothing, and are no mistake.
        """
        if self.tower is None:
            return (*self.visual.parameter_groups(), *(ParameterGroup(name, ()) for name in GROUPS))
        return (*self.visual.parameter_groups(), *self.tower.parameter_groups())

    def for_inference(self) -> Self:
        """None: what is used is the visual network, by itself."""
        raise NotImplementedError("the visual network is used by itself")

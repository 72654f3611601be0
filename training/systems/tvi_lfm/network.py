"""A network that has learned, its neck and classifier learning on, and a text tower beside it."""

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor, nn

from reid_core.models.clip_text.tower import TextTower
from reid_core.models.network import NeckedNetwork, Network, ParameterGroup
from reid_core.types import Modality
from training.recipe import HEAD


class TextTaught(Network):
    """What trains; the checkpoint is `visual`, and the tower is kept beside it.

    Args:
        visual: with a classifier. Its weights but for the neck's and the classifier's stop learning.
        tower: as wide as the visual feature.
        drifting: whether batch norms go on using and counting each batch's statistics.
    """

    kind: ClassVar[str] = "tvi-lfm"

    def __init__(self, visual: NeckedNetwork, tower: TextTower, drifting: bool) -> None:
        super().__init__()
        self.visual, self.tower = visual, tower
        self.architecture, self.embedding = visual.architecture, visual.embedding
        self.drifting = drifting
        for child in self._frozen():
            child.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but what is frozen stays in evaluation mode unless it drifts."""
        super().train(mode)
        if not self.drifting:
            for child in self._frozen():
                child.eval()
        return self

    def _frozen(self) -> list[nn.Module]:
        return [
            child
            for child in self.visual.children()
            if child is not self.visual.neck and child is not self.visual.classifier
        ]

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """Those of the visual network."""
        return self.visual.features(images, modality)

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """The tower's, and ``head``: neck and classifier."""
        head = [each for each in self.visual.parameters() if each.requires_grad]
        return (*self.tower.parameter_groups(), ParameterGroup(HEAD, head))

    def for_inference(self) -> Self:
        """None: what is used is the visual network and the tower, each by itself."""
        raise NotImplementedError("the visual network and the text tower are used each by itself")

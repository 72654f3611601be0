"""The network and the text branch beside it, as they learn together."""

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor

from reid_core.models.network import Network, ParameterGroup
from reid_core.models.star_reid.network import StarReid
from reid_core.models.star_reid.text_branch import TextBranch
from reid_core.types import Modality


class StarTaught(Network):
    """What trains; the checkpoint is `visual`, and the branch is kept beside it.

    Args:
        visual: with a classifier.
        text: as wide as its vector, or ``None`` where no words are read.
    """

    kind: ClassVar[str] = "star-reid"

    def __init__(self, visual: StarReid, text: TextBranch | None) -> None:
        super().__init__()
        self.visual, self.text = visual, text
        self.architecture, self.embedding = visual.architecture, visual.embedding

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """Those of the visual network."""
        return self.visual.features(images, modality)

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """The visual network's, then the branch's."""
        text = () if self.text is None else self.text.parameter_groups()
        return (*self.visual.parameter_groups(), *text)

    def for_inference(self) -> Self:
        """None: what is used is the visual network and the branch, each by itself."""
        raise NotImplementedError("the visual network and the text branch are used each by itself")

"""What every network of a system is to the rest: crops of a modality to named features."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn

from reid_core.config import Settings
from reid_core.preprocess import Preprocess
from reid_core.types import EMBEDDING, Modality


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Weights that move alike.

    Attributes:
        name: by which a recipe gives them a factor of the learning rate (``backbone``, ``head``, ...).
        parameters: those that learn, in a fixed order.
    """

    name: str
    parameters: Sequence[nn.Parameter]


@dataclass(frozen=True, slots=True)
class GraphInput:
    """One input of an exported graph.

    Attributes:
        name: in the graph.
        shape: of one item, without the batch: ``(3, H, W)``.
    """

    name: str
    shape: tuple[int, ...]


class Network(nn.Module, ABC):
    """A system's network.

    Attributes:
        kind: the name of its system, as a checkpoint keeps it.
        architecture: what was built, as the manifest keeps it.
        embedding: numbers in the vector that is compared.
    """

    kind: ClassVar[str]
    architecture: Settings
    embedding: int

    @abstractmethod
    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """What inference sees in crops of one modality.

        Args:
            images: ``(N, 3, H, W)`` float32, preprocessed.
            modality: of all of them.

        Returns:
            ``embedding``: ``(N, D)`` of length one; and each local feature by its name, ``(N, P, d)``.
        """

    def embed(self, images: Tensor, modality: Modality) -> Tensor:
        """The vector alone: ``(N, 3, H, W)`` of one modality to ``(N, D)`` of length one."""
        return self.features(images, modality)[EMBEDDING]

    @abstractmethod
    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """All weights that learn, each in one group, in an order that never changes.

        A state of training names weights by their place in it.
        """

    @abstractmethod
    def for_inference(self) -> Self:
        """A copy that gives the same features and has nothing that only training needs."""

    def graph_inputs(self, preprocess: Preprocess) -> tuple[GraphInput, ...]:
        """What the graph of one modality takes when it is exported: one batch of images by default."""
        return (GraphInput("images", (3, preprocess.height, preprocess.width)),)

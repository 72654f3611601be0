"""What every network of a system is to the rest: crops of a modality to named features."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn
from torch.nn import functional

from reid_core.config import Settings
from reid_core.errors import ModelError
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

    @property
    def feature_width(self) -> int:
        """Numbers in the features that losses read: the vector's, unless something stands beside them."""
        return self.embedding

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

    def sights(self, images: Tensor, modality: Modality, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """What it sees in parts and as a whole, for those who put it into words.

        Args:
            images: ``(N, 3, H, W)`` float32, preprocessed.
            modality: of all of them.
            grid: rows and columns of the parts.

        Returns:
            ``(N, C, rows, columns)`` of maps no coarser than the grid, and ``(N, D)`` of length one.

        Raises:
            ModelError: networks of this system show no maps.
        """
        raise ModelError(f"Networks of the kind {self.kind!r} show no maps to caption from.")

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


class NeckedNetwork(Network):
    """A network whose vector is the neck's result for one raw feature, of length one.

    What is learned beside a network that is finished, such as texts, meets it before the neck.

    Attributes:
        neck: ``(N, D)`` raw features to ``(N, D)``.
        classifier: training identities by the neck's result; ``None`` without.
    """

    neck: nn.Module
    classifier: nn.Module | None

    @abstractmethod
    def raw(self, images: Tensor, modality: Modality) -> Tensor:
        """Before the neck: ``(N, 3, H, W)`` of one modality to ``(N, D)`` of any length."""

    @abstractmethod
    def raw_of_both(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Before the neck, both modalities in one pass: ``(V, 3, H, W)``, ``(I, 3, H, W)`` to ``(V + I, D)``.

        In training mode their batch norms count one batch.
        """

    @abstractmethod
    def with_classifier(self, classes: int, seed: int) -> Self:
        """A copy with a new classifier over so many identities.

        Args:
            classes: how many.
            seed: of its first weights.
        """

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """``embedding``: ``(N, D)`` of length one, L2(BN(feature))."""
        return {EMBEDDING: functional.normalize(self.neck(self.raw(images, modality)).float())}

"""The systems: which networks there are, and how a checkpoint's architecture becomes one.

A system is added by a file (or a package) and a line of `SYSTEMS`, or by an entry point of the group
``nightreid.systems`` in a package of one's own. Nothing else knows its name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from reid_core.config import Settings
from reid_core.registry import Registry

if TYPE_CHECKING:
    from reid_core.models.network import Network

EXTERNAL = "external"
"""The kind of a network that is no system: its graph is in its file, and nothing builds it."""

Handling = Literal["stems", "graphs", "grey", "shared"]
"""How a network tells modalities apart: stems of its own, a graph each, grey RGB, or one input for both."""

ArchitectureT = TypeVar("ArchitectureT", bound=Settings)


class System(ABC, Generic[ArchitectureT]):
    """One kind of network, by the name that stands as ``kind`` in ``model.json``.

    Importing the module of a system loads no framework: only `build` does.

    Attributes:
        architecture: settings that say all that must be known to build it; the manifest's ``architecture``.
        handling: how it tells modalities apart.
    """

    architecture: ClassVar[type[Settings]]
    handling: ClassVar[Handling]

    @abstractmethod
    def build(
        self, architecture: ArchitectureT, embedding: int | None, pretrained: bool = False
    ) -> "Network":
        """The network, with random weights or with those its backbone was published with.

        Args:
            architecture: what to build.
            embedding: numbers in a vector; ``None`` for what is natural to the backbone.
            pretrained: start from published weights.

        Raises:
            ModelError: there is no such backbone, or its weights cannot be had.
        """

    def local_features(self, architecture: ArchitectureT, embedding: int) -> Mapping[str, tuple[int, int]]:
        """Names and shapes ``(P, d)`` of the local features; none by default."""
        return {}

    def classes(self, architecture: ArchitectureT) -> int | None:
        """Identities of the classifier that the network carries, or ``None`` without one."""
        return None

    def for_inference(self, architecture: ArchitectureT) -> ArchitectureT:
        """The architecture of `Network.for_inference`: without what only training needs."""
        return architecture


SYSTEMS: Registry[type[System[Any]]] = Registry(
    "system",
    "nightreid.systems",
    {
        "dual-stream": "reid_core.models.dual_stream.system:DualStreamSystem",
        "star-reid": "reid_core.models.star_reid.system:StarReidSystem",
        "eees": "reid_core.models.eees.system:EeesSystem",
    },
)

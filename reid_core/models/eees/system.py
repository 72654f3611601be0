"""The EEES system, as the registry knows it; importing it loads no framework."""

from typing import TYPE_CHECKING

from reid_core.models.eees.architecture import EeesArchitecture
from reid_core.models.systems import System

if TYPE_CHECKING:
    from reid_core.models.eees.network import Eees


class EeesSystem(System[EeesArchitecture]):
    """Dong et al., "Embedding and Enriching Explicit Semantics for Visible-Infrared Person ReID" (2024)."""

    architecture = EeesArchitecture
    handling = "stems"

    def build(
        self, architecture: EeesArchitecture, embedding: int | None, pretrained: bool = False
    ) -> "Eees":
        """The network; see `System.build`."""
        from reid_core.models.eees.network import Eees

        return Eees(architecture, embedding, pretrained)

    def classes(self, architecture: EeesArchitecture) -> int | None:
        """Identities of each classifier."""
        return architecture.classes

    def for_inference(self, architecture: EeesArchitecture) -> EeesArchitecture:
        """The same without classifiers."""
        return architecture.model_copy(update={"classes": None})

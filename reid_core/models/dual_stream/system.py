"""The dual-stream system, as the registry knows it; importing it loads no framework."""

from typing import TYPE_CHECKING

from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.systems import System

if TYPE_CHECKING:
    from reid_core.models.dual_stream.network import DualStream


class DualStreamSystem(System[DualStreamArchitecture]):
    """Two stems and a shared rest (the common ancestor of AGW, CAJ and TVI-LFM)."""

    architecture = DualStreamArchitecture
    handling = "stems"

    def build(
        self, architecture: DualStreamArchitecture, embedding: int | None, pretrained: bool = False
    ) -> "DualStream":
        """The network; see `System.build`."""
        from reid_core.models.dual_stream.network import DualStream

        return DualStream(architecture, embedding, pretrained)

    def classes(self, architecture: DualStreamArchitecture) -> int | None:
        """Identities of the classifier."""
        return architecture.classes

    def for_inference(self, architecture: DualStreamArchitecture) -> DualStreamArchitecture:
        """The same without the classifier."""
        return architecture.model_copy(update={"classes": None})

"""The system as the registry knows it; importing it loads no framework."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reid_core.errors import ModelError
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.systems import System

if TYPE_CHECKING:
    from reid_core.models.star_reid.network import StarReid

PUBLISHED = "vit_base_patch16_224"
"""timm's name of the weights that PMT and STAR-ReID start from."""


class StarReidSystem(System[StarArchitecture]):
    """One vision transformer for both modalities, aligned with each other."""

    architecture = StarArchitecture
    handling = "shared"

    def build(
        self, architecture: StarArchitecture, embedding: int | None, pretrained: bool = False
    ) -> "StarReid":
        """The network; see `System.build`."""
        from reid_core.models.star_reid.network import StarReid
        from reid_core.models.star_reid.vit import load_vit

        if embedding not in (None, architecture.width):
            raise ModelError(
                f"Its vectors have {architecture.width} numbers, as its tokens, not {embedding}."
            )
        network = StarReid(architecture, pretrained)
        if pretrained and architecture.body is None:
            load_vit(network.vit, PUBLISHED, architecture.grid)
        return network

    def local_features(self, architecture: StarArchitecture, embedding: int) -> Mapping[str, tuple[int, int]]:
        """``local``: the pooled patches, one row."""
        return {"local": (1, architecture.width)}

    def classes(self, architecture: StarArchitecture) -> int | None:
        """Identities of the classifier."""
        return architecture.classes

    def for_inference(self, architecture: StarArchitecture) -> StarArchitecture:
        """The same without the classifier, and without what is dropped in training."""
        return architecture.bare()

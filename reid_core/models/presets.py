"""Models that have a name instead of a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reid_core.models.manifest import ModelManifest
from reid_core.registry import Registry

if TYPE_CHECKING:
    from reid_core.models.network import Network


@dataclass(frozen=True)
class NetworkSource:
    """A network that a system builds, before anything heavy is loaded.

    Attributes:
        manifest: of the model.
        model_id: of the model.
        build: loads torch and makes the network.
    """

    manifest: ModelManifest
    model_id: str
    build: "Callable[[], Network]"


PRESETS: Registry[Callable[[], NetworkSource]] = Registry(
    "model",
    "nightreid.presets",
    {"imagenet": "reid_core.models.dual_stream.imagenet:imagenet"},
)

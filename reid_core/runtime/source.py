"""Where a dual-stream network comes from, before anything heavy is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.imagenet import imagenet_manifest, imagenet_model, imagenet_model_id
from reid_core.models.manifest import ModelManifest
from reid_core.starter import starter_embedder

if TYPE_CHECKING:
    from reid_core.models.dual_stream import DualStream

IMAGENET = "imagenet"


@dataclass(frozen=True)
class NetworkSource:
    """A network of this repository.

    Attributes:
        manifest: of the model.
        model_id: of the model.
        build: loads torch and makes the network.
    """

    manifest: ModelManifest
    model_id: str
    build: "Callable[[], DualStream]"


def find_source(path: Path | str | None) -> NetworkSource | CheckpointFiles:
    """What a checkpoint's path means; ``None`` is the default model, ``"imagenet"`` plain features.

    Returns:
        A network of this repository, or the checked files of an external one.

    Raises:
        ModelError: the checkpoint is missing, damaged or not valid.
    """
    found = (starter_embedder() or IMAGENET) if path is None else path
    if str(found) == IMAGENET:
        return NetworkSource(imagenet_manifest(), imagenet_model_id(), imagenet_model)
    files = open_checkpoint(Path(found))
    if files.manifest.kind == "external":
        return files

    def build() -> "DualStream":
        from reid_core.models.checkpoint import load_network

        return load_network(files)

    return NetworkSource(files.manifest, files.model_id, build)

"""Where a model comes from, before anything heavy is loaded."""

from pathlib import Path
from typing import TYPE_CHECKING

from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.presets import PRESETS, NetworkSource
from reid_core.starter import starter_embedder

if TYPE_CHECKING:
    from reid_core.models.network import Network

LAST_RESORT = "imagenet"


def find_source(path: Path | str | None) -> NetworkSource | CheckpointFiles:
    """What a checkpoint's path means; ``None`` is the default model, a preset's name plain features.

    Returns:
        A system's network, or the checked files of an external one.

    Raises:
        ModelError: the checkpoint is missing, damaged or not valid.
    """
    found = str((starter_embedder() or LAST_RESORT) if path is None else path)
    if found in PRESETS:
        return PRESETS.get(found)()
    files = open_checkpoint(Path(found))
    if files.manifest.external:
        return files

    def build() -> "Network":
        from reid_core.models.checkpoint import load_network

        return load_network(files)

    return NetworkSource(files.manifest, files.model_id, build)

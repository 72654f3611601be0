"""One network of the weights of several that learned from one start.

Wortsman et al., "Model soups" (ICML 2022): networks that were fine-tuned from the same weights, with other
data, batches or augmentations, mostly lie in one valley. The mean of their weights costs no more than one of
them, and holds up better on data that none of them learned from.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from reid_core.errors import ModelError, UsageError
from reid_core.models.checkpoint import load_network, save_checkpoint
from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.manifest import ModelManifest, Training

_SIZE = ("height", "width")


def soup(
    folders: Sequence[Path], shares: Sequence[float], out: Path, name: str | None = None
) -> ModelManifest:
    """Write the weighted mean of some checkpoints as a checkpoint; it is not calibrated.

    Args:
        folders: of checkpoints that are built alike. How crops are made the network's input is that of the
            first; another size than its is no obstacle.
        shares: of each; they are divided by their sum.
        out: folder of the new checkpoint.
        name: of it; by default the first one's.

    Raises:
        UsageError: fewer than two checkpoints, not a share for each, or a share that is not above 0.
        ModelError: a checkpoint is missing, damaged, external, or built or fed otherwise than the first.
        StorageError: it cannot be written.
    """
    if len(folders) < 2:
        raise UsageError("A soup takes two checkpoints at least.")
    if len(shares) != len(folders) or not all(0 < share < math.inf for share in shares):
        raise UsageError(
            "Each checkpoint has a share above 0.", "Give as many shares as checkpoints, or none."
        )
    several = [open_checkpoint(folder) for folder in folders]
    for files in several[1:]:
        _check_alike(several[0], files)
    network = load_network(several[0]).for_inference()
    weights = [load_network(files).for_inference().state_dict() for files in several]
    parts = [share / sum(shares) for share in shares]
    mixed = {
        key: _mean([state[key] for state in weights], parts) if first.is_floating_point() else first
        for key, first in weights[0].items()
    }
    network.load_state_dict(mixed)
    first = several[0].manifest
    return save_checkpoint(
        out,
        network,
        name=name or first.name,
        preprocess=first.preprocess,
        training=Training(
            recipe=f"nightreid soup: {name or first.name}",
            data=tuple(dict.fromkeys(data for files in several for data in files.manifest.training.data)),
            origin="; ".join(_told(files, part) for files, part in zip(several, parts, strict=True)),
            licence=_licence(several),
            settings={"shares": dict(zip((files.model_id for files in several), parts, strict=True))},
        ),
    )


def _check_alike(first: CheckpointFiles, other: CheckpointFiles) -> None:
    if first.manifest.external or other.manifest.external:
        raise ModelError("An external model's weights are in its graph: they cannot be averaged.")
    built = [
        (
            files.manifest.kind,
            files.manifest.system.for_inference(files.manifest.architecture),
            files.manifest.embedding,
        )
        for files in (first, other)
    ]
    if built[0] != built[1]:
        raise ModelError(f"{other.folder} is built otherwise than {first.folder}.")
    fed = [files.manifest.preprocess.model_dump(exclude=set(_SIZE)) for files in (first, other)]
    if fed[0] != fed[1]:
        raise ModelError(
            f"{other.folder} reads other images than {first.folder}: see preprocess in model.json."
        )


def _mean(tensors: Sequence[torch.Tensor], parts: Sequence[float]) -> torch.Tensor:
    wide = sum(part * tensor.double() for part, tensor in zip(parts, tensors, strict=True))
    return torch.as_tensor(wide).to(tensors[0].dtype)


def _told(files: CheckpointFiles, part: float) -> str:
    before = files.manifest.training.origin
    return f"{part:.3g} of {files.manifest.name} ({files.model_id})" + (f": {before}" if before else "")


def _licence(several: Sequence[CheckpointFiles]) -> str:
    """Of all that went into it: several licences stand side by side."""
    return " AND ".join(
        dict.fromkeys(files.manifest.training.licence for files in several if files.manifest.training.licence)
    )

"""The logic of ``nightreid soup``."""

import json
from collections.abc import Sequence
from pathlib import Path

from reid_core.errors import UsageError


def soup_command(
    models: Sequence[Path], shares: Sequence[float], out: Path, name: str | None, as_json: bool
) -> int:
    """Average checkpoints, and say what came out.

    Args:
        models: checkpoint folders.
        shares: of each; none for equal ones.
        out: folder to be created.
        name: of the new model.
        as_json: print JSON.

    Returns:
        0.

    Raises:
        UsageError: the folder is taken, or shares and checkpoints do not go together.
        ModelError: a checkpoint is damaged, or built otherwise than the first.
        StorageError: it cannot be written.
    """
    from reid_core.models.checkpoint_files import open_checkpoint
    from training.soup import soup

    if out.exists():
        raise UsageError(f"{out} exists already.", "Name another folder, or remove it.")
    soup(models, shares or [1.0] * len(models), out, name)
    files = open_checkpoint(out)
    if as_json:
        print(json.dumps({"folder": str(out), "model_id": files.model_id}))
        return 0
    print(f"{out}: {files.manifest.name}, {files.model_id}")
    print("It is not calibrated: nightreid calibrate does that.")
    return 0

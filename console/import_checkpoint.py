"""The logic of ``nightreid import-checkpoint``."""

import json
from pathlib import Path


def import_command(
    file: Path, out: Path, kind: str, tokenizer: str, torchscript: bool = False, as_json: bool = False
) -> int:
    """Bring a released checkpoint into this repository's form, and say what of it was taken.

    Args:
        file: that was released.
        out: folder to be created.
        kind: of `reid_core.models.importing.RELEASED`.
        tokenizer: CLIP's, by name or folder.
        torchscript: the file is a TorchScript archive.
        as_json: print JSON.

    Returns:
        0.

    Raises:
        UsageError: there is no such kind, or the folder is taken.
        ModelError: the file cannot be read, or is not of its kind.
    """
    from reid_core.models.importing import import_released

    done = import_released(file, kind, out, tokenizer, torchscript=torchscript)
    if as_json:
        said = {"folder": str(done.folder), "taken": done.taken, "left_out": list(done.left_out)}
        print(json.dumps(said, indent=2))
        return 0
    print(f"{done.folder}: {done.taken} tensors taken, {len(done.left_out)} left out, none missing.")
    for name in done.left_out[:10]:
        print(f"  left out: {name}")
    if len(done.left_out) > 10:
        print(f"  and {len(done.left_out) - 10} more")
    return 0

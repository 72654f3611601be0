"""Files under names that people give them."""

import os
from pathlib import Path


def named(name: bytes, missing, folder: bool = False) -> Path:
    """A relative path of these bytes, below folders that are there; skips where the file system refuses."""
    path = Path(os.fsdecode(name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            path.mkdir()
        else:
            path.touch()
    except OSError:
        missing(f"the file system refuses the name {name!r}")
    return path

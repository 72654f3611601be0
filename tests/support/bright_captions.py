"""A captioner that says how bright a crop is, at a pace of its own: in a package of somebody else."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.support.packages import install
from tests.support.shift import Post, work_beside

MODULE = "bright_captions"
_PACE = "pace.txt"
_SOURCE = f"""
import time

from reid_core.config import Settings


class BrightCaptions:
    settings = Settings

    def __init__(self, files):
        self.model_id = files.model_id
        self.pace = files.folder / "{_PACE}"

    def caption(self, crops, modality):
        if self.pace.is_file():
            time.sleep(float(self.pace.read_text()))
        return tuple(f"A man in a coat, {{int(crop.mean())}} of 255." for crop in crops)
"""


def install_bright_captions(folder: Path) -> None:
    """Lay the package down in a folder that is, or comes, on ``sys.path``."""
    install(folder, MODULE, _SOURCE, {f"nightreid.captioners/{MODULE}": f"{MODULE}:BrightCaptions"})


def worker_with_captions(installed: Path) -> Callable[[Post], None]:
    """What a worker's process does where that folder is on its path."""
    return partial(work_beside, str(installed))


def bright_captions(folder: Path, seconds: float = 0.0) -> Path:
    """Write such a captioner's folder.

    Args:
        folder: to write.
        seconds: that it takes for each call. Its id, and so its captions' rows, do not depend on it.
    """
    folder.mkdir(parents=True)
    weights = folder / "words.txt"
    weights.write_text("brightness\n")
    if seconds:
        (folder / _PACE).write_text(str(seconds))
    manifest = {
        "format": 1,
        "name": "brightness",
        "kind": MODULE,
        "weights": {weights.name: hashlib.sha256(weights.read_bytes()).hexdigest()},
    }
    (folder / "captioner.json").write_text(json.dumps(manifest))
    return folder

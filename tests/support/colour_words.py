"""A text encoder that knows colours alone: each word's vector is that of a crop of that colour."""

import hashlib
import json
from pathlib import Path

import numpy as np

from tests.support.packages import install

MODULE = "colour_words"
SOURCE = """
import json
import re

import numpy as np

from reid_core.calibration import Calibration
from reid_core.config import Settings
from reid_core.errors import UsageError


class ColourWords:
    settings = Settings

    def __init__(self, files):
        self.model_id, self.space = files.model_id, files.manifest.space
        self.dim = files.manifest.embedding
        said = json.loads((files.folder / "colours.json").read_text())
        self.colours = {name: np.array(vector, np.float32) for name, vector in said["colours"].items()}
        self.calibrations = {kind: Calibration.from_dict(one) for kind, one in said["calibrations"].items()}

    def calibration(self, kind):
        return self.calibrations.get(kind)

    def encode(self, texts):
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text):
        known = [self.colours[word] for word in re.findall("[a-z]+", text) if word in self.colours]
        if not known:
            raise UsageError("No colour is named.")
        total = np.sum(known, axis=0)
        return total / np.linalg.norm(total)
"""


def install_colour_words(folder: Path) -> None:
    """Lay the package down in a folder that is on ``sys.path``."""
    install(folder, MODULE, SOURCE, {f"nightreid.text_encoders/{MODULE}": f"{MODULE}:ColourWords"})


def colour_words(folder: Path, space: str, colours: dict[str, np.ndarray], calibrations=None) -> Path:
    """Write such an encoder's folder.

    Args:
        folder: to write.
        space: that it aims at.
        colours: word to ``(D,)`` vector of length one.
        calibrations: kind of query to calibration.
    """
    folder.mkdir(parents=True)
    said = {
        "colours": {name: [float(one) for one in vector] for name, vector in colours.items()},
        "calibrations": {kind: one.to_dict() for kind, one in (calibrations or {}).items()},
    }
    (folder / "colours.json").write_text(json.dumps(said))
    manifest = {
        "format": 1,
        "name": "colours",
        "kind": MODULE,
        "space": space,
        "embedding": len(next(iter(colours.values()))),
        "weights": {"colours.json": hashlib.sha256((folder / "colours.json").read_bytes()).hexdigest()},
    }
    (folder / "text.json").write_text(json.dumps(manifest))
    return folder

"""Where the starter pack lies: small models trained by this repository, used where nobody names others."""

from pathlib import Path

from reid_core.errors import ModelError

PACK = Path(__file__).resolve().parents[1] / "models"
EMBEDDER = PACK / "night-embedder"
DETECTOR = PACK / "night-detector"


def starter_embedder() -> Path:
    """Folder of the embedder's checkpoint.

    Raises:
        ModelError: the installation lacks it.
    """
    return _there(EMBEDDER, "model.json", "--reid")


def starter_detector() -> Path:
    """The detector's weights.

    Raises:
        ModelError: the installation lacks them.
    """
    return _there(DETECTOR, "night-detector.pt", "--detector") / "night-detector.pt"


def _there(folder: Path, file: str, option: str) -> Path:
    if not (folder / file).is_file():
        raise ModelError(
            f"The starter model {folder / file} is missing from this installation.",
            f"Install nightreid anew, or name a model with {option}.",
        )
    return folder

"""Where the starter pack lies: small models trained by this repository, used where nobody names others."""

from pathlib import Path

PACK = Path(__file__).resolve().parents[1] / "models"
EMBEDDER = PACK / "night-embedder"
DETECTOR = PACK / "night-detector" / "night-detector.pt"


def starter_embedder() -> Path | None:
    """Folder of the embedder's checkpoint, or ``None`` where this version carries none."""
    return EMBEDDER if (EMBEDDER / "model.json").is_file() else None


def starter_detector() -> Path | None:
    """The detector's weights, or ``None`` where this version carries none."""
    return DETECTOR if DETECTOR.is_file() else None

"""Where the starter pack lies: small models trained by this repository, used where nobody names others."""

from importlib.util import find_spec
from pathlib import Path

PACK = Path(__file__).resolve().parents[1] / "models"
EMBEDDER = PACK / "night-embedder"
DETECTOR = PACK / "night-detector"
TEXT_ENCODER = PACK / "night-words"
CAPTIONER = PACK / "night-captioner"
_TORCH, _OPENVINO = "night-detector.pt", "night-detector_openvino_model"


def starter_embedder() -> Path | None:
    """Folder of the embedder's checkpoint, or ``None`` where this version carries none."""
    return EMBEDDER if (EMBEDDER / "model.json").is_file() else None


def starter_text_encoder() -> Path | None:
    """Folder of the text encoder of the embedder's space, or ``None`` where this version carries none."""
    return TEXT_ENCODER if (TEXT_ENCODER / "text.json").is_file() else None


def starter_captioner() -> Path | None:
    """Folder of the captioner, or ``None`` where this version carries none."""
    return CAPTIONER if (CAPTIONER / "captioner.json").is_file() else None


def starter_detector() -> Path | None:
    """The detector's weights, or ``None`` where this version carries none.

    The same network lies there twice: as a checkpoint, for GPUs and for training on, and as an OpenVINO
    export, which is what a machine without a GPU gets.
    """
    export, checkpoint = DETECTOR / _OPENVINO, DETECTOR / _TORCH
    if export.is_dir() and find_spec("openvino") is not None and not _has_gpu():
        return export
    return checkpoint if checkpoint.is_file() else None


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()

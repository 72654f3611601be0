"""From a path to a text encoder or captioner."""

from pathlib import Path

from reid_core.errors import ModelError
from reid_core.models.language import Captioner, TextEncoder
from reid_core.models.language_files import (
    CAPTIONERS,
    TEXT_ENCODERS,
    CaptionerManifest,
    TextManifest,
    open_language_files,
)


def load_text_encoder(path: Path | str, space: str | None = None) -> TextEncoder:
    """Load what turns texts into vectors of a visual model's space.

    Args:
        path: a folder with ``text.json``, or a checkpoint folder with ``text/`` inside.
        space: what its vectors will be compared in (`Embedder.space`); ``None`` for whatever it aims at.

    Raises:
        ModelMismatchError: it aims at another space.
        ModelError: it is missing, damaged or not valid, or nobody here loads its kind.
    """
    files = open_language_files(TextManifest, Path(path), space)
    manifest = files.manifest
    encoder = TEXT_ENCODERS.get(manifest.kind)(files)
    found = (encoder.model_id, encoder.space, encoder.dim)
    if found != (files.model_id, manifest.space, manifest.embedding):
        raise ModelError(f"The text encoder {manifest.name!r} is not what its text.json says.")
    return encoder


def load_captioner(path: Path | str, space: str | None = None) -> Captioner:
    """Load what turns crops into texts.

    Args:
        path: a folder with ``captioner.json``, or a checkpoint folder with ``captioner/`` inside.
        space: what its texts will be searched in; a captioner that aims at no space serves each.

    Raises:
        ModelMismatchError: it aims at another space.
        ModelError: it is missing, damaged or not valid, or nobody here loads its kind.
    """
    files = open_language_files(CaptionerManifest, Path(path), space)
    captioner = CAPTIONERS.get(files.manifest.kind)(files)
    if captioner.model_id != files.model_id:
        raise ModelError(f"The captioner {files.manifest.name!r} is not what its captioner.json says.")
    return captioner

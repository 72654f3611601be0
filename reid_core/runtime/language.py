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
from reid_core.runtime.captioning import FinishedCaptioner
from reid_core.starter import starter_captioner

STARTER = "starter"
"""What the starter pack's captioner goes by."""


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
    if encoder.dim != manifest.embedding:
        raise ModelError(f"The text encoder {path} gives {encoder.dim} numbers, not {manifest.embedding}.")
    if (encoder.model_id, encoder.space) != (files.model_id, manifest.space):
        raise ModelError(f"The text encoder {manifest.name!r} is not what its text.json says.")
    return encoder


def load_captioner(path: Path | str, space: str | None = None) -> Captioner:
    """Load what turns crops into texts. Whatever it says goes through `reid_core.words.finishing`.

    Args:
        path: a folder with ``captioner.json``, or a checkpoint folder with ``captioner/`` inside; ``starter``
            for that of the starter pack; or a BLIP or LLaVA in transformers' form: its folder, or its name on
            the Hugging Face hub.
        space: what its texts will be searched in; a captioner that aims at no space serves each.

    Raises:
        ModelMismatchError: it aims at another space.
        ModelError: it is missing, damaged or not valid, or nobody here loads its kind.
    """
    if str(path) == STARTER and not Path(path).exists():
        starter = starter_captioner()
        if starter is None:
            raise ModelError(
                "This version carries no captioner of its own.", "Name a folder, a BLIP or a LLaVA."
            )
        path = starter
    if not _has_manifest(Path(path)):
        from reid_core.models.published import open_published

        published = open_published(path)
        if published is not None:
            return FinishedCaptioner(CAPTIONERS.get(published.manifest.kind)(published))
    files = open_language_files(CaptionerManifest, Path(path), space)
    captioner = CAPTIONERS.get(files.manifest.kind)(files)
    if captioner.model_id != files.model_id:
        raise ModelError(f"The captioner {files.manifest.name!r} is not what its captioner.json says.")
    return FinishedCaptioner(captioner)


def _has_manifest(path: Path) -> bool:
    name = CaptionerManifest.file_name
    return any((place / name).is_file() for place in (path, path / CaptionerManifest.folder_name))

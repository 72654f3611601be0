"""Captioners as transformers writes them: a folder or a name on the hub, without a manifest of ours."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid_core.errors import ModelError
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.hub import reason
from reid_core.models.language_files import (
    FORMAT,
    CaptionerManifest,
    LanguageFiles,
    language_id,
)
from reid_core.preprocess import Preprocess

__all__ = ["KINDS", "check_told", "fetched", "files_of", "image_side", "open_published"]

KINDS = ("blip", "llava")
"""What transformers calls those that are known here, and `CAPTIONERS` too."""

_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_PIXEL = 255.0
_MODEL, _IMAGES = "config.json", "preprocessor_config.json"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_NEEDED = ("*.safetensors", "*.json", "*.txt")


def open_published(source: Path | str) -> LanguageFiles[CaptionerManifest] | None:
    """The files of a captioner without a ``captioner.json``, with the settings of its kind by default.

    Args:
        source: its folder, or its name on the Hugging Face hub, such as
            ``Salesforce/blip-image-captioning-large`` or ``llava-hf/llava-1.5-7b-hf``.

    Returns:
        ``None`` for a folder that holds none, and for what can be no name.

    Raises:
        ModelError: the hub does not have it, or cannot be reached; or what it has is of no known kind.
    """
    named = not Path(source).exists()
    if named and _HUB_NAME.fullmatch(str(source)) is None:
        return None
    folder = fetched(source)
    kind = _kind(folder)
    if kind not in KINDS:
        if not named:
            return None
        raise ModelError(
            f"{str(source)!r} is no captioner that is known here: it is of the kind {kind!r}.",
            f"Known are {' and '.join(KINDS)}.",
        )
    manifest = CaptionerManifest(format=FORMAT, name=str(source), kind=kind, weights=files_of(folder))
    return LanguageFiles(manifest, folder, language_id(manifest))


def check_told(folder: Path, told: Mapping[str, Any]) -> None:
    """Refuse a network whose tensors are not those of its file.

    Args:
        folder: of the captioner.
        told: the loading information of transformers.

    Raises:
        ModelError: one is missing, surplus or of another shape.
    """
    for what, names in told.items():
        # An old checkpoint keeps the numbers of places, which follow from their count.
        wrong = sorted(str(one) for one in names if not str(one).endswith("position_ids"))
        if wrong and what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            kind = what.removesuffix("_keys")
            raise ModelError(f"The captioner {folder} has {len(wrong)} {kind} tensors, such as {wrong[0]}.")


def image_side(folder: Path, size: int) -> Preprocess:
    """How crops become tensors: as the folder says, or CLIP's colours where it says nothing.

    Args:
        folder: of the captioner.
        size: height and width of its images.

    Raises:
        ModelError: what it says cannot be read.
    """
    file = folder / _IMAGES
    said: dict[str, Any] = {}
    if file.is_file():
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            mean, std = (tuple(float(one) for one in said[key]) for key in ("image_mean", "image_std"))
            if len(mean) != len(std) or len(mean) != 3:
                raise ValueError("mean and std are not of three channels")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{file} cannot be read: {error}.") from None
    else:
        mean, std = _CLIP_MEAN, _CLIP_STD
    return Preprocess(
        height=size,
        width=size,
        mean=(mean[0] * _PIXEL, mean[1] * _PIXEL, mean[2] * _PIXEL),
        std=(std[0] * _PIXEL, std[1] * _PIXEL, std[2] * _PIXEL),
        interpolation="bicubic",
    )


def _kind(folder: Path) -> str | None:
    try:
        said = json.loads((folder / _MODEL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said.get("model_type") if isinstance(said, dict) else None


def fetched(source: Path | str) -> Path:
    """The folder of a network: the one given, or the hub's, fetched where it is not on this machine.

    Raises:
        ModelError: the hub does not have it, or cannot be reached.
    """
    if Path(source).exists():
        return Path(source)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(source), allow_patterns=list(_NEEDED)))
    except Exception as error:
        # The hub's client has a family of errors; all mean the same to the user.
        raise ModelError(
            f"The captioner {str(source)!r} cannot be fetched: {reason(error)}.",
            f"Give the name of a {' or '.join(KINDS)} on the Hugging Face hub, or a folder that holds one.",
        ) from error


def files_of(folder: Path) -> dict[str, str]:
    """Name to SHA-256 of each file that says what the network is."""
    found = sorted({file.name for pattern in _NEEDED for file in folder.glob(pattern)})
    return {name: sha256_of(folder / name) for name in found}

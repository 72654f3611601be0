"""The files of a checkpoint on disk: where they are, whether they are whole, which model they make."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import ModelError
from reid_core.models.manifest import MANIFEST_NAME, ModelManifest, locate_manifest, model_id, read_manifest
from reid_core.types import Modality


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint whose files are there and undamaged.

    Attributes:
        manifest: what ``model.json`` says.
        folder: of the manifest; weights are relative to it.
        weights: the file to load, a modality each.
        model_id: what its vectors belong to.
    """

    manifest: ModelManifest
    folder: Path
    weights: Mapping[Modality, Path]
    model_id: str


def open_checkpoint(path: Path) -> CheckpointFiles:
    """Read a checkpoint's manifest and check its weights files byte by byte.

    Args:
        path: as for :func:`~reid_core.models.manifest.read_manifest`.

    Raises:
        ModelError: the manifest is not valid, or a weights file is missing, damaged or of the wrong
            kind.
    """
    location = locate_manifest(path)
    manifest = read_manifest(location)
    folder = location.parent
    digests: dict[str, str] = {}
    for relative in sorted({part for name in manifest.weights_by_modality.values() for part in parts(name)}):
        digests[relative] = _checked_digest(folder, relative, manifest)
    unknown = sorted(set(manifest.digest) - set(digests))
    if unknown:
        raise ModelError(f"{location} has a digest of {unknown[0]!r}, which is none of its weights files.")
    if not manifest.external and set(manifest.digest) != set(digests):
        raise ModelError(f"{location} has no digest of {sorted(set(digests) - set(manifest.digest))[0]!r}.")
    names = manifest.weights_by_modality
    return CheckpointFiles(
        manifest,
        folder,
        {modality: folder / name for modality, name in names.items()},
        model_id(manifest, {m: tuple(digests[part] for part in parts(n)) for m, n in names.items()}),
    )


def parts(weights: str) -> tuple[str, ...]:
    """The files that a weights path stands for: OpenVINO keeps its numbers in a ``.bin`` beside."""
    if weights.lower().endswith(".xml"):
        return (weights, weights[:-4] + ".bin")
    return (weights,)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_digest(folder: Path, relative: str, manifest: ModelManifest) -> str:
    file = folder / relative
    suffixes = {".onnx", ".xml", ".bin"} if manifest.external else {".safetensors"}
    if file.suffix.lower() not in suffixes:
        wanted = " or ".join(sorted(suffixes - {".bin"}))
        raise ModelError(f"The weights {file} of a model of kind {manifest.kind!r} must be {wanted}.")
    return checked_digest(file, manifest.digest.get(relative), manifest.name, MANIFEST_NAME)


def checked_digest(file: Path, wanted: str | None, model: str, manifest: str) -> str:
    """SHA-256 of a weights file, which must be what its manifest says where it says anything.

    Args:
        file: of weights.
        wanted: the digest, or ``None`` for any.
        model: its name, for the message.
        manifest: name of its file, for the message.

    Raises:
        ModelError: missing, unreadable, or another content.
    """
    try:
        digest = sha256_of(file)
    except FileNotFoundError:
        raise ModelError(f"The weights file {file} of model {model!r} does not exist.") from None
    except OSError as error:
        raise ModelError(f"The weights file {file} cannot be read: {error}.") from None
    if wanted not in (None, digest):
        raise ModelError(
            f"The weights file {file} is damaged: its content is not what {manifest} describes.",
            "Copy the checkpoint again.",
        )
    return digest

"""Writing and strictly reading the checkpoint folder of any system's network."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from reid_core.calibration import Calibration
from reid_core.errors import ModelError, StorageError
from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint, sha256_of
from reid_core.models.manifest import (
    FORMAT,
    MANIFEST_NAME,
    ModelManifest,
    PairKind,
    Result,
    Training,
    manifest_json,
)
from reid_core.models.network import Network
from reid_core.models.systems import SYSTEMS
from reid_core.preprocess import Preprocess
from reid_core.types import Modality

WEIGHTS_NAME = "weights.safetensors"


def save_checkpoint(
    folder: Path,
    model: Network,
    *,
    name: str,
    preprocess: Preprocess,
    label_map: Sequence[str] = (),
    training: Training | None = None,
    results: Sequence[Result] = (),
    calibration: Mapping[PairKind, Calibration] | None = None,
) -> ModelManifest:
    """Write a checkpoint beside its place and move it there when it is whole.

    Args:
        folder: to be created, or a checkpoint folder to be replaced.
        model: whose weights are written.
        name: for people.
        preprocess: what the model was trained on.
        label_map: the classifier's identities, in order.
        training: where the model comes from.
        results: what was measured.
        calibration: score -> probability, a kind of pair each.

    Returns:
        The manifest that was written.

    Raises:
        ModelError: the folder holds something else than a checkpoint.
        StorageError: the disk is full or read-only.
    """
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in model.state_dict().items()}
    with replaced_folder(folder) as scratch:
        _written(lambda: save_file(state, scratch / WEIGHTS_NAME))
        manifest = ModelManifest(
            format=FORMAT,
            name=name,
            kind=model.kind,
            weights=WEIGHTS_NAME,
            preprocess=preprocess,
            embedding=model.embedding,
            architecture=model.architecture,
            digest={WEIGHTS_NAME: sha256_of(scratch / WEIGHTS_NAME)},
            label_map=tuple(label_map),
            training=training or Training(),
            results=tuple(results),
            calibration=dict(calibration or {}),
        )
        write_manifest(scratch, manifest)
    return manifest


def load_checkpoint(folder: Path) -> tuple[Network, CheckpointFiles]:
    """Read a checkpoint strictly.

    Args:
        folder: of the checkpoint, or its manifest.

    Returns:
        The network in evaluation mode, and what its files say.

    Raises:
        ModelError: a file is missing or damaged, a tensor is missing, surplus or of the wrong shape, or
            the checkpoint is not one of ours.
    """
    files = open_checkpoint(folder)
    return load_network(files), files


def load_network(files: CheckpointFiles) -> Network:
    """The network of a checkpoint whose files were checked; see :func:`load_checkpoint`."""
    manifest = files.manifest
    if manifest.external:
        raise ModelError(f"The checkpoint {files.folder} is an external network, not one of this repository.")
    weights = files.weights[Modality.VISIBLE]
    try:
        state = load_file(weights)
    except SafetensorError as error:
        raise ModelError(f"The weights file {weights} is damaged: {error}.") from None
    # What a system draws at random for weights that are replaced at once leaves the global state alone.
    with torch.random.fork_rng(devices=[]):
        model = manifest.system.build(manifest.architecture, manifest.embedding)
    _check_tensors(weights, state, model.state_dict())
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def take_weights(model: Network, files: CheckpointFiles) -> None:
    """Give a network the weights of a checkpoint of its kind, for learning on.

    What only training needs, such as a classifier, stays the network's own.

    Raises:
        ModelError: the checkpoint is damaged, or of a network that is built otherwise.
    """
    source = load_network(files)
    own, other = _built(model), _built(source)
    if own["kind"] != other["kind"]:
        own, other = {"kind": own["kind"]}, {"kind": other["kind"]}
    unlike = [f"{key} {other[key]}, not {own[key]}" for key in own if own[key] != other[key]]
    if unlike:
        raise ModelError(f"The checkpoint {files.folder} is of another network: {'; '.join(unlike)}.")
    state = source.for_inference().state_dict()
    assert state.keys() == model.for_inference().state_dict().keys()
    model.load_state_dict(state, strict=False)


def _built(model: Network) -> dict[str, Any]:
    """What a network is built of, without what only training needs."""
    architecture = SYSTEMS.get(model.kind)().for_inference(model.architecture)
    return {"kind": model.kind, **dict(architecture), "embedding": model.embedding}


def write_manifest(folder: Path, manifest: ModelManifest) -> None:
    """Write ``model.json`` into a folder."""
    _written(lambda: (folder / MANIFEST_NAME).write_text(manifest_json(manifest), encoding="utf-8"))


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A scratch folder beside a checkpoint's place that becomes the checkpoint if nothing fails.

    Raises:
        ModelError: the place is taken by something else than a checkpoint.
        StorageError: the disk is full or read-only.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST_NAME).is_file():
        raise ModelError(f"{folder} holds something other than a checkpoint and is not replaced.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        around = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise _storage_error(folder, error) from error
    try:
        scratch = around / "new"
        scratch.mkdir()
        yield scratch
        if folder.exists():
            folder.rename(around / "old")
        scratch.rename(folder)
    except OSError as error:
        raise _storage_error(folder, error) from error
    finally:
        shutil.rmtree(around, ignore_errors=True)


def _written(write: Callable[[], object]) -> None:
    try:
        write()
    except SafetensorError as error:
        # safetensors hides the system's error, such as a full disk, in its own.
        raise OSError(str(error)) from error


def _storage_error(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"The checkpoint {folder} cannot be written: {error.strerror or error}.")


def _check_tensors(weights: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = [key for key in expected if key not in found]
    surplus = [key for key in found if key not in expected]
    for what, keys in (("lacks", missing), ("has surplus", surplus)):
        if keys:
            raise ModelError(
                f"The weights file {weights} {what} {len(keys)} tensor{'s' * (len(keys) > 1)}: {_few(keys)}.",
                "It belongs to another architecture than its model.json describes.",
            )
    for key, tensor in expected.items():
        if found[key].shape != tensor.shape or found[key].dtype != tensor.dtype:
            raise ModelError(
                f"The tensor {key} of {weights} is {_described(found[key])}, not {_described(tensor)}."
            )


def _few(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"

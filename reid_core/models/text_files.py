"""The folder ``text/`` of a text encoder that is one network and its tokenizer: written and read strictly."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reid_core.config import Settings
from reid_core.errors import ModelError
from reid_core.models.checkpoint_files import CheckpointFiles, sha256_of
from reid_core.models.language_files import FORMAT, LanguageFiles, TextManifest
from reid_core.models.text_tokens import TextTokenizer

__all__ = ["TOKENS", "checked_files", "norm_in_use", "read_network", "tokens_of", "write_text_encoder"]

TOKENS = "tokenizer.json"


def write_text_encoder(
    checkpoint: CheckpointFiles,
    name: str,
    kind: str,
    weights: tuple[str, Mapping[str, Tensor]],
    tokens: TextTokenizer,
    settings: Settings,
    embedding: int,
) -> Path:
    """Write an encoder into the checkpoint whose space it aims at, as ``text/``.

    Args:
        checkpoint: of the network whose space it is.
        name: for people.
        kind: as `TEXT_ENCODERS` knows it.
        weights: name of their file, and the tensors.
        tokens: that it reads.
        settings: what ``settings`` is to hold.
        embedding: numbers in a vector.

    Returns:
        The folder.
    """
    folder = checkpoint.folder / TextManifest.folder_name
    folder.mkdir(exist_ok=True)
    file, state = weights
    save_file({key: each.detach().cpu().contiguous() for key, each in state.items()}, folder / file)
    (folder / TOKENS).write_text(tokens.as_json(), encoding="utf-8")
    said = {
        "format": FORMAT,
        "name": name,
        "kind": kind,
        "space": checkpoint.model_id,
        "embedding": embedding,
        "weights": {each: sha256_of(folder / each) for each in (file, TOKENS)},
        "settings": settings.model_dump(mode="json"),
        "training": checkpoint.manifest.training.model_dump(mode="json"),
    }
    manifest = folder / TextManifest.file_name
    manifest.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def checked_files(files: LanguageFiles[TextManifest], weights: str) -> None:
    """Make sure that there are the files of an encoder: its weights and its tokenizer.

    Raises:
        ModelError: there are others.
    """
    needed = {weights, TOKENS}
    if set(files.manifest.weights) != needed:
        raise ModelError(f"The text encoder {files.folder} needs the files {', '.join(sorted(needed))}.")


def tokens_of(files: LanguageFiles[TextManifest]) -> str:
    """The tokenizer as `TextTokenizer.from_json` takes it."""
    return (files.folder / TOKENS).read_text(encoding="utf-8")


def norm_in_use(neck: nn.BatchNorm1d) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, scale and bias of ``(f - mean) scale + bias``, which a batch norm in use is: ``(D,)`` each."""
    assert neck.running_mean is not None and neck.running_var is not None
    return neck.running_mean, neck.weight / torch.sqrt(neck.running_var + neck.eps), neck.bias


def read_network(
    file: Path, network: nn.Module, prefix: str, others: Mapping[str, tuple[int, ...]], what: str
) -> dict[str, Tensor]:
    """Fill a network out of a file that must hold it whole.

    Args:
        file: of tensors.
        network: to fill.
        prefix: before the names of its tensors.
        others: names and shapes of what the file holds besides.
        what: the network is, in words.

    Returns:
        the others.

    Raises:
        ModelError: the file is damaged, or a tensor is missing, surplus or of another shape.
    """
    try:
        state = load_file(file)
    except SafetensorError as error:
        raise ModelError(f"The weights file {file} is damaged: {error}.") from None
    expected = {f"{prefix}{name}": tuple(each.shape) for name, each in network.state_dict().items()}
    expected.update(others)
    unlike = sorted(state.keys() ^ expected.keys()) or sorted(
        name for name, each in state.items() if tuple(each.shape) != expected[name]
    )
    if unlike:
        raise ModelError(f"The weights file {file} is of another {what} than text.json says: {unlike[0]}.")
    rest = {name: state.pop(name) for name in others}
    own = {name.removeprefix(prefix): each for name, each in state.items()}
    network.load_state_dict(own, strict=True, assign=True)
    network.eval()
    return rest

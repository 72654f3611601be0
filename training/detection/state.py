"""The state of a fine-tuning, from which a killed one resumes."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reid_core.errors import ModelError
from training.detection.one_class import write_whole

STATE_NAME = "state.pt"
_FORMAT = 1


def read_state(folder: Path) -> dict[str, Any] | None:
    """What a killed run left, or ``None``; tensors and numbers only.

    Raises:
        ModelError: the file is damaged or of another version.
    """
    file = folder / STATE_NAME
    if not file.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if state["format"] != _FORMAT:
            raise ValueError(f"format {state['format']}")
    except Exception as error:  # a damaged file raises anything at all in there
        raise ModelError(
            f"The state {file} is damaged or of another version.", "Start over with --restart."
        ) from error
    return state


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole or not at all.

    Raises:
        StorageError: the disk is full or read-only.
    """
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **state}, buffer)
    write_whole(folder / STATE_NAME, buffer.getvalue())


def load_weights(network: nn.Module, tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Give a network the weights of a state of the folder.

    Raises:
        ModelError: they are another network's.
    """
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ModelError(
            f"The state in {folder} is of another network.", "Start over with --restart."
        ) from error

"""The text branch as a text encoder of the network's space."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.config import Settings
from reid_core.errors import ModelError
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.language_files import LanguageFiles, TextManifest
from reid_core.models.star_reid.text_branch import TextBranch
from reid_core.models.star_reid.text_settings import BertSettings
from reid_core.models.star_reid.text_tokens import BertTokens
from reid_core.models.text_files import (
    checked_files,
    norm_in_use,
    read_network,
    tokens_of,
    write_text_encoder,
)
from reid_core.types import Floats

KIND = "bert"
_WEIGHTS = "branch.safetensors"
_BATCH = 64


class BertTextSettings(Settings):
    """What ``settings`` of ``text.json`` holds.

    Attributes:
        branch: as it was built.
        context: tokens that a text is cut at.
    """

    branch: BertSettings
    context: int


class BertTextEncoder:
    """Texts to vectors of the space of a network whose class token they learned to meet.

    The vector is that of ``[CLS]``, of length one; behind the network's neck where its own vectors are.

    Args:
        files: with the branch and the tokenizer.
    """

    settings = BertTextSettings

    def __init__(self, files: LanguageFiles[TextManifest]) -> None:
        self.model_id, self.space = files.model_id, files.manifest.space
        settings = files.manifest.settings
        assert isinstance(settings, BertTextSettings)
        checked_files(files, _WEIGHTS)
        self._tokens = BertTokens.from_json(tokens_of(files), settings.context)
        if self._tokens.size > settings.branch.vocabulary:
            raise ModelError(f"The tokenizer of {files.folder} has more tokens than its text branch reads.")
        self._branch, self._scale, self._bias = _read(files.folder / _WEIGHTS, settings.branch)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._branch.settings.projection

    def encode(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32 of length one; ``(0, D)`` for no texts.

        Raises:
            UsageError: a text is empty, or no text.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), _BATCH):
            rows = slice(start, start + _BATCH)
            tokens, there = (torch.from_numpy(each) for each in self._tokens(texts[rows]))
            with torch.inference_mode():
                found = self._branch(tokens, there).cls * self._scale + self._bias
                vectors[rows] = functional.normalize(found).numpy()
        return vectors


def save_text_encoder(
    checkpoint: CheckpointFiles, branch: TextBranch, neck: nn.Module | None, tokens: BertTokens, name: str
) -> Path:
    """Write a branch into the checkpoint whose space it aims at, as ``text/``.

    Args:
        checkpoint: of the network.
        branch: as wide as the network's vector.
        neck: batch norm that the network's vectors come through; ``None`` where they come through none.
        tokens: that it reads.
        name: for people.

    Returns:
        The folder.
    """
    state = {f"branch.{key}": each for key, each in branch.state_dict().items()}
    state["scale"], state["bias"] = _affine(neck, branch.settings.projection)
    settings = BertTextSettings(branch=branch.settings, context=tokens.context)
    return write_text_encoder(
        checkpoint, name, KIND, (_WEIGHTS, state), tokens, settings, branch.settings.projection
    )


def _affine(neck: nn.Module | None, width: int) -> tuple[Tensor, Tensor]:
    """Batch norm in use, ``f scale + bias``; nothing without one."""
    if neck is None:
        return torch.ones(width), torch.zeros(width)
    assert isinstance(neck, nn.BatchNorm1d)
    mean, scale, bias = norm_in_use(neck)
    return scale, bias - mean * scale


def _read(file: Path, settings: BertSettings) -> tuple[TextBranch, Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        branch = TextBranch(settings)
    affine = dict.fromkeys(("scale", "bias"), (settings.projection,))
    rest = read_network(file, branch, "branch.", affine, "text branch")
    return branch, rest["scale"], rest["bias"]

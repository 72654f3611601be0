"""A text tower and the neck behind it as a text encoder of a space."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.config import Settings
from reid_core.errors import ModelError
from reid_core.fusion import Ensemble, ensemble_cosines, ensemble_mean, semantic_filtered
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.clip_text.settings import TowerSettings
from reid_core.models.clip_text.tokens import Tokens
from reid_core.models.clip_text.tower import TextTower
from reid_core.models.language_files import LanguageFiles, TextManifest
from reid_core.models.text_files import (
    TOKENS,
    checked_files,
    norm_in_use,
    read_network,
    tokens_of,
    write_text_encoder,
)
from reid_core.types import Floats

KIND = "clip"
_WEIGHTS = "tower.safetensors"
# Of the neck, in the order in which `_Neck` takes them.
_NECK = ("mean", "scale", "bias")
_BATCH = 64


class ClipTextSettings(Settings):
    """What ``settings`` of ``text.json`` holds.

    Attributes:
        tower: as it was built.
    """

    tower: TowerSettings


class ClipTextEncoder:
    """Texts to vectors of the space of a network with a neck.

    The tower's features meet the network's before the neck; the vector is ``L2(BN(t))``, as that of an image
    is ``L2(BN(f))``.

    Args:
        files: with the tower, the neck and the tokenizer.
    """

    settings = ClipTextSettings

    def __init__(self, files: LanguageFiles[TextManifest]) -> None:
        self.model_id, self.space = files.model_id, files.manifest.space
        settings = files.manifest.settings
        assert isinstance(settings, ClipTextSettings)
        checked_files(files, _WEIGHTS)
        self.tokens = Tokens.from_json(tokens_of(files), settings.tower.context)
        self.tokens.check(settings.tower, TOKENS)
        self._tower, self._neck = _read(files.folder / _WEIGHTS, settings.tower)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._tower.settings.projection

    def encode(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32 of length one; ``(0, D)`` for no texts.

        Raises:
            UsageError: a text is empty, or no text.
        """
        return self.necked(self.raw(texts))

    def raw(self, texts: Sequence[str]) -> Floats:
        """Before the neck: ``(N, D)`` float32 of any length.

        Raises:
            UsageError: a text is empty, or no text.
        """
        features = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), _BATCH):
            tokens = torch.from_numpy(self.tokens(texts[start : start + _BATCH]))
            with torch.inference_mode():
                features[start : start + _BATCH] = self._tower(tokens).numpy()
        return features

    def necked(self, features: Floats) -> Floats:
        """Raw features of images or texts as vectors of the space: ``(N, D)`` to the same of length one."""
        with torch.inference_mode():
            vectors: Floats = functional.normalize(self._neck(torch.from_numpy(features))).numpy()
        return vectors

    def fused(self, infrared: Floats, wanted: Sequence[str], filtered: Sequence[str]) -> Floats:
        """Semantic filtered fusion: vectors of infrared images with words.

        Args:
            infrared: ``(N, D)`` raw features.
            wanted: ``N`` texts about the visible person.
            filtered: ``N`` filter texts.

        Returns:
            ``(N, D)`` float32 of length one.
        """
        return self.necked(semantic_filtered(infrared, self.raw(wanted), self.raw(filtered)))

    def ensemble(
        self, infrared: Floats, wanted: Sequence[str], filtered: Sequence[str], form: Ensemble
    ) -> Floats:
        """Modality ensemble: infrared image, text and their fusion as one query; see `reid_core.fusion`."""
        text = self.raw(wanted)
        fusion = semantic_filtered(infrared, text, self.raw(filtered))
        if form == "mean":
            return self.necked(ensemble_mean(infrared, text, fusion))
        return ensemble_cosines(self.necked(infrared), self.necked(text), self.necked(fusion))


def save_text_encoder(
    checkpoint: CheckpointFiles, tower: TextTower, neck: nn.Module, tokens: Tokens, name: str
) -> Path:
    """Write a tower into the checkpoint whose space it aims at, as ``text/``.

    Args:
        checkpoint: of the network that has the neck.
        tower: as wide as the network's raw feature.
        neck: batch norm of it.
        tokens: that it reads.
        name: for people.

    Returns:
        The folder.
    """
    if not isinstance(neck, nn.BatchNorm1d) or neck.running_mean is None:
        raise ModelError(
            "A text encoder is kept with the batch norm of its network's neck, and this has none."
        )
    state = {f"tower.{key}": each for key, each in tower.state_dict().items()}
    state |= {f"neck.{key}": each for key, each in zip(_NECK, norm_in_use(neck), strict=True)}
    settings = ClipTextSettings(tower=tower.settings)
    return write_text_encoder(
        checkpoint, name, KIND, (_WEIGHTS, state), tokens, settings, tower.settings.projection
    )


class _Neck(nn.Module):
    """Batch norm in use: ``(f - mean) scale + bias``."""

    mean: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor) -> Tensor:
        moved: Tensor = (features - self.mean) * self.scale + self.bias
        return moved


def _read(file: Path, settings: TowerSettings) -> tuple[TextTower, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        tower = TextTower(settings)
    neck = {f"neck.{name}": (settings.projection,) for name in _NECK}
    rest = read_network(file, tower, "tower.", neck, "text tower")
    return tower, _Neck(*(rest[name] for name in neck))

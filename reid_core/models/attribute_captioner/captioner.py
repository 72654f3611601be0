"""The captioner: an embedder's network looks, a small head answers, a grammar words it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from reid_core.config import Settings
from reid_core.errors import ModelError, ModelMismatchError
from reid_core.models.attribute_captioner.groups import GROUPS
from reid_core.models.attribute_captioner.head import AttributeHead
from reid_core.models.attribute_captioner.saying import said
from reid_core.models.checkpoint import load_network
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.language_files import CaptionerManifest, LanguageFiles
from reid_core.models.network import Network
from reid_core.preprocess import Preprocess, as_rgb, grey
from reid_core.types import Floats, Image, Modality

KIND, WEIGHTS = "attributes", "captioner.safetensors"
GRID = (8, 4)
"""Rows and columns of the maps that are looked at."""


class AttributeSettings(Settings):
    """What ``settings`` of ``captioner.json`` holds.

    Attributes:
        eyes: checkpoint folder of the embedder whose network looks, relative to the manifest; ``space`` is
            its id.
        groups: group to the values it knows, of `reid_core.models.attribute_captioner.groups.GROUPS`.
        certain: group to the probability from which on something is said of it, for each of the groups.
        width: of the head.
    """

    eyes: str
    groups: dict[str, tuple[str, ...]]
    certain: dict[str, float]
    width: int = Field(ge=1)

    @field_validator("groups")
    @classmethod
    def _known(cls, groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        strange = sorted(set(groups) - set(GROUPS))
        if strange:
            raise ValueError(f"there is no group {strange[0]!r}")
        empty = sorted(name for name, values in groups.items() if not values)
        if empty:
            raise ValueError(f"the group {empty[0]!r} has no values")
        return groups

    @model_validator(mode="after")
    def _all_certain(self) -> Self:
        unlike = sorted(set(self.certain) ^ set(self.groups))
        if unlike:
            raise ValueError(f"only one of 'groups' and 'certain' has {unlike[0]!r}")
        return self


class Eyes:
    """An embedder's network as it sees crops in parts and as a whole.

    Args:
        folder: of its checkpoint.

    Raises:
        ModelError: it is missing, damaged, an external network, or its system shows no maps.
    """

    def __init__(self, folder: Path) -> None:
        files = open_checkpoint(folder)
        if files.manifest.external:
            raise ModelError(f"The external model {files.manifest.name!r} shows no maps to caption from.")
        self.model_id = files.model_id
        self.name = files.manifest.name
        # A mirror image would have left and right exchanged.
        self.preprocess: Preprocess = files.manifest.preprocess.model_copy(update={"mirror": False})
        self._network: Network = load_network(files).eval()

    @torch.inference_mode()
    def look(self, images: Tensor, modality: Modality) -> tuple[Tensor, Tensor]:
        """Preprocessed ``(N, 3, H, W)`` to maps ``(N, C, 8, 4)`` and vectors ``(N, D)``."""
        return self._network.sights(images, modality, GRID)

    def tensors(self, crops: Sequence[Image], modality: Modality) -> Tensor:
        """Crops as the network takes them; infrared ones by their one channel.

        Raises:
            UsageError: a crop is no image.
        """
        shown = [as_rgb(crop, at) for at, crop in enumerate(crops)]
        if modality is Modality.INFRARED:
            shown = [grey(crop) for crop in shown]
        return torch.from_numpy(self.preprocess(shown))


class AttributeCaptioner:
    """Captions of what the head is certain of. Infrared crops are asked nothing that has a colour.

    Args:
        files: with the head; the embedder lies where the settings say.
    """

    settings = AttributeSettings

    def __init__(self, files: LanguageFiles[CaptionerManifest]) -> None:
        settings = files.manifest.settings
        assert isinstance(settings, AttributeSettings)
        self.model_id = files.model_id
        self._settings = settings
        self._eyes = Eyes(files.folder / settings.eyes)
        if self._eyes.model_id != files.manifest.space:
            raise ModelMismatchError(
                f"The captioner {files.manifest.name!r} learned with another embedder than "
                f"{self._eyes.name!r} in {files.folder / settings.eyes}.",
                "Train it again: nightreid train-captioner.",
            )
        self._head = _read_head(files.folder / WEIGHTS, settings)

    def caption(self, crops: Sequence[Image], modality: Modality) -> tuple[str, ...]:
        """One sentence for each crop.

        Raises:
            UsageError: a crop is no image.
        """
        groups, certain = self._settings.groups, self._settings.certain
        return tuple(said(one, groups, certain) for one in self.answers(crops, modality))

    @torch.inference_mode()
    def answers(self, crops: Sequence[Image], modality: Modality) -> list[dict[str, Floats]]:
        """Of each crop the probabilities of each group's values, "nothing" first.

        Raises:
            UsageError: a crop is no image.
        """
        maps, vectors = self._eyes.look(self._eyes.tensors(crops, modality), modality)
        chances = {
            name: logits.softmax(-1).numpy() for name, logits in self._head(maps, vectors, modality).items()
        }
        return [
            {name: np.asarray(rows[at], np.float32) for name, rows in chances.items()}
            for at in range(len(crops))
        ]


def _read_head(file: Path, settings: AttributeSettings) -> AttributeHead:
    try:
        state: dict[str, Any] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights {file} cannot be read: {error}.") from None
    try:
        channels, vector = state["narrow.weight"].shape[1], state["whole.weight"].shape[1]
        head = AttributeHead(channels, vector, GRID, settings.width, settings.groups)
        head.load_state_dict({name: each.float() for name, each in state.items()}, strict=True)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"The weights {file} are not those of its captioner.json: {error}.") from None
    return head.eval()

"""Crops of people to raw features, before the neck: what words are added to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from reid_core.errors import ModelError
from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.network import NeckedNetwork
from reid_core.preprocess import as_rgb, grey
from reid_core.runtime.embedder import BATCH_SIZE
from reid_core.types import Floats, Image, Modality


class RawFeatures:
    """A checkpoint's network up to its neck, by torch on the CPU.

    Args:
        checkpoint: folder of a network with a neck.

    Raises:
        ModelError: the checkpoint cannot be loaded, or its network has no neck.
    """

    def __init__(self, checkpoint: Path) -> None:
        network, files = load_checkpoint(checkpoint)
        if not isinstance(network, NeckedNetwork):
            raise ModelError(f"A network of the system {network.kind!r} has no neck for words to meet.")
        self._network = network
        self._preprocess = files.manifest.preprocess
        self.model_id = files.model_id

    def __call__(self, crops: Sequence[Image], modality: Modality, *, mirror: bool | None = None) -> Floats:
        """Raw features of crops of one modality.

        Args:
            crops: ``uint8`` ``h x w x 3`` of any sizes; infrared ones are reduced to their one channel.
            modality: of all of them.
            mirror: the mean of a crop's and its mirror image's; by default as the model was made for.

        Returns:
            ``(N, D)`` float32 of any length.

        Raises:
            UsageError: a crop is no image.
        """
        turned = self._preprocess.mirror if mirror is None else mirror
        features = np.empty((len(crops), self._network.embedding), np.float32)
        for start in range(0, len(crops), BATCH_SIZE):
            chunk = [
                as_rgb(crop, start + place) for place, crop in enumerate(crops[start : start + BATCH_SIZE])
            ]
            if modality is Modality.INFRARED:
                chunk = [grey(crop) for crop in chunk]
            images = torch.from_numpy(self._preprocess(chunk))
            with torch.inference_mode():
                found = self._network.raw(images, modality)
                if turned:
                    found = (found + self._network.raw(images.flip(-1), modality)) / 2
            features[start : start + len(chunk)] = found.numpy()
        return features

"""Features of several augmented views of each training image, computed once where the network is frozen."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reid_core.config import Settings
from reid_core.errors import StorageError
from reid_core.types import Floats, Ints, Modality
from training.datasets.records import ImageRecord
from training.seeding import generator

REVISION = 1
"""A change in how views are drawn or kept makes older files stale."""

_BATCH = 64

Told = Callable[[int, int], None]
Augmented = Callable[[Ints, int, list[np.random.Generator]], Floats]
"""Places of one modality, part of a batch (a view of the visible images, or the infrared ones), streams: to
``(N, 3, H, W)``."""


class Frozen(Protocol):
    """What sees the images and does not learn: a network with a neck, or a part of another one."""

    @property
    def architecture(self) -> Settings:
        """What was built."""

    @property
    def embedding(self) -> int:
        """Numbers in what `raw` gives."""

    def raw(self, images: Tensor, modality: Modality) -> Tensor:
        """``(N, 3, H, W)`` of one modality to ``(N, D)``."""

    def state_dict(self) -> dict[str, Any]:
        """As of any module."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """As of any module."""


@dataclass(frozen=True, slots=True)
class FrozenViews:
    """What is computed once, and how often.

    Attributes:
        network: in evaluation mode, on its device.
        count: ``K``, views of each image in each part of a batch.
        views: of a visible image in a batch, 1 or 2.
    """

    network: Frozen
    count: int
    views: int = 1


class KeptFeatures:
    """Raw features of ``K`` views of every training image in every part of a batch that shows it.

    Args:
        values: ``(S, K, D)``; a visible image has a row for each of the ``views`` of a batch, an infrared one
            has one.
        records: the training images.
        views: of a visible image in a batch.
        seed: of the run, by which a step draws among the ``K``.
    """

    def __init__(
        self, values: NDArray[np.float32], records: tuple[ImageRecord, ...], views: int, seed: int
    ) -> None:
        self._values = values
        self._starts = _starts(records, views)
        self._seed = seed

    def __call__(self, step: int, places: Ints, parts: Ints) -> Floats:
        """The features of a batch's rows.

        Args:
            step: of the batch.
            places: ``(N,)`` of the images.
            parts: ``(N,)`` which view of a visible image; 0 for infrared ones.

        Returns:
            ``(N, D)`` float32.
        """
        drawn = generator(self._seed, "kept", step).integers(self._values.shape[1], size=len(places))
        return np.asarray(self._values[self._starts[places] + parts, drawn], np.float32)


def kept_features(
    frozen: FrozenViews,
    augmented: Augmented,
    records: tuple[ImageRecord, ...],
    *,
    seed: int,
    said: object,
    cache: Path,
    told: Told | None = None,
) -> KeptFeatures:
    """Compute them, or find them in the cache.

    Args:
        frozen: what sees the images, and how often.
        augmented: makes the images.
        records: the training images.
        seed: of the run.
        said: all else that changes an image: plain data, part of the file's name.
        cache: folder for the file.
        told: called with views done and their number.

    Raises:
        SourceError: an image is missing or damaged.
        StorageError: the cache cannot be written.
    """
    network, views = frozen.network, frozen.views
    starts = _starts(records, views)
    shape = int(starts[-1]), frozen.count, network.embedding
    device = next(network.parameters()).device
    key = [REVISION, said, seed, views, shape, device.type, _weights(network)]
    file = cache / f"{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:40]}.npy"
    if not file.is_file():
        try:
            _write(file, network, augmented, records, starts, shape, views, seed, told)
        except OSError as error:
            raise StorageError(
                f"The feature cache {file} cannot be written: {error.strerror or error}.",
                "NIGHTREID_CACHE names another folder for it.",
            ) from error
    values: NDArray[np.float32] = np.load(file, mmap_mode="r")
    return KeptFeatures(values, records, views, seed)


def _starts(records: tuple[ImageRecord, ...], views: int) -> Ints:
    """Where each image's rows begin, and how many rows there are."""
    rows = [views if record.modality is Modality.VISIBLE else 1 for record in records]
    return np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)


def _weights(network: Frozen) -> str:
    digest = hashlib.sha256(repr(network.architecture).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().numpy()).tobytes())
    return digest.hexdigest()


def _write(
    file: Path,
    network: Frozen,
    augmented: Augmented,
    records: tuple[ImageRecord, ...],
    starts: Ints,
    shape: tuple[int, int, int],
    views: int,
    seed: int,
    told: Told | None,
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npy")
    device: Any = next(network.parameters()).device
    done, total = 0, shape[0] * shape[1]
    try:
        values = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.float32, shape=shape)
        for modality in Modality:
            every = np.flatnonzero([record.modality is modality for record in records])
            visible = modality is Modality.VISIBLE
            for part in range(views if visible else 1):
                for start in range(0, len(every), _BATCH):
                    places = every[start : start + _BATCH]
                    for view in range(shape[1]):
                        streams = [
                            generator(seed, "kept view", place, part, view) for place in places.tolist()
                        ]
                        images = torch.from_numpy(augmented(places, part if visible else views, streams))
                        with torch.inference_mode():
                            ready = images.to(device, memory_format=torch.channels_last)
                            values[starts[places] + part, view] = network.raw(ready, modality).cpu().numpy()
                        done += len(places)
                        if told is not None:
                            told(done, total)
        values.flush()
        del values
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)

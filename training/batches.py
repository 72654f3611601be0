"""Batches ready for the network: a function of the seed and the step, by however many processes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from reid_core.types import Floats, Image, Ints, Modality, Spectrum
from training.augmentation.pipeline import Augmenter
from training.datasets.records import ImageRecord
from training.sampling import IdentitySampler
from training.seeding import generator


class Batch(NamedTuple):
    """What one step learns from.

    Attributes:
        visible: ``(V, 3, H, W)`` float32; with two views, all first views, then all second ones.
        infrared: ``(I, 3, H, W)`` float32.
        labels: ``(V + I,)`` int64, visible first, as the network gives its rows.
    """

    visible: Tensor
    infrared: Tensor
    labels: Tensor


class TrainingBatches(Dataset[Batch]):
    """Batch number ``step``, for any step.

    Args:
        images: ``(N, h, w, 3)`` uint8, by record.
        records: the training images.
        sampler: which make a batch.
        augmenter: what is done to them.
        views: of each visible image, 1 or 2.
        seed: of the run.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        records: tuple[ImageRecord, ...],
        sampler: IdentitySampler,
        augmenter: Augmenter,
        views: int,
        seed: int,
    ) -> None:
        self._images = images
        self._records = records
        self._sampler = sampler
        self._augmenter = augmenter
        self._views = views
        self._seed = seed
        pools: dict[Spectrum | None, list[int]] = {}
        for place, record in enumerate(records):
            pools.setdefault(record.spectrum, []).append(place)
        self._pools = {spectrum: np.array(places) for spectrum, places in pools.items()}

    def __getitem__(self, step: int) -> Batch:
        """Draw and augment one batch."""
        drawn = self._sampler.batch(step)
        visible = np.concatenate([self._made(drawn.visible, step, view) for view in range(self._views)])
        infrared = self._made(drawn.infrared, step, self._views)
        labels = np.concatenate([*[drawn.visible_labels] * self._views, drawn.infrared_labels])
        return Batch(torch.from_numpy(visible), torch.from_numpy(infrared), torch.from_numpy(labels))

    def _made(self, places: Ints, step: int, part: int) -> Floats:
        """The images of one part of a batch: a view of the visible ones, or the infrared ones."""
        pictures: list[Image] = []
        streams = [generator(self._seed, "augmentation", step, part, number) for number in range(len(places))]
        for place, rng in zip(places.tolist(), streams, strict=True):
            record = self._records[place]
            pool = self._pools[record.spectrum]
            other = self._images[pool[int(rng.integers(len(pool)))]]
            pictures.append(
                self._augmenter.picture(self._images[place], other, record.modality, record.spectrum, rng)
            )
        tensors = self._augmenter.tensors(pictures)
        modality = self._records[int(places[0])].modality
        last = modality is Modality.VISIBLE and part == self._views - 1
        for tensor, rng in zip(tensors, streams, strict=True):
            self._augmenter.channels(tensor, modality, last, rng)
        return tensors


def batches_from(source: TrainingBatches, first: int, end: int, workers: int, seed: int) -> Iterator[Batch]:
    """The batches of steps ``first`` to ``end - 1``, prepared ahead by worker processes if any."""
    if not workers:
        yield from (source[step] for step in range(first, end))
        return
    loader: Any = DataLoader(
        source,
        batch_size=None,
        sampler=range(first, end),
        num_workers=workers,
        worker_init_fn=_one_thread,
        # The workers' own base seed comes from it, not from the global state.
        generator=torch.Generator().manual_seed(seed),
    )
    yield from loader


def _one_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)

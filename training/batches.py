"""Batches ready for the network: a function of the seed and the step, by however many processes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from reid_core.types import Floats, Image, Ints, Modality, Spectrum
from training.augmentation.pipeline import Augmenter
from training.augmentation.step import Shown
from training.datasets.records import ImageRecord
from training.needs import Needs, draw
from training.sampling import IdentitySampler
from training.seeding import generator


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from; rows are the visible images, then the infrared ones.

    Attributes:
        step: counted from 0 over the whole run.
        visible: ``(V, 3, H, W)`` float32; with two views, all first views, then all second ones.
        infrared: ``(I, 3, H, W)`` float32.
        labels: ``(V + I,)`` int64, classes.
        texts: by the names that the system asked for, in the order of the rows.
        rows: numbers by the names that the system asked for, ``(V + I, ...)``.
    """

    step: int
    visible: Tensor
    infrared: Tensor
    labels: Tensor
    texts: Mapping[str, list[str]] = field(default_factory=dict)
    rows: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def is_infrared(self) -> Tensor:
        """``(V + I,)`` bool, which rows are infrared."""
        return torch.arange(len(self.labels), device=self.labels.device) >= len(self.visible)

    def to(self, device: str) -> "Batch":
        """The same on a device."""
        layout = torch.channels_last
        return replace(
            self,
            visible=self.visible.to(device, memory_format=layout, non_blocking=True),
            infrared=self.infrared.to(device, memory_format=layout, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
            rows={name: rows.to(device, non_blocking=True) for name, rows in self.rows.items()},
        )


class TrainingBatches(Dataset[Batch]):
    """Batch number ``step``, for any step.

    Args:
        images: ``(N, h, w, 3)`` uint8, by record.
        records: the training images.
        sampler: which make a batch.
        augmenter: what is done to them.
        views: of each visible image, 1 or 2.
        seed: of the run.
        needs: what a batch brings besides.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        records: tuple[ImageRecord, ...],
        sampler: IdentitySampler,
        augmenter: Augmenter,
        views: int,
        seed: int,
        needs: Needs,
    ) -> None:
        self._images = images
        self._records = records
        self._sampler = sampler
        self._augmenter = augmenter
        self._views = views
        self._seed = seed
        self._needs = needs
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
        places = np.concatenate([*[drawn.visible] * self._views, drawn.infrared])
        return Batch(
            step,
            torch.from_numpy(visible),
            torch.from_numpy(infrared),
            torch.from_numpy(labels),
            {
                name: draw(texts, places, self._records, generator(self._seed, "texts", name, step))
                for name, texts in self._needs.texts.items()
            },
            {
                name: torch.from_numpy(rows.values[places if rows.level == "image" else labels])
                for name, rows in self._needs.rows.items()
            },
        )

    def _made(self, places: Ints, step: int, part: int) -> Floats:
        """The images of one part of a batch: a view of the visible ones, or the infrared ones."""
        pictures: list[Image] = []
        visible = self._records[int(places[0])].modality is Modality.VISIBLE
        first, last = not visible or part == 0, not visible or part == self._views - 1
        shown = [
            Shown(self._records[place].modality, self._records[place].spectrum, first, last)
            for place in places.tolist()
        ]
        streams = [generator(self._seed, "augmentation", step, part, number) for number in range(len(places))]
        for place, each, rng in zip(places.tolist(), shown, streams, strict=True):
            pool = self._pools[each.spectrum]
            other = self._images[pool[int(rng.integers(len(pool)))]]
            pictures.append(self._augmenter.picture(self._images[place], other, each, rng))
        tensors = self._augmenter.tensors(pictures)
        for tensor, each, rng in zip(tensors, shown, streams, strict=True):
            self._augmenter.channels(tensor, each, rng)
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
        # A batch is whole as it comes.
        collate_fn=_as_it_is,
        worker_init_fn=_one_thread,
        # The workers' own base seed comes from it, not from the global state.
        generator=torch.Generator().manual_seed(seed),
    )
    yield from loader


def _as_it_is(batch: Any) -> Any:
    return batch


def _one_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)

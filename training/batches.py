"""Batches ready for the network: a function of the seed and the step, by however many processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from training.kept import KeptFeatures
from training.needs import Needs, draw
from training.sampling import IdentitySampler
from training.seeding import generator
from training.stopwatch import UNTIMED, Stopwatch

KEPT = "kept features"
"""The rows of a batch whose images' features were computed before: see `training.kept`."""

_LOOKS = 2
"""Visible images of each person that say who looks like whom."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from; rows are the visible images, then the infrared ones.

    Attributes:
        step: counted from 0 over the whole run.
        visible: ``(V, 3, H, W)`` float32; with two views, all first views, then all second ones. Where their
            features are kept, ``(V, 3, 0, 0)``.
        infrared: ``(I, 3, H, W)`` float32, likewise.
        labels: ``(V + I,)`` int64, classes.
        texts: by the names that the system asked for, in the order of the rows.
        rows: numbers by the names that the system asked for, ``(V + I, ...)``; kept features as `KEPT`.
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
        stopwatch: told how long augmentation takes; the rest of a batch is loading.
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
        stopwatch: Stopwatch = UNTIMED,
    ) -> None:
        self._stopwatch = stopwatch
        self._images = images
        self._records = records
        self._sampler = sampler
        self._augmenter = augmenter
        self._views = views
        self._seed = seed
        self._needs = needs
        self._kept: KeptFeatures | None = None
        pools: dict[Spectrum | None, list[int]] = {}
        for place, record in enumerate(records):
            pools.setdefault(record.spectrum, []).append(place)
        self._pools = {spectrum: np.array(places) for spectrum, places in pools.items()}

    def know_look_alikes(
        self, describe: Callable[[NDArray[np.uint8], Sequence[ImageRecord], Ints], Floats]
    ) -> None:
        """Let the sampler know who looks like whom, if it asks.

        Args:
            describe: images, their records, and ``(R,)`` which of them, to ``(R, D)`` vectors.
        """
        if not self._sampler.alike:
            return
        places, classes = self._sampler.visible_images(_LOOKS)
        vectors = describe(self._images, self._records, places)
        means = np.zeros((classes[-1] + 1, vectors.shape[1]), np.float32)
        np.add.at(means, classes, vectors)
        self._sampler.know_look_alikes(means / np.linalg.norm(means, axis=1, keepdims=True))

    def keep(self, features: KeptFeatures) -> None:
        """From now on batches bring these instead of images."""
        self._kept = features

    def __getitem__(self, step: int) -> Batch:
        """Draw and augment one batch."""
        drawn = self._sampler.batch(step)
        labels = np.concatenate([*[drawn.visible_labels] * self._views, drawn.infrared_labels])
        places = np.concatenate([*[drawn.visible] * self._views, drawn.infrared])
        rows = {
            name: torch.from_numpy(rows.values[places if rows.level == "image" else labels])
            for name, rows in self._needs.rows.items()
        }
        if self._kept is not None:
            parts = np.repeat(
                [*range(self._views), 0], [*[len(drawn.visible)] * self._views, len(drawn.infrared)]
            )
            rows[KEPT] = torch.from_numpy(self._kept(step, places, parts))
            visible, infrared = (
                np.empty((count, 3, 0, 0), np.float32)
                for count in (len(drawn.visible) * self._views, len(drawn.infrared))
            )
        else:
            visible = np.concatenate([self._made(drawn.visible, step, view) for view in range(self._views)])
            infrared = self._made(drawn.infrared, step, self._views)
        return Batch(
            step,
            torch.from_numpy(visible),
            torch.from_numpy(infrared),
            torch.from_numpy(labels),
            {
                name: draw(texts, places, self._records, generator(self._seed, "texts", name, step))
                for name, texts in self._needs.texts.items()
            },
            rows,
        )

    def _made(self, places: Ints, step: int, part: int) -> Floats:
        """The images of one part of a batch, by streams of the step."""
        streams = [generator(self._seed, "augmentation", step, part, number) for number in range(len(places))]
        read = self._read(places, streams)
        with self._stopwatch.timed("augmentation"):
            return self._changed(read, places, part, streams)

    def augmented(self, places: Ints, part: int, streams: Sequence[np.random.Generator]) -> Floats:
        """Augmented images of one modality.

        Args:
            places: ``(N,)`` of the images, all of one modality.
            part: of a batch: a view of the visible images, or, behind those, the infrared ones.
            streams: of each, where everything is drawn from.

        Returns:
            ``(N, 3, H, W)`` float32.
        """
        return self._changed(self._read(places, streams), places, part, streams)

    def _read(self, places: Ints, streams: Sequence[np.random.Generator]) -> list[tuple[Image, Image]]:
        """Each image, and another one of its spectrum, out of the file."""
        read = []
        for place, rng in zip(places.tolist(), streams, strict=True):
            pool = self._pools[self._records[place].spectrum]
            other = pool[int(rng.integers(len(pool)))]
            read.append((np.array(self._images[place]), np.array(self._images[other])))
        return read

    def _changed(
        self,
        read: Sequence[tuple[Image, Image]],
        places: Ints,
        part: int,
        streams: Sequence[np.random.Generator],
    ) -> Floats:
        visible = self._records[int(places[0])].modality is Modality.VISIBLE
        first, last = not visible or part == 0, not visible or part == self._views - 1
        shown = [
            Shown(self._records[place].modality, self._records[place].spectrum, first, last)
            for place in places.tolist()
        ]
        pictures = [
            self._augmenter.picture(own, other, each, rng)
            for (own, other), each, rng in zip(read, shown, streams, strict=True)
        ]
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

"""What a batch brings besides images and labels, where a system asks for it: texts, and rows of numbers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from reid_core.config import Settings
from reid_core.errors import SourceError
from reid_core.types import Ints, Modality
from training.datasets.captions import read_identity_captions, read_image_captions
from training.datasets.records import ImageRecord, ReidDataset


class CaptionSettings(Settings):
    """Which captions go with the images; a section for recipes of systems that read.

    Attributes:
        level: ``image`` for captions of single images, ``identity`` for those of people.
        files: in the Tri schema (see `training.datasets.captions`), below the data set's folder or anywhere.
        rephrased: take the other wording of an image's caption as often as the caption, where there is one.
    """

    level: Literal["image", "identity"] = "image"
    files: tuple[Path, ...] = Field(default=(), min_length=1)
    rephrased: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be said of the images.

    Attributes:
        candidates: of each training image, by its place: one is drawn each time; none where ``modality``
            leaves the image out.
        modality: a batch brings the texts of these images alone; ``None`` for all of them.
    """

    candidates: tuple[tuple[str, ...], ...]
    modality: Modality | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Numbers of each image or of each identity.

    Attributes:
        values: ``(R, ...)`` by the place of a training image, or ``(C, ...)`` by class.
        level: which of both.
    """

    values: NDArray[Any]
    level: Literal["image", "identity"] = "identity"


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything of that kind, by names of the system's choice; nothing by default.

    Attributes:
        texts: become `training.batches.Batch.texts`.
        rows: become `training.batches.Batch.rows`.
    """

    texts: Mapping[str, Texts] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """SHA-256 over all of it: a run resumes on the same; ``None`` where there is nothing."""
        if not self.texts and not self.rows:
            return None
        digest = hashlib.sha256()
        for name, texts in sorted(self.texts.items()):
            digest.update(repr((name, texts.candidates, texts.modality)).encode())
        for name, rows in sorted(self.rows.items()):
            digest.update(repr((name, rows.level, rows.values.shape, rows.values.dtype.str)).encode())
            digest.update(np.ascontiguousarray(rows.values).tobytes())
        return digest.hexdigest()


def read_texts(
    settings: CaptionSettings,
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    modality: Modality | None = None,
) -> Texts:
    """The captions of training images.

    Args:
        settings: which.
        dataset: that the captions speak of.
        records: the training images, in their order.
        modality: of the images that need one; ``None`` for all.

    Raises:
        SourceError: a file is missing or of another schema, or an image that needs a caption has none.
    """
    files = [dataset.root / file for file in settings.files]
    wanted = [modality is None or record.modality is modality for record in records]
    said = _of_images if settings.level == "image" else _of_identities
    candidates = said(settings, files, dataset, records)
    silent = [
        record.path
        for record, texts, needed in zip(records, candidates, wanted, strict=True)
        if needed and not texts
    ]
    if silent:
        named = ", ".join(str(file) for file in settings.files)
        raise SourceError(f"{len(silent):,} images have no caption in {named}; the first is {silent[0]}.")
    kept = (texts if needed else () for texts, needed in zip(candidates, wanted, strict=True))
    return Texts(tuple(kept), modality)


def draw(texts: Texts, places: Ints, records: Sequence[ImageRecord], rng: np.random.Generator) -> list[str]:
    """One text for each image of a batch that has any, in the batch's order."""
    chances = rng.random(len(places))
    drawn = []
    for place, chance in zip(places.tolist(), chances.tolist(), strict=True):
        if texts.modality is None or records[place].modality is texts.modality:
            candidates = texts.candidates[place]
            drawn.append(candidates[int(chance * len(candidates))])
    return drawn


def _of_images(
    settings: CaptionSettings, files: Sequence[Path], dataset: ReidDataset, records: Sequence[ImageRecord]
) -> list[tuple[str, ...]]:
    everybody = [record for split in dataset.splits.values() for record in split]
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        for key, caption in read_image_captions(file, everybody, allow_missing=True).items():
            other = caption.aug_description if settings.rephrased else None
            found[key] = (caption.description,) if other is None else (caption.description, other)
    return [found.get(record.caption_key, ()) for record in records]


def _of_identities(
    settings: CaptionSettings, files: Sequence[Path], dataset: ReidDataset, records: Sequence[ImageRecord]
) -> list[tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for file in files:
        for identity, captions in read_identity_captions(file).items():
            found[identity] = (*found.get(identity, ()), *captions)
    return [found.get(record.identity, ()) for record in records]

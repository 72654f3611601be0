"""What a data set says of its images."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.file_names import path_of
from reid_core.types import Modality, Spectrum


class Split(StrEnum):
    """Disjoint sets of identities."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image.

    Attributes:
        path: relative to the folder of the data set's images, mostly its root, with forward slashes; as
            `readable_path` shows it.
        identity: the data set's own number of the person.
        camera: its number; RegDB's two cameras are 1 (visible) and 2 (thermal), 0 is unknown.
        modality: how it is compared.
        spectrum: the kind of light, where it is known.
        caption_key: what captions of the Tri schema call it.
    """

    path: str
    identity: int
    camera: int
    modality: Modality
    spectrum: Spectrum | None
    caption_key: str


@dataclass(frozen=True, slots=True)
class ReidDataset:
    """A data set that lies in a folder.

    Attributes:
        name: the folder's own name of it, for the record.
        layout: name of the tree of its folder: ``sysu``, ``regdb``, ``llcm``, ``own`` or another one's.
        root: the folder.
        splits: the images of each split, by identity, camera and file name.
        same_place: infrared camera -> visible camera that sees the same place.
        digest: over all files, where the data set itself says it.
        images: the folder that paths begin at, where that is not the root.
        protocols: what ids of protocols call it: whose protocols it is evaluated under. A layout that has
            none of its own is ``own``.
    """

    name: str
    layout: str
    root: Path
    splits: Mapping[Split, tuple[ImageRecord, ...]]
    same_place: Mapping[int, int] = field(default_factory=dict)
    digest: str | None = None
    images: Path | None = None
    protocols: str = "own"

    def records(self, *splits: Split) -> tuple[ImageRecord, ...]:
        """The images of some splits, in the order of the splits.

        Raises:
            SourceError: a split holds no image.
        """
        for split in splits:
            if not self.splits.get(split):
                raise SourceError(f"The data set {self.root} has no images of its {split} split.")
        return tuple(record for split in splits for record in self.splits[split])

    def file(self, record: ImageRecord) -> Path:
        """Where an image lies."""
        return (self.images or self.root) / path_of(record.path)


def identities_of(records: Iterable[ImageRecord]) -> list[int]:
    """The people of some images, ascending."""
    return sorted({record.identity for record in records})


def listing_digest(dataset: ReidDataset, records: Iterable[ImageRecord]) -> str:
    """SHA-256 over the paths and sizes of images: another set of files gives another digest.

    Raises:
        SourceError: an image is not there.
    """
    lines = []
    for record in records:
        try:
            size = dataset.file(record).stat().st_size
        except OSError:
            raise SourceError(f"The image {dataset.file(record)} does not exist.") from None
        lines.append(f"{record.path}\t{size}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()

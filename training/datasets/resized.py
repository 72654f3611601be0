"""Images at one size in a memory-mapped file, made once: a training step decodes nothing."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import StorageError
from reid_core.images import read_image
from reid_core.preprocess import Preprocess, as_rgb, grey
from reid_core.types import Modality
from training.datasets.records import ImageRecord, ReidDataset

REVISION = 2
"""A change in how images are kept makes older files stale."""

Told = Callable[[int, int], None]


def resized_images(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    preprocess: Preprocess,
    cache: Path,
    told: Told | None = None,
) -> NDArray[np.uint8]:
    """All images of some records, resized as the network's input is.

    Args:
        dataset: where they lie.
        records: which, in the order of the result.
        preprocess: whose size and interpolation.
        cache: folder for the files; each name is a digest of the listing (paths, sizes, times), so that
            another data set or size makes another file.
        told: called with images done and their number.

    Returns:
        ``(N, height, width, 3)`` uint8, mapped read-only.

    Raises:
        SourceError: an image is missing or damaged.
        StorageError: the cache cannot be written.
    """
    file = cache / f"{_key(dataset, records, preprocess)}.npy"
    if not file.is_file():
        try:
            _write(file, dataset, records, preprocess, told)
        except OSError as error:
            raise StorageError(
                f"The image cache {file} cannot be written: {error.strerror or error}.",
                "NIGHTREID_CACHE names another folder for it.",
            ) from error
    mapped: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return mapped


def _key(dataset: ReidDataset, records: Sequence[ImageRecord], preprocess: Preprocess) -> str:
    size = preprocess.height, preprocess.width, preprocess.interpolation
    digest = hashlib.sha256(json.dumps([REVISION, str(dataset.root.resolve()), *size]).encode())
    for record in records:
        # A missing file is reported, with its name, by whoever reads it.
        path = dataset.file(record)
        said = path.stat() if path.exists() else None
        digest.update(f"{record.path}\t{said and (said.st_size, said.st_mtime_ns)}\n".encode())
    return digest.hexdigest()[:40]


def _write(
    file: Path,
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    preprocess: Preprocess,
    told: Told | None,
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shape = len(records), preprocess.height, preprocess.width, 3
    # A name of its own: two runs may fill the same cache at once, and either's file will do.
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npy")
    try:
        images = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.uint8, shape=shape)
        for place, record in enumerate(records):
            image = read_image(dataset.file(record))
            # As an embedder takes it: infrared is one channel, whatever palette a file shows it in.
            shown = grey(as_rgb(image, 0)) if record.modality is Modality.INFRARED else image
            images[place] = preprocess.resize([shown])[0]
            if told is not None:
                told(place + 1, len(records))
        images.flush()
        del images
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)

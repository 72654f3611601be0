"""A data set that was imported: its table against its images."""

import hashlib
from pathlib import Path

from reid_core.file_names import path_of
from training.datasets.checks.findings import Seen, SeenImage, Told
from training.datasets.own_table import digest_of
from training.datasets.records import ReidDataset, identities_of
from training.datasets.wording import few, plural


def check_own(dataset: ReidDataset, deep: bool, told: Told) -> Seen:
    """What the table lists and what is there; the digest is computed anew where ``deep`` is set."""
    seen = Seen()
    gone = []
    for split, records in dataset.splits.items():
        seen.count(f"identities of {split}", None, len(identities_of(records)))
        for record in records:
            file = dataset.file(record)
            if not file.is_file():
                gone.append(record.path)
                continue
            size = file.stat().st_size
            key = record.caption_key
            seen.images.append(
                SeenImage(record.path, size, record.identity, record.camera, record.modality, split, key)
            )
    kinds = sorted({(image.camera, image.modality) for image in seen.images})
    for camera, modality in kinds:
        own = sum((image.camera, image.modality) == (camera, modality) for image in seen.images)
        seen.count(f"{modality} images of camera {camera}", None, own)
    if gone:
        seen.error("listed-missing", f"{plural(len(gone), 'listed image')} not there: {few(gone)}.", gone)
    if deep and dataset.digest and not gone:
        hashes = {}
        for done, image in enumerate(seen.images, 1):
            hashes[image.path] = _sha256((dataset.images or dataset.root) / path_of(image.path))
            told("images hashed", done, len(seen.images))
        if digest_of(dataset.splits, hashes) != dataset.digest:
            seen.error("digest", "The table or an image is not what it was when it was imported.")
    return seen


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        # That it cannot be read is a finding of its own; the digest is another one in any case.
        return ""

"""The table of a data set of one's own, as it is written and digested."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from reid_core.types import Modality, Spectrum
from training.datasets.own_rows import OPTIONAL, REQUIRED
from training.datasets.records import ImageRecord, Split


def write_table(file: Path, splits: Mapping[Split, Sequence[ImageRecord]]) -> None:
    """Write the images of all splits."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow((*REQUIRED, *OPTIONAL))
        writer.writerows(_lines(splits))


def digest_of(splits: Mapping[Split, Sequence[ImageRecord]], hashes: Mapping[str, str]) -> str:
    """SHA-256 over the table and the images.

    Args:
        splits: the images.
        hashes: path -> SHA-256 of the file's bytes.
    """
    digest = hashlib.sha256()
    for line in _lines(splits):
        digest.update(("\t".join((*map(str, line), hashes[line[0]])) + "\n").encode())
    return digest.hexdigest()


def _lines(
    splits: Mapping[Split, Sequence[ImageRecord]],
) -> list[tuple[str, int, int, Modality, Spectrum | str, Split]]:
    """The rows of the table, by identity, camera and path."""
    lines = [
        (record.path, record.identity, record.camera, record.modality, record.spectrum or "", split)
        for split, records in splits.items()
        for record in records
    ]
    return sorted(lines, key=lambda line: (line[1], line[2], line[0]))

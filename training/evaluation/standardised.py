"""A data set's vectors, standardised by what each of its cameras shows."""

from collections.abc import Sequence

import numpy as np

from reid_core.standardising import Form, Statistics
from reid_core.types import Floats
from training.datasets.records import ImageRecord


def standardised(vectors: Floats, records: Sequence[ImageRecord], form: Form) -> Floats:
    """Vectors of images that stand out from their camera's others; no label is looked at.

    What is known of a modality is the mean over its cameras, and over the kinds of light of each.

    Args:
        vectors: ``(N, D)`` float32, L2-normalised.
        records: of those.
        form: how.

    Returns:
        ``(N, D)`` float32, L2-normalised.
    """
    groups: dict[tuple[str, int, str], list[int]] = {}
    for row, record in enumerate(records):
        key = str(record.modality), record.camera, str(record.spectrum)
        groups.setdefault(key, []).append(row)
    own = {key: Statistics.of(vectors[rows]) for key, rows in groups.items()}
    found = np.empty_like(vectors)
    for key, rows in groups.items():
        known = Statistics.over([one for other, one in own.items() if other[0] == key[0]])
        found[rows] = form.apply(vectors[rows], own[key], known)
    return found

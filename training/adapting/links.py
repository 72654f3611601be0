"""What links' scores say behind a head, carried over from what they said before it.

No tracklet is infrared and visible, so nothing can be fitted anew. The best scores of the gallery's infrared
tracklets are brought to the mean and spread that they had: links are accepted about as often as before.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration
from reid_core.tracklet_scores import scores_of
from reid_core.types import Floats, Modality
from training.adapting.evidence import Evidence

MIN_NIGHTS = 20
"""Fewer infrared tracklets do not say how their scores have moved."""


def carried_over(evidence: Evidence, vectors: Floats, calibration: Calibration) -> Calibration | None:
    """A calibration of links, of scores that other vectors make.

    Args:
        evidence: infrared and visible tracklets, as they are compared now.
        vectors: ``(N, D)`` float32, L2-normalised, of the same sightings.
        calibration: of the scores of now.

    Returns:
        that of the others; ``None`` where too few infrared tracklets are there, or all score alike.
    """
    before, after = (_best(evidence, each) for each in (evidence.present, vectors))
    if len(before) < MIN_NIGHTS or not before.std() or not after.std():
        return None
    stretch = float(after.std() / before.std())
    shift = float(after.mean() - stretch * before.mean())
    moved = calibration.moved(stretch, shift)
    return replace(moved, data=f"{calibration.data}; carried over to an adapted gallery")


def _best(evidence: Evidence, vectors: Floats) -> NDArray[np.float64]:
    """Of each infrared tracklet its score with the best identity."""
    parts = np.split(vectors, np.flatnonzero(np.diff(evidence.rows)) + 1)
    people: dict[str, list[Floats]] = {}
    probes: list[Floats] = []
    for part, modality, stay in zip(parts, evidence.modalities, evidence.stays, strict=True):
        if modality is Modality.INFRARED:
            probes.append(part)
        elif stay.identity is not None:
            people.setdefault(stay.identity, []).append(part)
    if not probes or not people:
        return np.empty(0)
    known: Sequence[Floats] = [np.concatenate(mine) for mine in people.values()]
    best: NDArray[np.float64] = scores_of(probes, known, "infrared-visible").max(axis=1)
    return best

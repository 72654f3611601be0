"""From scores to probabilities: galleries of held-out people are drawn, and what the gallery does is done.

A link's score is the cosine of an infrared tracklet's mean vector and an identity's best sighting
(`reid_core.matcher`). A visible tracklet's score with an identity is the mean, over its sightings, of each
one's best cosine with the identity's sightings (`reid_core.gallery.identities`). In use, only the best
candidate is accepted or refused, and often the right one was never seen by day. So "different" is the best
wrong identity of a gallery of so many people, for probes inside and outside of it; a random wrong one would
promise far too much.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration, fit_calibration
from reid_core.errors import UsageError
from reid_core.models.manifest import PairKind
from reid_core.types import Floats, Ints, Modality
from training.datasets.records import ImageRecord
from training.recipe import CalibrationSettings
from training.seeding import generator

Doubles: TypeAlias = NDArray[np.float64]
Pairs: TypeAlias = tuple[list[float], list[float]]
_Score: TypeAlias = Callable[[Floats, Floats], float]


@dataclass(frozen=True, slots=True)
class _Person:
    """Rows of somebody's images, a list a tracklet."""

    visible: list[Ints]
    infrared: list[Ints]


def calibrate(
    vectors: Floats,
    records: Sequence[ImageRecord],
    settings: CalibrationSettings,
    seed: int,
    data: str,
) -> tuple[dict[PairKind, Calibration], list[str]]:
    """Fit both kinds of pair on people that were not learned from.

    Args:
        vectors: ``(N, D)`` float32 of length one.
        records: of those, of both modalities.
        settings: how galleries are drawn.
        seed: of the draws.
        data: what the pairs were taken from, for the record.

    Returns:
        The calibrations that could be fitted, and a sentence for each that could not.
    """
    people = _people(records)
    rates: Mapping[PairKind, float | None] = {
        "infrared-visible": settings.link_false_positive_rate,
        "visible-visible": settings.merge_false_positive_rate,
    }
    found: dict[PairKind, Calibration] = {}
    notes = []
    for kind, rate in rates.items():
        same, different = open_world_scores(vectors, people, kind, settings, seed)
        try:
            found[kind] = fit_calibration(
                same, different, data, prior=settings.prior, false_positive_rate=rate
            )
        except UsageError as error:
            notes.append(f"No calibration of {kind} pairs: {error.message}")
    return found, notes


def open_world_scores(
    vectors: Floats,
    people: Mapping[int, _Person],
    kind: PairKind,
    settings: CalibrationSettings,
    seed: int,
) -> Pairs:
    """Scores of right identities, and of the best wrong ones, in galleries drawn from people.

    Returns:
        scores of the same person, and of different people.
    """
    same: list[float] = []
    different: list[float] = []
    score = _link_score if kind == "infrared-visible" else _merge_score
    everybody = [one for one in sorted(people) if people[one].visible]
    for number in range(settings.rounds):
        rng = generator(seed, "calibration", kind, number)
        # At least one person stays outside, whom nobody in the gallery is.
        size = min(settings.gallery, len(everybody) - 1)
        inside = set(rng.permutation(everybody)[:size].tolist()) if size > 0 else set()
        probes: dict[int, list[Floats]] = {}
        gallery: dict[int, Floats] = {}
        for one in sorted(people):
            probe, rows = _split(people[one], kind, rng)
            probes[one] = [_crops(vectors, tracklet, settings.crops, rng) for tracklet in probe]
            if one in inside and rows:
                gallery[one] = np.concatenate([_crops(vectors, each, settings.crops, rng) for each in rows])
        for one, tracklets in probes.items():
            for tracklet in tracklets:
                scores = {other: score(tracklet, sightings) for other, sightings in gallery.items()}
                if one in scores:
                    same.append(scores.pop(one))
                if scores:
                    different.append(max(scores.values()))
    return same, different


def _people(records: Sequence[ImageRecord]) -> dict[int, _Person]:
    folders: dict[tuple[int, int, Modality], list[int]] = {}
    for row, record in enumerate(records):
        folders.setdefault((record.identity, record.camera, record.modality), []).append(row)
    people: dict[int, _Person] = {}
    for (identity, _, modality), rows in sorted(folders.items()):
        person = people.setdefault(identity, _Person([], []))
        tracklets = person.visible if modality is Modality.VISIBLE else person.infrared
        tracklets.append(np.array(rows, np.int64))
    return people


def _split(person: _Person, kind: PairKind, rng: np.random.Generator) -> tuple[list[Ints], list[Ints]]:
    """Tracklets that ask, and those the gallery may know: a random few of somebody's visible cameras."""
    visible = person.visible
    if kind == "infrared-visible":
        return person.infrared, _some(visible, rng)
    if len(visible) == 1 and len(visible[0]) > 1:
        # Seen by one camera only: its images make two tracklets.
        mixed = rng.permutation(visible[0])
        visible = [mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]]
    if not visible:
        return [], []
    asks = int(rng.integers(len(visible)))
    return [visible[asks]], _some([each for place, each in enumerate(visible) if place != asks], rng)


def _some(tracklets: list[Ints], rng: np.random.Generator) -> list[Ints]:
    if not tracklets:
        return []
    count = int(rng.integers(1, len(tracklets) + 1))
    return [tracklets[place] for place in rng.permutation(len(tracklets))[:count].tolist()]


def _crops(vectors: Floats, rows: Ints, count: int, rng: np.random.Generator) -> Floats:
    some: Floats = vectors[rng.permutation(rows)[:count]]
    return some


def _link_score(tracklet: Floats, sightings: Floats) -> float:
    """Cosine of the mean vector and the best sighting; all crops are of the same quality here."""
    mean = tracklet.astype(np.float64).mean(axis=0)
    return float((sightings @ (mean / max(float(np.linalg.norm(mean)), 1e-12))).max())


def _merge_score(tracklet: Floats, sightings: Floats) -> float:
    return float((tracklet @ sightings.T).max(axis=1).mean())

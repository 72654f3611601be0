"""Whom galleries of several sizes take strangers for, by a calibration as it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration, expected_calibration_error
from reid_core.errors import UsageError
from reid_core.models.manifest import PairKind
from reid_core.size_law import Searches
from reid_core.types import Floats
from training.datasets.records import ImageRecord
from training.evaluation.intervals import Interval, share_interval
from training.identifying import people_of, searches_in
from training.recipe import CalibrationSettings


@dataclass(frozen=True, slots=True)
class AtSize:
    """Decisions in galleries of one size; shares in 0..1.

    Attributes:
        size: identities in the gallery.
        threshold: the least score that is accepted there.
        strangers: probes of people who are not in the gallery, over all draws.
        accepted: share of them that are taken for somebody: strangers linked, newcomers merged.
        accepted_95: its interval, over people.
        known: probes of people in the gallery.
        found: share of them that are accepted as who they are.
        found_95: its interval.
        mistaken: share of them that are accepted as somebody else.
        calibration_error: of the best candidate's probability, strangers and known people counting the same.
        largest_sum: of all candidates' probabilities of a probe.
    """

    size: int
    threshold: float
    strangers: int
    accepted: float
    accepted_95: Interval
    known: int
    found: float
    found_95: Interval
    mistaken: float
    calibration_error: float
    largest_sum: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def open_world(
    vectors: Floats,
    records: Sequence[ImageRecord],
    calibrations: Mapping[PairKind, Calibration],
    sizes: Sequence[int],
    settings: CalibrationSettings,
    seed: int,
) -> dict[PairKind, list[AtSize]]:
    """Measure calibrations on people that neither they nor the model have seen.

    Args:
        vectors: ``(N, D)`` float32, L2-normalised.
        records: of those, of both modalities.
        calibrations: by kind of pair.
        sizes: of galleries.
        settings: how they are drawn.
        seed: of the draws.

    Raises:
        UsageError: there are not more people than the largest gallery holds.
    """
    people = people_of(records)
    everybody = sum(bool(person.visible) for person in people.values())
    if not sizes or min(sizes) < 1 or max(sizes) >= everybody:
        raise UsageError(
            f"Galleries hold at least 1 and fewer than all of the {everybody} people that were seen by day."
        )
    found: dict[PairKind, list[AtSize]] = {}
    for kind, calibration in calibrations.items():
        searches = searches_in(vectors, people, kind, sorted(set(sizes)), settings, seed)
        found[kind] = [_at_size(one, calibration, seed) for one in searches]
    return found


def _at_size(one: Searches, calibration: Calibration, seed: int) -> AtSize:
    threshold = calibration.threshold_for(one.size)
    best, inside = one.scores[:, 0], one.inside
    accepted, right = best >= threshold, one.right == 0
    chances = _probabilities(one, calibration)
    weights = np.where(inside, 0.5 / max(1, inside.sum()), 0.5 / max(1, (~inside).sum()))
    return AtSize(
        size=one.size,
        threshold=threshold,
        strangers=int((~inside).sum()),
        accepted=_share(accepted[~inside]),
        accepted_95=share_interval(accepted[~inside], one.who[~inside], seed),
        known=int(inside.sum()),
        found=_share((accepted & right)[inside]),
        found_95=share_interval((accepted & right)[inside], one.who[inside], seed),
        mistaken=_share((accepted & ~right)[inside]),
        calibration_error=expected_calibration_error(chances[:, 0], right, weights=weights),
        largest_sum=float(chances.sum(axis=1).max()),
    )


def _probabilities(one: Searches, calibration: Calibration) -> NDArray[np.float64]:
    there = np.isfinite(one.scores)
    found = np.zeros(one.scores.shape)
    for row, ranked in enumerate(one.scores):
        count = int(there[row].sum())
        found[row, :count] = calibration.ranked_probabilities(ranked[:count], one.size)
    return found


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else 0.0

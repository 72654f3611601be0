"""Beyond ranking: strangers who must not be found, and thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reid_core.calibration import equal_error_rate, threshold_at
from reid_core.errors import UsageError
from training.evaluation.ranks import Scores, Sides

FPIRS = (0.001, 0.01, 0.1)
FPRS = (0.0001, 0.001, 0.01)
STRANGERS = 0.5
"""Share of the identities that are taken out of the gallery and become strangers."""


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Identification where many who ask were never seen (ISO/IEC 19795-1's terms).

    A probe is accepted where its best candidate reaches the threshold. FPIR is the share of strangers that
    are accepted; TPIR the share of known people that are accepted and whose best candidate is right.

    Attributes:
        tpir: at each FPIR, averaged over the draws of strangers.
        strangers: probes of people outside the gallery, over all draws.
        known: probes of people within, over all draws.
    """

    tpir: Mapping[float, float]
    strangers: int
    known: int


@dataclass(frozen=True, slots=True)
class PairScores:
    """Verification: every query with every image that it sees.

    Attributes:
        eer: equal error rate.
        tpr: share of the pairs of one person found, at each share of the others taken for them.
        positives: pairs of one person.
        negatives: pairs of two.
    """

    eer: float
    tpr: Mapping[float, float]
    positives: int
    negatives: int


def open_set(
    similarities: Scores,
    sides: Sides,
    rng: np.random.Generator,
    rates: Sequence[float] = FPIRS,
    draws: int = 10,
) -> OpenSet:
    """Take random identities out of the gallery, several times, and let everybody ask.

    Args:
        similarities: ``(Q, G)``.
        sides: who they are.
        rng: draws the strangers.
        rates: FPIRs.
        draws: how often.

    Raises:
        UsageError: there are fewer than two identities, or a draw leaves nobody to ask.
    """
    people = np.unique(sides.gallery_ids)
    if len(people) < 2:
        raise UsageError("An open set needs at least two identities in the gallery.")
    scores = np.where(sides.hidden(), -np.inf, similarities)
    found: dict[float, list[float]] = {rate: [] for rate in rates}
    outside = inside = 0
    for _ in range(draws):
        gone = rng.permutation(people)[: max(1, round(STRANGERS * len(people)))]
        left = ~np.isin(sides.gallery_ids, gone)
        # Whoever sees nobody at all is not asked.
        seen = np.isfinite(scores[:, left]).any(axis=1)
        stranger = seen & ~np.isin(sides.query_ids, sides.gallery_ids[left])
        positive = (sides.query_ids[:, None] == sides.gallery_ids[left]) & np.isfinite(scores[:, left])
        known = positive.any(axis=1)
        if not stranger.any() or not known.any():
            raise UsageError("A draw of strangers leaves nobody who asks; there are too few identities.")
        best = scores[:, left].argmax(axis=1)
        top = scores[:, left][np.arange(len(scores)), best]
        right = sides.gallery_ids[left][best] == sides.query_ids
        for rate in rates:
            accepted = top >= threshold_at(top[stranger], rate)
            found[rate].append(float((accepted & right)[known].mean()))
        outside, inside = outside + int(stranger.sum()), inside + int(known.sum())
    return OpenSet({rate: float(np.mean(values)) for rate, values in found.items()}, outside, inside)


def pair_scores(similarities: Scores, sides: Sides, rates: Sequence[float] = FPRS) -> PairScores:
    """How well one threshold tells pairs of one person from pairs of two.

    Raises:
        UsageError: a kind of pair does not occur.
    """
    seen = ~sides.hidden()
    same = np.asarray(similarities)[seen & sides.same()]
    different = np.sort(np.asarray(similarities)[seen & ~sides.same()])
    if not len(same) or not len(different):
        raise UsageError("Pair scores need pairs of one person and pairs of two.")
    tpr = {rate: float((same >= threshold_at(different, rate)).mean()) for rate in rates}
    return PairScores(equal_error_rate(same, different), tpr, len(same), len(different))

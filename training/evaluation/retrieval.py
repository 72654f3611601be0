"""Cross-modality retrieval metrics: averages over queries, of the ranks that `ranks` finds.

The rank that CMC counts is among identities, not images, unless said otherwise: a wrong person with ten
images before the first right one is one mistake (Wu et al., "RGB-Infrared Cross-Modality Person
Re-Identification", ICCV 2017). A query of which the gallery holds no image is left out of all averages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import UsageError
from reid_core.types import Ints
from training.evaluation.ranks import Exclusion, Ranks, Scores, Sides, rank_similarities, rank_vectors

MAX_RANK = 20


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """How well queries find their own identity in a gallery; all figures in 0..1.

    Attributes:
        r1: share of valid queries whose identity comes first.
        r5: among the first five identities.
        r10: among the first ten.
        r20: among the first twenty.
        map: mean average precision over images.
        minp: mean inverse negative penalty over images.
        valid: queries with at least one positive; the others are not counted.
        cmc: ``(20,)`` share found within so many identities; flat behind the last one of the gallery.
    """

    r1: float
    r5: float
    r10: float
    r20: float
    map: float
    minp: float
    valid: int
    cmc: NDArray[np.float64]


def evaluate_retrieval(
    query: Scores,
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery: Scores,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Exclusion | Mapping[int, int] | None = None,
) -> RetrievalResult:
    """Rank a gallery by dot product for every query and average over the queries.

    Args:
        query: ``(Q, D)`` vectors.
        query_ids: ``(Q,)`` identity of each.
        query_cameras: ``(Q,)`` camera of each.
        gallery: ``(G, D)`` vectors.
        gallery_ids: ``(G,)``.
        gallery_cameras: ``(G,)``.
        exclude: what each query does not see; SYSU-MM01's is `ranks.SYSU_EXCLUSION`.

    Raises:
        UsageError: lengths disagree, a similarity is not finite, or no query has a positive.
    """
    sides = Sides.of(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    return summarise(rank_vectors(query, gallery, sides))


def evaluate_similarities(
    similarities: Scores,
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Exclusion | Mapping[int, int] | None = None,
) -> RetrievalResult:
    """As `evaluate_retrieval`, of ``(Q, G)`` similarities of any origin; ties keep the gallery's order."""
    sides = Sides.of(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    return summarise(rank_similarities(similarities, sides))


def summarise(ranks: Ranks, over_images: bool = False) -> RetrievalResult:
    """Average over the valid queries.

    Args:
        ranks: of the queries.
        over_images: count CMC's ranks among images, as RegDB does, instead of identities.

    Raises:
        UsageError: no query is valid.
    """
    if len(ranks) == 0:
        raise UsageError("No query has an image of the same identity in the gallery.")
    first = ranks.images if over_images else ranks.identities
    cmc = (first[:, None] <= np.arange(1, MAX_RANK + 1)).mean(axis=0)
    r1, r5, r10, r20 = (float(cmc[k - 1]) for k in (1, 5, 10, 20))
    means = float(ranks.precision.mean()), float(ranks.penalty.mean())
    return RetrievalResult(r1, r5, r10, r20, *means, len(ranks), cmc)


def chance(
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Exclusion | Mapping[int, int] | None = None,
) -> float:
    """The rank-1 to expect of a random ranking: exactly, the mean share of positives in what is seen.

    Raises:
        UsageError: lengths disagree, or no query has a positive.
    """
    positives, seen = _counts(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    return float((positives / seen).mean())


def chance_map(
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Exclusion | Mapping[int, int] | None = None,
) -> float:
    """The mAP to expect of a random ranking, exactly.

    A query with P positives of N expects H_N/N + (P-1)/(N-1) (1 - H_N/N) with the harmonic number H_N:
    rank k is a hit with probability P/N and then has (k-1)(P-1)/(N-1) more before it.

    Raises:
        UsageError: lengths disagree, or no query has a positive.
    """
    positives, seen = _counts(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    harmonic = np.cumsum(1.0 / np.arange(1, seen.max() + 1))[seen - 1] / seen
    others = (positives - 1) / np.maximum(seen - 1, 1)
    return float((harmonic + others * (1.0 - harmonic)).mean())


def _counts(
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Exclusion | Mapping[int, int] | None,
) -> tuple[Ints, Ints]:
    """Positives and images seen, of the queries that have a positive."""
    sides = Sides.of(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    seen = ~sides.hidden()
    positives = (seen & sides.same()).sum(axis=1)
    valid = positives > 0
    if not valid.any():
        raise UsageError("No query has an image of the same identity in the gallery.")
    return positives[valid], seen.sum(axis=1)[valid]

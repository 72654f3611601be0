"""Cross-modality retrieval metrics by SYSU-MM01's rules: pure functions on arrays.

A query's ranked list is what remains of the gallery, most alike first, once the images of the camera
that stands where the query's camera stands are gone. For a query whose own images are at the 1-based
ranks r_1 < ... < r_P of that list, AP = (1/P) sum_j j / r_j and INP = P / r_P (Ye et al., "Deep Learning
for Person Re-identification: A Survey and Outlook", TPAMI 2021). The rank that CMC counts is among
identities, not images: a wrong person with ten images before the first right one is one mistake (Wu et
al., "RGB-Infrared Cross-Modality Person Re-Identification", ICCV 2017). A query of which the gallery
holds no image is left out of all averages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import UsageError
from reid_core.types import Ints

MAX_RANK = 20
SYSU_EXCLUSION: Mapping[int, int] = {3: 2}
"""Camera 3 is the infrared camera of the room whose visible camera is 2."""

_BLOCK_CELLS = 4_000_000

Scores: TypeAlias = NDArray[np.floating[Any]]


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
    exclude: Mapping[int, int] | None = None,
) -> RetrievalResult:
    """Rank a gallery by dot product for every query and average over the queries.

    Args:
        query: ``(Q, D)`` vectors.
        query_ids: ``(Q,)`` identity of each.
        query_cameras: ``(Q,)`` camera of each.
        gallery: ``(G, D)`` vectors.
        gallery_ids: ``(G,)``.
        gallery_cameras: ``(G,)``.
        exclude: query camera to the gallery camera whose images, right and wrong ones, it does not see;
            SYSU-MM01's is `SYSU_EXCLUSION`.

    Raises:
        UsageError: lengths disagree, a similarity is not finite, or no query has a positive.
    """
    return evaluate_similarities(
        np.asarray(query) @ np.asarray(gallery).T,
        query_ids,
        query_cameras,
        gallery_ids,
        gallery_cameras,
        exclude,
    )


def evaluate_similarities(
    similarities: Scores,
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Mapping[int, int] | None = None,
) -> RetrievalResult:
    """As `evaluate_retrieval`, of ``(Q, G)`` similarities of any origin; ties keep the gallery's order."""
    sets = _Sets.of(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    scores = np.asarray(similarities)
    if scores.shape != sets.shape:
        raise UsageError(f"Similarities have shape {scores.shape}, not {sets.shape} as the ids say.")
    if not np.isfinite(scores).all():
        raise UsageError("A similarity is not a finite number.", "The vectors hold NaN or infinity.")
    rows = max(1, _BLOCK_CELLS // max(1, sets.shape[1]))
    blocks = [
        _rank_rows(scores[start : start + rows], sets.rows(start, start + rows))
        for start in range(0, max(1, len(scores)), rows)
    ]
    ranks, precision, penalty = (np.concatenate(part) for part in zip(*blocks, strict=True))
    if len(ranks) == 0:
        raise UsageError("No query has an image of the same identity in the gallery.")
    cmc = (ranks[:, None] <= np.arange(1, MAX_RANK + 1)).mean(axis=0)
    r1, r5, r10, r20 = (float(cmc[k - 1]) for k in (1, 5, 10, 20))
    return RetrievalResult(r1, r5, r10, r20, float(precision.mean()), float(penalty.mean()), len(ranks), cmc)


def chance(
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Mapping[int, int] | None = None,
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
    exclude: Mapping[int, int] | None = None,
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


@dataclass(frozen=True, slots=True)
class _Sets:
    """Who is on both sides, and what each query does not see."""

    query_ids: Ints
    hidden_cameras: NDArray[np.float64]
    gallery_ids: Ints
    gallery_cameras: Ints

    @classmethod
    def of(
        cls,
        query_ids: ArrayLike,
        query_cameras: ArrayLike,
        gallery_ids: ArrayLike,
        gallery_cameras: ArrayLike,
        exclude: Mapping[int, int] | None,
    ) -> "_Sets":
        arrays = [
            np.asarray(each, np.int64) for each in (query_ids, query_cameras, gallery_ids, gallery_cameras)
        ]
        if any(each.ndim != 1 for each in arrays):
            raise UsageError("Identities and cameras are lists of numbers, one an image.")
        if len(arrays[0]) != len(arrays[1]) or len(arrays[2]) != len(arrays[3]):
            raise UsageError(
                f"{len(arrays[0])} query identities, {len(arrays[1])} query cameras; "
                f"{len(arrays[2])} gallery identities, {len(arrays[3])} gallery cameras: they must pair up."
            )
        # NaN equals no camera.
        hidden = np.full(len(arrays[1]), np.nan)
        for camera, other in (exclude or {}).items():
            hidden[arrays[1] == camera] = other
        return cls(arrays[0], hidden, arrays[2], arrays[3])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.query_ids), len(self.gallery_ids)

    def rows(self, start: int, stop: int) -> "_Sets":
        return _Sets(
            self.query_ids[start:stop],
            self.hidden_cameras[start:stop],
            self.gallery_ids,
            self.gallery_cameras,
        )

    def seen(self) -> NDArray[np.bool_]:
        return np.asarray(self.hidden_cameras[:, None] != self.gallery_cameras)

    def same(self) -> NDArray[np.bool_]:
        return np.asarray(self.query_ids[:, None] == self.gallery_ids)


def _rank_rows(scores: Scores, sets: _Sets) -> tuple[NDArray[np.float64], ...]:
    """Rank among identities, AP and INP of those of some queries that have a positive."""
    seen = sets.seen()
    positive = seen & sets.same()
    valid = positive.any(axis=1)
    if not valid.any():
        return (np.zeros(0),) * 3
    seen, positive = seen[valid], positive[valid]
    # What is not seen goes to the end, behind everything that counts.
    order = np.argsort(np.where(seen, -scores[valid], np.inf), axis=1, kind="stable")
    hits = np.take_along_axis(positive, order, axis=1)
    places = np.arange(1, hits.shape[1] + 1)
    totals = hits.sum(axis=1)
    precision = (np.cumsum(hits, axis=1) / places * hits).sum(axis=1) / totals
    last = hits.shape[1] - np.argmax(hits[:, ::-1], axis=1)
    return _identity_ranks(order, hits, sets.gallery_ids), precision, totals / last


def _identity_ranks(order: Ints, hits: NDArray[np.bool_], gallery_ids: Ints) -> NDArray[np.float64]:
    """For each row, how many identities have an image at or before the first hit."""
    columns = np.argsort(gallery_ids, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
    starts = np.unique(gallery_ids[columns], return_index=True)[1]
    best = np.minimum.reduceat(places[:, columns], starts, axis=1)
    first = np.argmax(hits, axis=1)
    return np.asarray((best <= first[:, None]).sum(axis=1), np.float64)


def _counts(
    query_ids: ArrayLike,
    query_cameras: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cameras: ArrayLike,
    exclude: Mapping[int, int] | None,
) -> tuple[Ints, Ints]:
    """Positives and images seen, of the queries that have a positive."""
    sets = _Sets.of(query_ids, query_cameras, gallery_ids, gallery_cameras, exclude)
    seen = sets.seen()
    positives = (seen & sets.same()).sum(axis=1)
    valid = positives > 0
    if not valid.any():
        raise UsageError("No query has an image of the same identity in the gallery.")
    return positives[valid], seen.sum(axis=1)[valid]

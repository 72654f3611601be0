"""Where each query's own images stand in its ranked gallery: what every retrieval metric is made of.

A query's ranked list is what remains of the gallery, most alike first, once the images that its protocol
hides from it are gone; equal scores keep the gallery's order. For a query whose own images are at the 1-based
ranks r_1 < ... < r_P of that list, AP = (1/P) sum_j j / r_j and INP = P / r_P (Ye et al., "Deep Learning for
Person Re-identification: A Survey and Outlook", TPAMI 2021).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import UsageError
from reid_core.types import Floats, Ints

Scores: TypeAlias = NDArray[np.floating[Any]]
Doubles: TypeAlias = NDArray[np.float64]

SYSU_EXCLUSION: Mapping[int, int] = {3: 2}
"""Camera 3 is the infrared camera of the room whose visible camera is 2."""

_BLOCK_CELLS = 4_000_000
_PART_CELLS = 1 << 18
_GATHERED = 6
"""Images of an identity up to which gathering them is faster than reducing runs of columns."""

_COUNTED = 48
"""Right images of a query up to which counting is faster than sorting."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Images of the gallery that a query does not see.

    Attributes:
        cameras: query camera -> gallery camera of the same place, all of whose images are hidden, right and
            wrong ones (SYSU-MM01).
        own_camera: hide images of the query's identity by the query's own camera (LLCM).
        of_gallery: ``cameras`` is gallery camera -> query camera, for visible queries: the same places are
            hidden from the other side.
    """

    cameras: Mapping[int, int] = field(default_factory=dict)
    own_camera: bool = False
    of_gallery: bool = False


@dataclass(frozen=True, slots=True)
class Ranks:
    """The queries that have an image in what they see of the gallery; the others are not valid.

    Attributes:
        rows: ``(V,)`` which queries, ascending.
        identities: ``(V,)`` rank of the first right one among identities, from 1: of each identity only its
            first image counts.
        images: ``(V,)`` the same among images.
        precision: ``(V,)`` AP, 0..1.
        penalty: ``(V,)`` INP, 0..1.
    """

    rows: Ints
    identities: Ints
    images: Ints
    precision: Doubles
    penalty: Doubles

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is on both sides, and what each query does not see.

    Attributes:
        query_ids: ``(Q,)``.
        query_cameras: ``(Q,)``.
        gallery_ids: ``(G,)``.
        gallery_cameras: ``(G,)``.
        exclusion: by the protocol.
    """

    query_ids: Ints
    query_cameras: Ints
    gallery_ids: Ints
    gallery_cameras: Ints
    exclusion: Exclusion

    @classmethod
    def of(
        cls,
        query_ids: ArrayLike,
        query_cameras: ArrayLike,
        gallery_ids: ArrayLike,
        gallery_cameras: ArrayLike,
        exclude: Exclusion | Mapping[int, int] | None = None,
    ) -> "Sides":
        """Check and take the four lists.

        Args:
            query_ids: ``(Q,)`` identity of each query.
            query_cameras: ``(Q,)``.
            gallery_ids: ``(G,)``.
            gallery_cameras: ``(G,)``.
            exclude: what is hidden; a mapping stands for `Exclusion.cameras`.

        Raises:
            UsageError: they do not pair up.
        """
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
        exclusion = exclude if isinstance(exclude, Exclusion) else Exclusion(exclude or {})
        return cls(arrays[0], arrays[1], arrays[2], arrays[3], exclusion)

    @property
    def shape(self) -> tuple[int, int]:
        """``(Q, G)``."""
        return len(self.query_ids), len(self.gallery_ids)

    def rows(self, some: "slice | Ints") -> "Sides":
        """The same gallery for some of the queries."""
        return Sides(
            self.query_ids[some],
            self.query_cameras[some],
            self.gallery_ids,
            self.gallery_cameras,
            self.exclusion,
        )

    def same(self) -> NDArray[np.bool_]:
        """``(Q, G)`` of whom both are images."""
        return np.asarray(self.query_ids[:, None] == self.gallery_ids)

    def hidden(self) -> NDArray[np.bool_]:
        """``(Q, G)`` what the queries do not see."""
        mapped, others = self.query_cameras, self.gallery_cameras
        if self.exclusion.of_gallery:
            mapped, others = others, mapped
        # NaN equals no camera.
        cameras = np.full(len(mapped), np.nan)
        for camera, other in self.exclusion.cameras.items():
            cameras[mapped == camera] = other
        hidden = np.asarray(cameras[:, None] == others)
        if self.exclusion.of_gallery:
            hidden = np.ascontiguousarray(hidden.T)
        if self.exclusion.own_camera:
            hidden |= self.same() & (self.query_cameras[:, None] == self.gallery_cameras)
        return hidden


def rank_similarities(similarities: Scores, sides: Sides) -> Ranks:
    """Rank by ``(Q, G)`` similarities of any origin, higher is more alike.

    Raises:
        UsageError: the shape is another than the ids say, or a similarity is not finite.
    """
    scores = np.asarray(similarities)
    if scores.shape != sides.shape:
        raise UsageError(f"Similarities have shape {scores.shape}, not {sides.shape} as the ids say.")
    return _ranked(lambda some: scores[some], sides)


def rank_vectors(query: Scores, gallery: Scores, sides: Sides) -> Ranks:
    """Rank by dot product, a block of queries at a time: no ``(Q, G)`` array is ever made.

    Sums are made in the vectors' own precision: hand in float64 for figures that must not depend on the order
    in which a machine adds.

    Args:
        query: ``(Q, D)``.
        gallery: ``(G, D)``.
        sides: who they are.

    Raises:
        UsageError: shapes disagree, or a vector is not finite.
    """
    ask, known = np.asarray(query), np.asarray(gallery)
    for name, vectors, count in (("query", ask, sides.shape[0]), ("gallery", known, sides.shape[1])):
        if vectors.ndim != 2 or len(vectors) != count:
            raise UsageError(
                f"The {name} vectors have shape {vectors.shape}; {count} identities need {count} rows."
            )
    if ask.shape[1] != known.shape[1]:
        raise UsageError(
            f"Query vectors have {ask.shape[1]} numbers and gallery vectors {known.shape[1]}: "
            "they are of different models."
        )
    return _ranked(lambda some: ask[some] @ known.T, sides)


def ranked_lists(similarities: Scores, sides: Sides, count: int) -> Ints:
    """The first images of each query's list.

    Returns:
        ``(Q, count)`` columns of the gallery, -1 where a query sees fewer.
    """
    hidden = sides.hidden()
    order = np.argsort(np.where(hidden, np.inf, -similarities), axis=1, kind="stable")[:, :count]
    gone = np.take_along_axis(hidden, order, axis=1)
    shown = np.where(gone, -1, order)
    return np.pad(shown, ((0, 0), (0, max(0, count - shown.shape[1]))), constant_values=-1)


def _ranked(scores_of: Callable[[slice], Scores], sides: Sides) -> Ranks:
    queries, images = sides.shape
    size = max(1, _BLOCK_CELLS // max(1, images))
    blocks = []
    for start in range(0, queries, size):
        some = slice(start, min(start + size, queries))
        scores = scores_of(some)
        if not np.isfinite(scores).all():
            raise UsageError("A similarity is not a finite number.", "The vectors hold NaN or infinity.")
        block = _rank_rows(scores, sides.rows(some))
        blocks.append(Ranks(block.rows + start, *(getattr(block, each.name) for each in fields(Ranks)[1:])))
    if not blocks:
        return _NOBODY
    return Ranks(*(np.concatenate([getattr(b, each.name) for b in blocks]) for each in fields(Ranks)))


_NONE, _NOTHING = np.zeros(0, np.int64), np.zeros(0)
_NOBODY = Ranks(_NONE, _NONE, _NONE, _NOTHING, _NOTHING)


def _rank_rows(scores: Scores, sides: Sides) -> Ranks:
    """Of a block: in parts that stay in the processor's cache, through which counting goes many times."""
    size = max(1, _PART_CELLS // max(1, scores.shape[1]))
    parts = []
    for start in range(0, len(scores), size):
        some = slice(start, start + size)
        found = _rank_part(scores[some], sides.rows(some))
        parts.append(Ranks(found.rows + start, *(getattr(found, each.name) for each in fields(Ranks)[1:])))
    return Ranks(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Ranks)))


def _rank_part(scores: Scores, sides: Sides) -> Ranks:
    positive, shown = sides.same(), scores
    hidden = sides.hidden() if sides.exclusion.cameras or sides.exclusion.own_camera else None
    if hidden is not None and hidden.any():
        # What is not seen goes to the end, behind everything that counts.
        positive, shown = positive & ~hidden, np.where(hidden, -np.inf, scores)
    rows = np.flatnonzero(positive.any(axis=1))
    if len(rows) == 0:
        return _NOBODY
    if len(rows) < len(scores):
        shown, positive = shown[rows], positive[rows]
    if positive.sum(axis=1).max() > _COUNTED:
        found = _by_sorting(shown, positive, sides.gallery_ids)
    else:
        found, unsure = _by_counting(shown.astype(np.float32), positive, sides.gallery_ids)
        if unsure.any():
            again = _by_sorting(shown[unsure], positive[unsure], sides.gallery_ids)
            for name in ("identities", "images", "precision", "penalty"):
                getattr(found, name)[unsure] = getattr(again, name)
    return Ranks(rows, found.identities, found.images, found.precision, found.penalty)


def _by_counting(
    shown: Floats, positive: NDArray[np.bool_], gallery_ids: Ints
) -> tuple[Ranks, NDArray[np.bool_]]:
    """Ranks of the few right images: so many score higher. Cheaper than to sort all of them.

    Rounding to single precision keeps the order but for scores that it makes equal, and those are seen.

    Returns:
        the ranks, and the rows for which they may not hold because scores are equal.
    """
    who, column = np.divmod(np.flatnonzero(positive.ravel()), shown.shape[1])
    totals = np.bincount(who, minlength=len(shown))
    starts = np.cumsum(totals) - totals
    levels = shown[who, column]
    places = np.empty(len(who), np.int64)
    unsure = np.zeros(len(shown), bool)
    for number in range(totals.max()):
        rows = np.flatnonzero(totals > number)
        some = starts[rows] + number
        part = shown if len(rows) == len(shown) else shown[rows]
        places[some] = _count(part > levels[some, None]) + 1
        unsure[rows] |= _count(part == levels[some, None]) > 1
    order = np.lexsort((places, who))
    places = places[order]
    found = np.arange(len(who)) - np.repeat(starts, totals) + 1
    precision = np.add.reduceat(found / places, starts) / totals
    first = levels[order][starts][:, None]
    best = _best_of_identities(shown, gallery_ids)
    identities = _count(best > first) + 1
    unsure |= _count(best == first) > 1
    penalty = totals / places[starts + totals - 1]
    return Ranks(np.arange(len(shown)), identities, places[starts], precision, penalty), unsure


def _by_sorting(shown: Scores, positive: NDArray[np.bool_], gallery_ids: Ints) -> Ranks:
    order = np.argsort(-shown, axis=1, kind="stable")
    who, column = np.nonzero(np.take_along_axis(positive, order, axis=1))
    totals = np.bincount(who, minlength=len(shown))
    starts = np.cumsum(totals) - totals
    places = column + 1
    found = np.arange(len(who)) - np.repeat(starts, totals) + 1
    precision = np.add.reduceat(found / places, starts) / totals
    first = column[starts]
    penalty = totals / places[starts + totals - 1]
    identities = _identity_ranks(order, first, gallery_ids)
    return Ranks(np.arange(len(shown)), identities, first + 1, precision, penalty)


def _count(mask: NDArray[np.bool_]) -> Ints:
    """True cells of each row, eight at a time."""
    counts: Ints = np.bitwise_count(np.packbits(mask, axis=1)).sum(axis=1, dtype=np.int64)
    return counts


def _best_of_identities(shown: Floats, gallery_ids: Ints) -> Floats:
    """``(rows, identities)`` highest score of each."""
    if (gallery_ids[1:] < gallery_ids[:-1]).any():
        columns = np.argsort(gallery_ids, kind="stable")
        shown, gallery_ids = shown[:, columns], gallery_ids[columns]
    starts = np.flatnonzero(np.concatenate([[True], gallery_ids[1:] != gallery_ids[:-1]]))
    lengths = np.diff(np.append(starts, len(gallery_ids)))
    if lengths.max() > _GATHERED:
        return np.asarray(np.maximum.reduceat(shown, starts, axis=1))
    # Many short runs: everybody's first image, then everybody's second, and so on.
    best = shown[:, starts]
    for number in range(1, lengths.max()):
        some = np.flatnonzero(lengths > number)
        best[:, some] = np.maximum(best[:, some], shown[:, starts[some] + number])
    return best


def _identity_ranks(order: Ints, first: Ints, gallery_ids: Ints) -> Ints:
    """For each row, how many identities have an image at or before the first hit."""
    columns = np.argsort(gallery_ids, kind="stable")
    places = np.empty(order.shape, np.int32)
    np.put_along_axis(places, order, np.arange(order.shape[1], dtype=np.int32)[None], axis=1)
    starts = np.unique(gallery_ids[columns], return_index=True)[1]
    best = np.minimum.reduceat(places[:, columns], starts, axis=1)
    ranks: Ints = (best <= first[:, None]).sum(axis=1)
    return ranks

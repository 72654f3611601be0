"""Who is near whom, and the k-reciprocal encoding of it: sparse rows, made a block of distances at a time.

Distances are squared Euclid of unit vectors, 2 - 2 cos, as whole steps of `STEP`: two products of different
shape may add in a different order, and images that are equally far would otherwise be put in order by that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Ints

Doubles: TypeAlias = NDArray[np.float64]
Sparse: TypeAlias = Any
"""A ``scipy.sparse`` array, which has no types."""

STEP = 2.0**-32
"""Far above the noise of a float64 sum (1e-15), far below what a float32 vector can tell apart (1e-7)."""

_BLOCK_CELLS = 4_000_000


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices of rows, each of few enough for an array of them to be held; at least one row."""
    size = max(1, _BLOCK_CELLS // max(1, width))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def squared_distances(query: Doubles, gallery: Doubles) -> Doubles:
    """``(Q, G)`` squared Euclid of unit vectors, 0..4, on the grid of `STEP`."""
    distances: Doubles = _steps(query @ gallery.T)
    distances *= STEP
    return distances


@dataclass(frozen=True, slots=True)
class Encoding:
    """What `encode` found.

    Attributes:
        queries: ``(Q, N)`` sparse by row: how much of each query lies with each image; a row's sum is 1.
        gallery: ``(G, N)`` the same of the gallery, sparse by column.
        farthest: ``(Q,)`` distance of each query to the image farthest from it, or 1 where that is 0.
    """

    queries: Sparse
    gallery: Sparse
    farthest: Doubles

    def jaccard(self, some: slice) -> Doubles:
        """``(B, G)`` Jaccard distances of some queries, 0..1.

        1 - sum min / sum max (Zhong et al., CVPR 2017); both rows sum to 1, so that sum max = 2 - sum min.
        """
        own, gallery = self.queries[some], self.gallery
        images = gallery.shape[0]
        rows = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
        # An entry of a query meets those of the gallery in its own column, and no others.
        starts = gallery.indptr[own.indices].astype(np.int64)
        lengths = gallery.indptr[own.indices + 1] - starts
        common = np.zeros(own.shape[0] * images)
        for part in _parts(lengths):
            times = lengths[part]
            places = np.repeat(starts[part] - np.cumsum(times) + times, times) + np.arange(times.sum())
            cells = np.repeat(rows[part] * images, times) + gallery.indices[places]
            # One at a time and in order: where the parts end makes no difference to the sums.
            np.add.at(common, cells, np.minimum(np.repeat(own.data[part], times), gallery.data[places]))
        distances: Doubles = 2 - common
        np.divide(common, distances, out=distances)
        np.subtract(1, distances, out=distances)
        # Two equal rows may sum to a little more than 1.
        np.maximum(distances, 0, out=distances)
        return distances.reshape(own.shape[0], images)


def encode(vectors: Doubles, queries: int, k1: int, k2: int) -> Encoding:
    """Encode all images, the queries being the first.

    Args:
        vectors: ``(N, D)`` of length one.
        queries: number of them.
        k1: nearest others among which both must be.
        k2: nearest over which encodings are averaged.
    """
    nearest, farthest = neighbours(vectors, max(k1 + 1, k2))
    # Only where all images are the same is everybody at 0.
    farthest = np.where(farthest > 0, farthest, 1)
    weights = _weights(vectors, _expanded(nearest, k1), farthest)
    if k2 > 1:
        first = nearest[:, :k2]
        weights = _sparse(first, np.full(first.size, 1 / first.shape[1])) @ weights
    return Encoding(weights[:queries], weights[queries:].tocsc(), farthest[:queries])


def neighbours(vectors: Doubles, count: int) -> tuple[Ints, Doubles]:
    """The nearest images of each: itself, then by distance, then by index.

    Itself comes first by rule, for a copy of the image with a lower index is as near.

    Returns:
        ``(N, count)`` indices, fewer columns where there are fewer images; and ``(N,)`` the distance of the
        farthest.
    """
    total = len(vectors)
    nearest = np.empty((total, min(count, total)), np.int64)
    farthest = np.empty(total)
    for some in blocks(total, total):
        nearest[some], farthest[some] = _neighbours(vectors, some, nearest.shape[1])
    return nearest, farthest


def _neighbours(vectors: Doubles, some: slice, depth: int) -> tuple[Ints, Doubles]:
    # Distance and index in one number: no two are equal, and the order of numbers is the order of images.
    keys = _steps(vectors[some] @ vectors.T).astype(np.int64)
    farthest: Doubles = keys.max(axis=1) * STEP
    total = len(vectors)
    keys *= total
    keys += np.arange(total)
    own = np.arange(some.start, some.stop)
    keys[own - some.start, own] = own - total
    keys.partition(depth - 1, axis=1)
    nearest: Ints = np.sort(keys[:, :depth], axis=1) % total
    return nearest, farthest


def _steps(cosines: Doubles) -> Doubles:
    """2 - 2 cos in whole steps, in place; a cosine just above 1 gives 0."""
    cosines *= -2 / STEP
    cosines += 2 / STEP
    return np.rint(cosines, out=cosines)


def _sparse(columns: Ints, values: NDArray[Any]) -> Sparse:
    """``(N, N)`` with the same number of entries in each row."""
    from scipy import sparse

    rows, width = columns.shape
    return sparse.csr_array((values, columns.ravel(), np.arange(rows + 1) * width), shape=(rows, rows))


def _reciprocal(nearest: Ints) -> Sparse:
    """``(N, N)`` 1 where each is in the other's list."""
    forward = _sparse(nearest, np.ones(nearest.size, np.int32))
    return forward.multiply(forward.T).tocsr()


def _expanded(nearest: Ints, k1: int) -> Sparse:
    """``(N, N)`` above 0 for who is in R*(row): R(row, k1), and R(q, k1/2) of those in it that agree."""
    from scipy import sparse

    near = _reciprocal(nearest[:, : k1 + 1])
    close = _reciprocal(nearest[:, : round(k1 / 2) + 1])
    sizes = np.diff(close.indptr)
    parts = []
    for some in blocks(len(nearest), nearest.shape[1] ** 2):
        own = near[some]
        agreed = (own @ close.T).multiply(own).tocsr()
        agreed.data = (3 * agreed.data > 2 * sizes[agreed.indices]).astype(np.int32)
        agreed.eliminate_zeros()
        parts.append(own + agreed @ close)
    return sparse.vstack(parts, format="csr")


def _weights(vectors: Doubles, sets: Sparse, farthest: Doubles) -> Sparse:
    """``(N, N)`` exp(-distance / farthest) for the members of each set, each row divided by its sum."""
    from scipy import sparse

    rows = np.repeat(np.arange(len(vectors)), np.diff(sets.indptr))
    cosines = np.empty(len(rows))
    for some in blocks(len(rows), vectors.shape[1]):
        cosines[some] = np.einsum("nd,nd->n", vectors[rows[some]], vectors[sets.indices[some]])
    weights = np.exp(-_steps(cosines) * STEP / farthest[rows])
    # No set is empty: everybody is in its own.
    weights /= np.add.reduceat(weights, sets.indptr[:-1])[rows]
    return sparse.csr_array((weights, sets.indices, sets.indptr), shape=sets.shape)


def _parts(lengths: Ints) -> Iterator[slice]:
    """Slices of entries that meet few enough others; a pair takes the memory of five cells."""
    ends = np.cumsum(lengths)
    borders = np.flatnonzero(np.diff(ends // max(1, _BLOCK_CELLS // 5))) + 1
    edges = [0, *borders.tolist(), len(lengths)]
    for start, stop in pairwise(edges):
        yield slice(start, stop)

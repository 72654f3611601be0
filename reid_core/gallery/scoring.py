"""Nearest vectors by inner product: float32, or a graph, finds who may be among the best, float64 decides."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from reid_core.gallery.graph import Graph
from reid_core.types import Floats, Ints

# From this many queries on a matrix product beats FAISS's scan, which reads the vectors once a query.
_BATCH = 20
# How many more than asked the scan brings, so that near ties at the end can be told apart.
_SPARE = 6
# Columns whose best stands for all of them when the k-th best score is bounded from below.
_BLOCK = 64
# Rows gathered at a time: small enough to stay in the processor's cache.
_GATHER = 4096
# Below this share of its span a subset is gathered; above, the whole span is scored and the rest left out.
_SPARSE = 0.25
# Below this share of the graph's rows all of a subset are compared: its neighbours would be of others.
_SELECTIVE = 0.1
# How many are asked of the graph for each that is wanted: it compares coarse copies.
_COARSE = 2
# Scores held at a time, bytes.
_SCORE_BYTES = 64 << 20
# Products of so many terms and fewer are made by BLAS in the calling thread (OpenBLAS: 4 x 65,536).
_ALONE = 1 << 18
# With more pieces than this the threads of BLAS are worth waiting for.
_PIECES = 64


def best_rows(flat: Any, queries: Floats, wanted: NDArray[np.bool_], k: int) -> tuple[Floats, Ints]:
    """The ``k`` wanted rows with the highest inner product for each query, exactly.

    The order is that of the float64 inner product rounded to float32, ties by ascending row, whatever
    the number of threads or the kernels of the machine.

    Args:
        flat: ``faiss.IndexFlatIP`` of ``N`` vectors of about unit length.
        queries: ``(Q, D)`` float32, about unit length.
        wanted: ``(N,)`` the rows to look at, ``M`` of them.
        k: how many, at least 1.

    Returns:
        scores ``(Q, min(k, M))`` float32 in descending order, and their rows.
    """
    count = int(np.count_nonzero(wanted))
    k = min(k, count)
    if k == 0 or not len(queries):
        return np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    # A view of the index's own memory.
    vectors: Floats = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(-1, flat.d)
    if len(queries) < _BATCH:
        found = _scanned(queries, vectors, wanted, count, k)
        if found is not None:
            return found
    rows = np.flatnonzero(wanted)
    scores = np.empty((len(queries), k), np.float32)
    best = np.empty((len(queries), k), np.int64)
    span = int(rows[-1]) - int(rows[0]) + 1
    step = max(1, _SCORE_BYTES // (4 * span))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        scores[part], best[part] = _multiplied(queries[part], vectors, rows, k)
    return scores, best


# Of more candidates than so many times the results, most are left out before they are compared exactly.
_MANY = 1.25
_FEW_ROWS = 128


def nearly_best_rows(
    flat: Any,
    graph: Graph,
    queries: Floats,
    wanted: NDArray[np.bool_],
    k: int,
    also: Sequence[Ints] | None = None,
) -> tuple[Floats, Ints]:
    """As `best_rows`, but the graph says which rows to look at: nearly all of the best are among them.

    Rows behind the graph's are all looked at, and so is a subset that is a small share of them.

    Args:
        flat: ``faiss.IndexFlatIP`` of ``N`` vectors of about unit length.
        graph: of its first rows.
        queries: ``(Q, D)`` float32, about unit length.
        wanted: ``(N,)`` the rows to look at, ``M`` of them.
        k: how many, at least 1.
        also: rows that each query looks at as well, where they are wanted.
    """
    inside = wanted[: len(graph)]
    passing = int(np.count_nonzero(inside))
    count = passing + int(np.count_nonzero(wanted[len(graph) :]))
    k = min(k, count)
    fetched = min(_COARSE * k + _SPARE, passing)
    if passing < _SELECTIVE * len(graph) or fetched == 0 or not len(queries):
        return best_rows(flat, queries, wanted, k)
    found = graph.nearest(queries, fetched, inside if passing < len(graph) else None)
    behind = wanted.copy()
    behind[: len(graph)] = False
    newer = best_rows(flat, queries, behind, k)[1]
    rows = np.concatenate([found, newer, _others(also, found, wanted, len(graph))], axis=1)
    enough = (rows >= 0).sum(axis=1) >= k
    scores, best = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    vectors: Floats = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(-1, flat.d)
    if enough.any():
        some = queries[enough]
        query, row = _likely_best(some, vectors, rows[enough], k)
        scores[enough], best[enough] = decided(some, vectors, query, row, k)
    if not enough.all():
        scores[~enough], best[~enough] = best_rows(flat, queries[~enough], wanted, k)
    return scores, best


def _likely_best(queries: Floats, vectors: Floats, rows: Ints, k: int) -> tuple[NDArray[np.intp], Ints]:
    """Of each query's rows, -1 for none, those that can be among its best ``k``, as `decided` takes them.

    Products of float32 cost half of exact ones, and leave out nobody who could be.
    """
    numbers, kept = [], []
    for number, (query, mine) in enumerate(zip(queries, rows, strict=True)):
        there = mine[mine >= 0]
        if len(there) > _MANY * k:
            near = _cosines_of_rows(query, vectors, there)
            there = there[near >= np.partition(near, len(near) - k)[len(near) - k] - slack(len(query))]
        numbers.append(np.full(len(there), number, np.intp))
        kept.append(there)
    return np.concatenate(numbers), np.concatenate(kept)


def _cosines_of_rows(query: Floats, vectors: Floats, rows: Ints) -> Floats:
    """``(R,)`` float32 inner products of one query and some rows, gathered a few at a time.

    A copy of them all would be memory that the system has to hand out anew each time, page by page.
    """
    near = np.empty(len(rows), np.float32)
    some = np.empty((_FEW_ROWS, vectors.shape[1]), np.float32)
    for start in range(0, len(rows), _FEW_ROWS):
        part = rows[start : start + _FEW_ROWS]
        np.take(vectors, part, axis=0, out=some[: len(part)], mode="clip")
        np.matmul(some[: len(part)], query, out=near[start : start + len(part)])
    return near


def _others(also: Sequence[Ints] | None, found: Ints, wanted: NDArray[np.bool_], count: int) -> Ints:
    """``(Q, C)`` of a graph's so many rows those that are wanted and were not found; -1 behind the last."""
    if also is None:
        return np.empty((len(found), 0), np.int64)
    fresh = [
        np.setdiff1d(rows[(rows < count) & wanted[rows]], there)
        for rows, there in zip(also, found, strict=True)
    ]
    others = np.full((len(found), max(map(len, fresh), default=0)), -1, np.int64)
    for row, new in zip(others, fresh, strict=True):
        row[: len(new)] = new
    return others


def cosines(vectors: Floats, rows: Floats) -> Floats:
    """float32 inner products of a few vectors and a few rows, made in the calling thread.

    BLAS wakes its threads for them and waits: beside a detector that keeps every core busy that takes
    ten times as long as the product. Pieces that are small enough are multiplied without.

    Args:
        vectors: ``(S, D)`` float32.
        rows: ``(N, D)`` float32.

    Returns:
        ``(S, N)`` float32; within `slack` of any other way to sum them.
    """
    step = max(1, _ALONE // max(1, vectors.size))
    if len(rows) > _PIECES * step:
        return vectors @ rows.T
    scores = np.empty((len(vectors), len(rows)), np.float32)
    for start in range(0, len(rows), step):
        np.matmul(vectors, rows[start : start + step].T, out=scores[:, start : start + step])
    return scores


def slack(dim: int) -> np.float32:
    """How far below the k-th best float32 score a row can be and still be among the true best ``k``.

    However its terms are summed, a float32 inner product of unit vectors is within ``D * 2^-24`` of the
    true one; the comparison has one on either side, and lengths may be a little off 1.

    Args:
        dim: ``D``.
    """
    return np.float32(2.5 * dim * 2.0**-24)


def _scanned(
    queries: Floats, vectors: Floats, wanted: NDArray[np.bool_], count: int, k: int
) -> tuple[Floats, Ints] | None:
    """By FAISS's scan, or ``None`` where more rows are nearly equal than it brought."""
    fetched = min(k + _SPARE, count)
    # From the first wanted row to the last: a stretch of time is a stretch of rows.
    first = int(wanted.argmax())
    span = len(wanted) - first - int(wanted[::-1].argmax())
    approximate, row = _faiss_scan(queries, vectors[first:][:span], wanted[first:][:span], fetched)
    if fetched < count and (approximate[:, -1] >= approximate[:, k - 1] - slack(queries.shape[1])).any():
        return None
    query = np.repeat(np.arange(len(queries)), fetched)
    return decided(queries, vectors, query, row.ravel() + first, k)


def _faiss_scan(queries: Floats, vectors: Floats, wanted: NDArray[np.bool_], k: int) -> tuple[Floats, Ints]:
    """What ``IndexFlatIP.search`` does with a selector, on a part of its rows."""
    # With a bitmap FAISS scores four rows at a time, without one it does not: this is faster even where
    # all rows are wanted.
    bits = np.packbits(wanted, bitorder="little")
    scores = np.empty((len(queries), k), np.float32)
    rows = np.empty((len(queries), k), np.int64)
    faiss.knn_inner_product(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(vectors),
        queries.shape[1],
        len(queries),
        len(vectors),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        faiss.IDSelectorBitmap(len(wanted), faiss.swig_ptr(bits)),
    )
    return scores, rows


def _multiplied(queries: Floats, vectors: Floats, rows: Ints, k: int) -> tuple[Floats, Ints]:
    """By one matrix product of all queries and rows."""
    approximate, columns = _approximate_scores(queries, vectors, rows)
    bound = _lower_bound(approximate, k) - slack(queries.shape[1])
    query, column = np.nonzero(approximate >= bound[:, None])
    return decided(queries, vectors, query, columns[column], k)


def decided(
    queries: Floats, vectors: Floats, query: NDArray[np.intp], row: Ints, k: int
) -> tuple[Floats, Ints]:
    """The best ``k`` of each query's candidates, as `best_rows` orders them.

    Args:
        queries: ``(Q, D)`` float32.
        vectors: ``(N, D)`` float32.
        query: ``(P,)`` ascending number of each candidate's query; each has at least ``k``.
        row: ``(P,)`` number of each candidate's vector.
        k: how many, at least 1.

    Returns:
        scores ``(Q, k)`` float32 in descending order, and their rows.
    """
    exact = exact_scores(queries, vectors, query, row)
    order = np.lexsort((row, -exact, query))
    firsts = np.searchsorted(query, np.arange(len(queries)))
    chosen = order[firsts[:, None] + np.arange(k)]
    return exact[chosen], row[chosen]


def _approximate_scores(queries: Floats, vectors: Floats, rows: Ints) -> tuple[Floats, Ints]:
    """float32 scores ``(Q, C)`` and the ``(C,)`` rows they are of; rows that are not wanted score -inf."""
    first, last = int(rows[0]), int(rows[-1])
    span = last - first + 1
    if len(rows) < _SPARSE * span:
        scores = np.empty((len(queries), len(rows)), np.float32)
        for start in range(0, len(rows), _GATHER):
            part = slice(start, start + _GATHER)
            scores[:, part] = queries @ vectors[rows[part]].T
        return scores, rows
    scores = queries @ vectors[first : last + 1].T
    if len(rows) < span:
        penalty = np.full(span, -np.inf, np.float32)
        penalty[rows - first] = 0
        scores += penalty
    return scores, np.arange(first, last + 1)


def _lower_bound(scores: Floats, k: int) -> Floats:
    """A value for each query that at least ``k`` of its finite scores reach, near the k-th best."""
    blocks = scores.shape[1] // _BLOCK
    if blocks >= 2 * k:
        best = scores[:, : blocks * _BLOCK].reshape(len(scores), blocks, _BLOCK).max(axis=2)
        bound: Floats = np.partition(best, blocks - k, axis=1)[:, blocks - k]
        if np.isfinite(bound).all():
            return bound
    kth = scores.shape[1] - k
    exact: Floats = np.partition(scores, kth, axis=1)[:, kth]
    return exact


def exact_scores(
    queries: Floats, vectors: Floats, query: NDArray[np.intp], row: NDArray[np.intp] | Ints
) -> Floats:
    """float64 inner products of pairs, rounded to float32.

    Args:
        queries: ``(Q, D)`` float32.
        vectors: ``(N, D)`` float32.
        query: ``(P,)`` number of each pair's query.
        row: ``(P,)`` number of each pair's vector.

    Returns:
        ``(P,)`` float32.
    """
    scores = np.empty(len(row), np.float32)
    wide = queries.astype(np.float64)
    for start in range(0, len(row), _GATHER):
        part = slice(start, start + _GATHER)
        pairs = wide[query[part]], vectors[row[part]].astype(np.float64)
        scores[part] = np.einsum("pd,pd->p", *pairs)
    return scores

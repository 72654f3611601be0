"""Filtered search against a bare FAISS flat index, and against brute force."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from console.bench.machine import describe_machine
from reid_core.types import Floats, Modality

TARGET = 1.2
_K = 10
_CAMERAS = 10
_QUERIES = (1, 64)
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    queries: int
    rows: int
    ours_s: float
    baseline_s: float
    exact: bool

    @property
    def ratio(self) -> float:
        return self.ours_s / self.baseline_s


def bench_search(
    vectors: int = 100_000, dim: int = 512, repeats: int = 15, seconds: float = 1.0
) -> dict[str, Any]:
    """Time the gallery's index, unfiltered and filtered, over ``faiss.IndexFlatIP.search``.

    The baseline of a filtered case is the same FAISS search with an ``IDSelectorBitmap`` made beforehand;
    ours begins with the filter in words. Both take turns, and medians are compared. ``exact`` says whether
    ids and scores are those of brute force in float64.

    Args:
        vectors: how many random unit vectors are searched.
        dim: their length.
        repeats: least number of measurements of each case.
        seconds: least time spent on each, so that a busy moment does not decide a short one.

    Returns:
        ``ratio`` with ``ours_s`` and ``baseline_s`` are those of the worst case; all are in ``cases``.
    """
    from reid_core.gallery.index import Rows, VectorIndex

    generator = np.random.default_rng(2026)
    data = _unit(generator, vectors, dim)
    cameras = generator.integers(0, _CAMERAS, vectors)
    infrared = cameras >= _CAMERAS // 2
    times = np.sort(generator.integers(0, 86_400, vectors)) * _SECOND
    names = [f"{row:036d}" for row in range(vectors)]
    index = VectorIndex(dim)
    index.add(
        Rows(
            ids=np.arange(1, vectors + 1),
            times_ns=times,
            modalities=[Modality.INFRARED if is_infrared else Modality.VISIBLE for is_infrared in infrared],
            cameras=[f"camera-{number}" for number in cameras],
            tracklets=names,
            sightings=names,
            vectors=data,
        )
    )
    cases = [
        _measured(index, data, name, _unit(generator, queries, dim), repeats, seconds)
        for queries in _QUERIES
        for name in _filters()
    ]
    worst = max(cases, key=lambda case: case.ratio)
    return {
        "name": "search",
        "ours_s": worst.ours_s,
        "baseline_s": worst.baseline_s,
        "ratio": worst.ratio,
        "target": TARGET,
        "exact": all(case.exact for case in cases),
        "vectors": vectors,
        "dim": dim,
        "k": _K,
        "total_ours_s": sum(case.ours_s for case in cases),
        "total_baseline_s": sum(case.baseline_s for case in cases),
        "cases": [
            {
                "filter": case.name,
                "queries": case.queries,
                "rows": case.rows,
                "ours_s": case.ours_s,
                "baseline_s": case.baseline_s,
                "ratio": case.ratio,
                "exact": case.exact,
            }
            for case in cases
        ],
        "machine": describe_machine(),
    }


def _filters() -> dict[str, Any]:
    from reid_core.gallery.index import SearchFilter

    hours = 3600 * _SECOND
    return {
        "none": SearchFilter(),
        "one camera of ten": SearchFilter(cameras=frozenset({"camera-3"})),
        "visible": SearchFilter(modality=Modality.VISIBLE),
        "six hours": SearchFilter(since_ns=6 * hours, until_ns=12 * hours),
        "visible, six hours, not one camera": SearchFilter(
            exclude_cameras=frozenset({"camera-3"}),
            modality=Modality.VISIBLE,
            since_ns=6 * hours,
            until_ns=12 * hours,
        ),
    }


def _measured(index: Any, data: Floats, name: str, queries: Floats, repeats: int, seconds: float) -> _Case:
    import faiss

    where = _filters()[name]
    wanted = index.passing(where)
    rows = np.flatnonzero(wanted)
    parameters = None
    bits = np.packbits(wanted, bitorder="little")
    if len(rows) < len(wanted):
        parameters = faiss.SearchParameters()
        parameters.sel = faiss.IDSelectorBitmap(len(wanted), faiss.swig_ptr(bits))
    # The very memory that ours searches: two copies differ by where the system happened to put them.
    bare = index.flat
    ours: list[float] = []
    baseline: list[float] = []
    start = time.perf_counter()
    while len(ours) < repeats or time.perf_counter() - start < seconds:
        ours.append(_seconds(lambda: index.search(queries, _K, where)))
        baseline.append(_seconds(lambda: bare.search(queries, _K, params=parameters)))
    hits = index.search(queries, _K, where)
    exact = _brute_force_agrees(data, rows, queries, hits.ids - 1, hits.scores)
    return _Case(name, len(queries), len(rows), median(ours), median(baseline), exact)


def _brute_force_agrees(data: Floats, rows: Any, queries: Floats, found: Any, scores: Floats) -> bool:
    wide = data[rows].astype(np.float64)
    for query, its_rows, its_scores in zip(queries.astype(np.float64), found, scores, strict=True):
        truth = (wide @ query).astype(np.float32)
        order = np.lexsort((rows, -truth))[:_K]
        if not (np.array_equal(rows[order], its_rows) and np.array_equal(truth[order], its_scores)):
            return False
    return True


def _unit(generator: np.random.Generator, count: int, dim: int) -> Floats:
    vectors = generator.standard_normal((count, dim), np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

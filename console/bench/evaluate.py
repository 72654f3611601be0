"""How fast the retrieval metrics are, against the obvious way to compute them, and in how little memory."""

import statistics
import time
import tracemalloc
from typing import Any

import numpy as np

from console.bench.machine import describe_machine
from training.evaluation.intervals import share_interval
from training.evaluation.ranks import Exclusion, Scores, Sides, rank_similarities, rank_vectors
from training.evaluation.reference import reference_metrics
from training.evaluation.retrieval import summarise

TARGET = 1 / 30
"""Of our time to the reference's."""

_SEED = 70_001
_ROUNDS = 3


def bench_evaluate(large: int = 100_000) -> dict[str, Any]:
    """Time both on the same similarities.

    SYSU-MM01's size: 3,803 queries, ten galleries of 301, camera 2 hidden from camera 3. RegDB's: 2,060 each
    way, CMC over images. The figures of both ways must be the same. Medians of three rounds that alternate.

    Args:
        large: also rank so many queries in a gallery of so many vectors of 128 numbers, blockwise; 0 for not.

    Raises:
        AssertionError: the two ways disagree.
    """
    cases = {
        "sysu": _case([_sysu(trial) for trial in range(10)], over_images=False),
        "regdb": _case([_regdb()], over_images=True),
    }
    worst = max(cases.values(), key=lambda case: case["ratio"])
    result: dict[str, Any] = {
        "name": "evaluate",
        "ours_s": worst["ours_s"],
        "baseline_s": worst["baseline_s"],
        "ratio": worst["ratio"],
        "target": round(TARGET, 4),
        "cases": cases,
    }
    if large:
        result["large"] = _large(large)
    return result | {"machine": describe_machine()}


def _case(trials: list[tuple[Scores, Sides]], over_images: bool) -> dict[str, Any]:
    # The reference takes lists of pairs, which are made before its time begins.
    listed = [(scores, *_pairs(sides), sides.exclusion) for scores, sides in trials]
    fast_s, slow_s = [], []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        ours = [summarise(rank_similarities(scores, sides), over_images) for scores, sides in trials]
        fast_s.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        slow = [reference_metrics(*each, over_images) for each in listed]
        slow_s.append(time.perf_counter() - begun)
    ours_s, baseline_s = statistics.median(fast_s), statistics.median(slow_s)
    for fast, other in zip(ours, slow, strict=True):
        for figure, value in other.items():
            if abs(getattr(fast, figure) - value) > 1e-9:
                raise AssertionError(f"{figure}: {getattr(fast, figure)} and {value}")
    return {
        "queries": len(trials[0][1].query_ids),
        "gallery": len(trials[0][1].gallery_ids),
        "trials": len(trials),
        "ours_s": round(ours_s, 4),
        "baseline_s": round(baseline_s, 4),
        "ratio": round(ours_s / baseline_s, 5),
    }


def _pairs(sides: Sides) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return (
        list(zip(sides.query_ids.tolist(), sides.query_cameras.tolist(), strict=True)),
        list(zip(sides.gallery_ids.tolist(), sides.gallery_cameras.tolist(), strict=True)),
    )


def _scores(rng: np.random.Generator, sides: Sides) -> Scores:
    """Noise, and something in common where both are of one person."""
    found: Scores = rng.normal(size=sides.shape) + 1.5 * sides.same()
    return found


def _sysu(trial: int) -> tuple[Scores, Sides]:
    rng = np.random.default_rng([_SEED, trial])
    gallery = np.sort(np.concatenate([np.repeat(np.arange(96), 3), rng.permutation(96)[:13]]))
    query = np.sort(rng.integers(0, 96, 3803))
    places = np.concatenate([np.resize((1, 2, 4, 5), (gallery == person).sum()) for person in range(96)])
    cameras = np.where(rng.random(3803) < 0.5, 3, 6)
    sides = Sides.of(query, cameras, gallery, places, {3: 2})
    return _scores(rng, sides), sides


def _regdb() -> tuple[Scores, Sides]:
    rng = np.random.default_rng(_SEED)
    people = np.repeat(np.arange(206), 10)
    sides = Sides.of(people, np.full(2060, 2), people, np.full(2060, 1), Exclusion())
    return _scores(rng, sides), sides


def _large(count: int, width: int = 128, images: int = 10) -> dict[str, Any]:
    """Time, and the most memory beside the vectors; a whole matrix would be ``4 * count ** 2`` bytes."""
    rng = np.random.default_rng(_SEED)
    people = np.arange(count) // images
    centres = rng.normal(size=(people[-1] + 1, width)).astype(np.float32)
    ask, known = (
        centres[people] + 1.5 * rng.normal(size=(count, width)).astype(np.float32) for _ in range(2)
    )
    sides = Sides.of(people, np.full(count, 3), people, np.full(count, 1))
    tracemalloc.start()
    try:
        begun = time.perf_counter()
        ranks = rank_vectors(ask, known, sides)
        result = summarise(ranks)
        seconds, memory = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return {
        "queries": count,
        "gallery": count,
        "seconds": round(seconds, 1),
        "memory_mib": round(memory / 2**20, 1),
        "matrix_mib": round(4 * count * count / 2**20),
        "r1": round(result.r1, 4),
        "interval_95": [round(end, 4) for end in share_interval(ranks.identities == 1, people[ranks.rows])],
        "map": round(result.map, 4),
    }

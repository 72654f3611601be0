"""One protocol's figures: every trial's, their mean and spread, and what a deployment asks beyond them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration, expected_calibration_error
from reid_core.errors import UsageError
from reid_core.size_law import COMPARED
from reid_core.types import Floats, Ints
from training.datasets.records import ImageRecord
from training.evaluation.cameras import check_cameras
from training.evaluation.features import FeatureFile
from training.evaluation.galleries import Permutations, draw_trials
from training.evaluation.intervals import Interval, bootstrap, share_interval
from training.evaluation.open_set import OpenSet, PairScores, open_set, pair_scores
from training.evaluation.protocols import Counting, ProtocolSpec
from training.evaluation.ranks import Ranks, Scores, Sides, rank_similarities
from training.evaluation.retrieval import (
    RetrievalResult,
    chance,
    chance_map,
    summarise,
)
from training.seeding import generator

FIGURES = ("r1", "r5", "r10", "r20", "map", "minp")

Rerank = Callable[["Contest"], Scores]
"""A trial to its ``(Q, G)`` similarities."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Who asks and who is searched in one trial, with their vectors.

    Attributes:
        query: ``(Q, D)`` float32.
        gallery: ``(G, D)`` float32.
        sides: who they are.
        query_rows: of the records, where there are any.
        gallery_rows: likewise.
        query_local: ``(Q, L)`` float32 of parts of the images, where a protocol compares them.
        gallery_local: ``(G, L)`` likewise.
        query_text: ``(Q, D)`` float32 of texts beside the images, likewise.
    """

    query: Floats
    gallery: Floats
    sides: Sides
    query_rows: Ints | None = None
    gallery_rows: Ints | None = None
    query_local: Floats | None = None
    gallery_local: Floats | None = None
    query_text: Floats | None = None

    def similarities(self) -> Scores:
        """``(Q, G)`` dot products, in float64: figures must not depend on how a machine adds."""
        found: Scores = self.query.astype(np.float64) @ self.gallery.astype(np.float64).T
        return found


@dataclass(frozen=True, slots=True)
class CameraPair:
    """One query camera against one gallery camera, averaged over the trials.

    Attributes:
        query: number of the query camera.
        gallery: of the gallery camera.
        r1: rank-1.
        map: mAP.
        queries: valid ones of the first trial.
        interval_95: of rank-1, over identities.
    """

    query: int
    gallery: int
    r1: float
    map: float
    queries: int
    interval_95: Interval


@dataclass(frozen=True, slots=True)
class ProtocolResult:
    """What came out; metrics in 0..1.

    Attributes:
        protocol: its id.
        trials: of each gallery.
        trial_intervals: the 95 % interval of each trial's rank-1, over identities.
        queries: images that asked.
        valid: of those, with a positive; of the first trial.
        gallery: images searched; of the first trial.
        identities: among the valid queries.
        chance_r1: rank-1 to expect of a random ranking, in the first trial.
        chance_map: mAP likewise.
        intervals: figure -> 95 % interval over identities, see `intervals`.
        cameras: by pair of cameras.
        open_set: with half of the people unseen, in the first trial; ``None`` where there are too few.
        pairs: of all pairs of the first trial; ``None`` where a kind is missing.
        calibration_error: of the probabilities of the best candidates, for a calibrated model.
        text: what the query's text was, in words.
        scores: ``(Q, G)`` similarities of the first trial, re-ranked where the protocol says so.
    """

    protocol: str
    trials: tuple[RetrievalResult, ...]
    trial_intervals: tuple[Interval, ...]
    queries: int
    valid: int
    gallery: int
    identities: int
    chance_r1: float
    chance_map: float
    intervals: Mapping[str, Interval]
    cameras: tuple[CameraPair, ...]
    open_set: OpenSet | None
    pairs: PairScores | None
    calibration_error: float | None
    text: str
    scores: Scores

    def mean(self, figure: str) -> float:
        """Over the trials."""
        return float(statistics.fmean(getattr(trial, figure) for trial in self.trials))

    def spread(self, figure: str) -> float:
        """Standard deviation over the trials."""
        return float(statistics.pstdev(getattr(trial, figure) for trial in self.trials))

    def as_json(self) -> dict[str, Any]:
        """Plain values: means at the top, then each trial and everything else."""
        values: dict[str, Any] = {"protocol": self.protocol}
        values |= {figure: self.mean(figure) for figure in FIGURES}
        values["std"] = {figure: self.spread(figure) for figure in FIGURES}
        values["interval_95"] = {figure: list(both) for figure, both in self.intervals.items()}
        values |= {
            name: getattr(self, name)
            for name in ("queries", "valid", "gallery", "identities", "chance_r1", "chance_map", "text")
        }
        values["cmc"] = np.mean([trial.cmc for trial in self.trials], axis=0).tolist()
        values["open_set"] = None if self.open_set is None else _by_rate(asdict(self.open_set), "tpir")
        values["pairs"] = None if self.pairs is None else _by_rate(asdict(self.pairs), "tpr")
        values["calibration_error"] = self.calibration_error
        values["cameras"] = [asdict(pair) for pair in self.cameras]
        values["trials"] = [
            {
                **{figure: getattr(trial, figure) for figure in FIGURES},
                "valid": trial.valid,
                "interval_95": {"r1": list(interval)},
            }
            for trial, interval in zip(self.trials, self.trial_intervals, strict=True)
        ]
        return values


def contests(
    records: Sequence[ImageRecord],
    query: Floats,
    gallery: Floats,
    spec: ProtocolSpec,
    permutations: Permutations | None = None,
    same_place: Mapping[int, int] | None = None,
) -> list[Contest]:
    """The trials of a protocol on a data set's vectors.

    Args:
        records: of the split.
        query: ``(N, D)``, what each record asks with; the rows of those that never ask do not matter.
        gallery: ``(N, D)``, what each is found by; likewise. Often it is the same array.
        spec: the protocol.
        permutations: of sampler B.
        same_place: of the data set.

    Raises:
        UsageError: an image is of a camera that is none of the protocol's.
        SourceError: nobody asks, or there is no gallery.
    """
    ids = np.array([record.identity for record in records], np.int64)
    cameras = np.array([record.camera for record in records], np.int64)
    found = []
    for trial in draw_trials(records, spec, permutations):
        ask, known = trial.query, trial.gallery
        sides = Sides.of(ids[ask], cameras[ask], ids[known], cameras[known], spec.exclusion(same_place))
        found.append(Contest(query[ask], gallery[known], sides, ask, known))
    return found


def contest_of(file: FeatureFile, spec: ProtocolSpec) -> Contest:
    """A feature file as a trial: its query and gallery are what they are.

    Raises:
        UsageError: a camera in it is none of the protocol's.
    """
    check_cameras(spec, file.query_cameras.tolist(), file.gallery_cameras.tolist(), str(file.path))
    sides = Sides.of(
        file.query_ids, file.query_cameras, file.gallery_ids, file.gallery_cameras, spec.exclusion()
    )
    return Contest(file.query, file.gallery, sides)


def evaluate_protocol(
    spec: ProtocolSpec,
    trials: Sequence[Contest],
    rerank: Rerank | None = None,
    calibration: Calibration | None = None,
    seed: int = 1,
) -> ProtocolResult:
    """Measure.

    Args:
        spec: the protocol.
        trials: at least one.
        rerank: similarities in place of dot products.
        calibration: of infrared and visible pairs, to judge it.
        seed: of the draws of strangers and of the intervals.

    Raises:
        UsageError: no query has a positive, or a number is not finite.
    """
    results: list[RetrievalResult] = []
    ranks: list[Ranks] = []
    pairs: dict[tuple[int, int], list[_Asked]] = {}
    over_images = spec.counting is Counting.IMAGES
    kept: list[Scores] = []
    for trial in trials:
        scores = trial.similarities() if rerank is None else rerank(trial)
        kept = kept or [scores]
        ranks.append(rank_similarities(scores, trial.sides))
        results.append(summarise(ranks[-1], over_images))
        for key, result in _by_cameras(scores, trial.sides).items():
            pairs.setdefault(key, []).append(result)
    (scores,), sides = kept, trials[0].sides
    who = (sides.query_ids, sides.query_cameras, sides.gallery_ids, sides.gallery_cameras)
    return ProtocolResult(
        protocol=spec.id,
        trials=tuple(results),
        trial_intervals=tuple(
            share_interval(
                (each.images if over_images else each.identities) == 1, trial.sides.query_ids[each.rows], seed
            )
            for trial, each in zip(trials, ranks, strict=True)
        ),
        queries=sides.shape[0],
        valid=results[0].valid,
        gallery=sides.shape[1],
        identities=len(np.unique(sides.query_ids[ranks[0].rows])),
        chance_r1=chance(*who, sides.exclusion),
        chance_map=chance_map(*who, sides.exclusion),
        intervals=_intervals(trials, ranks, over_images, seed),
        cameras=tuple(
            CameraPair(
                *key,
                statistics.fmean(one.result.r1 for one in found),
                statistics.fmean(one.result.map for one in found),
                found[0].result.valid,
                share_interval(
                    np.concatenate([one.hits for one in found]),
                    np.concatenate([one.ids for one in found]),
                    seed,
                ),
            )
            for key, found in sorted(pairs.items())
        ),
        open_set=_or_none(lambda: open_set(scores, sides, generator(seed, "open set"))),
        pairs=_or_none(lambda: pair_scores(scores, sides)),
        calibration_error=None if calibration is None else _calibration_error(scores, sides, calibration),
        text=_text_in_words(spec),
        scores=scores,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some queries of one trial: figures, and of each whether it came first, and whose it is."""

    result: RetrievalResult
    hits: NDArray[np.bool_]
    ids: Ints


def _by_cameras(scores: Scores, sides: Sides) -> dict[tuple[int, int], _Asked]:
    """A pair of cameras that no query is valid for is left out."""
    found = {}
    for camera in np.unique(sides.query_cameras).tolist():
        rows = np.flatnonzero(sides.query_cameras == camera)
        for other in np.unique(sides.gallery_cameras).tolist():
            columns = np.flatnonzero(sides.gallery_cameras == other)
            some = Sides.of(
                sides.query_ids[rows],
                sides.query_cameras[rows],
                sides.gallery_ids[columns],
                sides.gallery_cameras[columns],
                sides.exclusion,
            )
            ranks = rank_similarities(scores[np.ix_(rows, columns)], some)
            if len(ranks):
                found[camera, other] = _Asked(
                    summarise(ranks), ranks.identities == 1, some.query_ids[ranks.rows]
                )
    return found


def _intervals(
    trials: Sequence[Contest], ranks: Sequence[Ranks], over_images: bool, seed: int
) -> dict[str, Interval]:
    """A query counts once, with its mean over the trials."""
    ids = np.concatenate([t.sides.query_ids[r.rows] for t, r in zip(trials, ranks, strict=True)])
    first = np.concatenate([r.images if over_images else r.identities for r in ranks])
    found = {f"r{k}": share_interval(first <= k, ids, seed) for k in (1, 5, 10, 20)}
    for name, values in (("map", [r.precision for r in ranks]), ("minp", [r.penalty for r in ranks])):
        found[name] = bootstrap(np.concatenate(values), ids, generator(seed, "bootstrap"))
    return found


def _calibration_error(scores: Scores, sides: Sides, calibration: Calibration) -> float:
    """Of the best candidate's probability: how far it is from how often that is right."""
    shown = np.where(sides.hidden(), -np.inf, scores)
    order = np.argsort(sides.gallery_ids, kind="stable")
    people, starts = np.unique(sides.gallery_ids[order], return_index=True)
    of_people = np.maximum.reduceat(shown[:, order], starts, axis=1)
    ranked = -np.sort(-of_people, axis=1)[:, :COMPARED]
    asked = np.isfinite(ranked[:, 0])
    right = people[of_people.argmax(axis=1)] == sides.query_ids
    chances = [
        calibration.ranked_probabilities(row[np.isfinite(row)], int(count))[0]
        for row, count in zip(ranked[asked], np.isfinite(of_people[asked]).sum(axis=1), strict=True)
    ]
    return expected_calibration_error(chances, right[asked])


def _or_none(measure: Callable[[], Any]) -> Any:
    try:
        return measure()
    except UsageError:
        return None


def _by_rate(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {**values, key: {f"{rate:g}": share for rate, share in values[key].items()}}


def _text_in_words(spec: ProtocolSpec) -> str:
    if spec.text == "none":
        return "none"
    if spec.text == "image":
        return "the query image's own caption"
    which = "the one caption" if spec.text == "identity-fixed" else "a drawn caption"
    return f"oracle: {which} of the right identity, which only who knows the answer can give"

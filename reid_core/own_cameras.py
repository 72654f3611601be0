"""When visible tracklets are one person on a gallery's own cameras, learned without labels.

Both halves of a tracklet are one person, and tracklets of one camera that the gallery holds apart are nearly
all of different people. So each camera is a gallery whose answers are known: the earlier halves are searched
among later ones, of which some are left out. Somebody whom the gallery has split counts as two people, which
makes the threshold a little higher than it need be, never lower. Tracklets that overlap in one camera are two
people for certain: how many of those pairs reach the threshold is told.

Links have no such pairs: no tracklet is infrared and visible. Their probabilities stay those of the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration, fit_calibration
from reid_core.errors import UsageError
from reid_core.gallery.calibrations import count_everybody, put_own_calibrations
from reid_core.gallery.paging import TrackletFilter, every
from reid_core.gallery.records import TrackletSummary
from reid_core.gallery.store import Gallery
from reid_core.models.manifest import PairKind
from reid_core.size_fitting import fit_size_law
from reid_core.size_law import MIN_PROBES, Searches, searched, searches_together
from reid_core.tracklet_scores import scores_of
from reid_core.types import Floats, Modality

PAIR: PairKind = "visible-visible"

MIN_TRACKLETS = 8
"""Fewer tracklets of a camera that can be halved than this make no gallery."""

# Enough for the law; more would only take longer.
_OF_CAMERA = 300
_ROUNDS = 6
_SIZES = (2, 3, 5, 10, 20, 40, 80, 160)
# Share of the people of a camera whose later halves are the gallery.
_INSIDE = 0.8
_PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class OwnFit:
    """A calibration that was fitted on a gallery's own cameras, and what certain strangers say of it.

    Attributes:
        version: that it was kept as.
        calibration: of visible pairs.
        cameras: ids of those that it was fitted on.
        tracklets: that were halved.
        threshold: at the gallery's present size.
        halves_accepted: share of the tracklets whose halves reach it.
        apart: pairs of tracklets of one camera that overlap in time.
        apart_accepted: of those, so many reach it: each would be two people taken for one.
        notes: a sentence for each camera for which there was too little.
    """

    version: int
    calibration: Calibration
    cameras: frozenset[str]
    tracklets: int
    threshold: float
    halves_accepted: float
    apart: int
    apart_accepted: int
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Halved:
    """A tracklet, and the vectors of its earlier and its later sightings."""

    summary: TrackletSummary
    early: Floats
    late: Floats


def calibrate_on_own_cameras(gallery: Gallery, space: str, rate: float, seed: int = 1) -> OwnFit:
    """Fit when visible tracklets are one person to what a gallery has seen, and keep that in it.

    Args:
        gallery: whose visible tracklets are looked at.
        space: in which the gallery compares its vectors (`Gallery.comparing`).
        rate: how often a newcomer may be made one with somebody.
        seed: of the draws.

    Raises:
        UsageError: the cameras have not shown enough people.
        ModelMismatchError: the gallery is of another space.
    """
    gallery.check_space(space)
    rng = np.random.default_rng(seed)
    by_camera = _halved(gallery, space, rng)
    cameras = {name: seen for name, seen in by_camera.items() if len(seen) >= MIN_TRACKLETS}
    if not cameras:
        raise UsageError(
            f"No camera has shown {MIN_TRACKLETS} visible tracklets of two sightings and more.",
            "Let the cameras see more people, then calibrate again.",
        )
    searches = _searches(cameras, rng)
    if len(searches) < 2:
        raise UsageError(
            "The cameras have shown too few people to see how scores change with their number.",
            "Let them see more people, then calibrate again.",
        )
    same = np.concatenate([one.own[one.inside] for one in searches])
    different = np.concatenate([one.wrong[np.isfinite(one.wrong)] for one in searches])
    count = sum(map(len, cameras.values()))
    data = f"{count} tracklets of {len(cameras)} cameras of the gallery, without labels"
    law = fit_size_law(searches, _PRIOR, rate)
    with gallery.database.read() as session:
        threshold = law.threshold(count_everybody(session))
    calibration = replace(fit_calibration(same, different, data), threshold=threshold, sizes=law)
    halves, apart = _certain(cameras)
    names = frozenset(cameras)
    return OwnFit(
        version=put_own_calibrations(gallery.database, space, {PAIR: calibration}, names),
        calibration=calibration,
        cameras=names,
        tracklets=count,
        threshold=threshold,
        halves_accepted=float((halves >= threshold).mean()),
        apart=len(apart),
        apart_accepted=int((apart >= threshold).sum()),
        notes=[
            f"Camera {name} has shown {len(seen)} people by day, too few to be looked at."
            for name, seen in sorted(by_camera.items())
            if name not in cameras
        ],
    )


def _halved(gallery: Gallery, space: str, rng: np.random.Generator) -> Mapping[str, list[_Halved]]:
    """By camera, at most so many of each: one tracklet of each identity."""
    first: dict[str, dict[str, TrackletSummary]] = {}
    where = TrackletFilter(modality=Modality.VISIBLE)
    for one in every(lambda after: gallery.tracklet_page(where, after)):
        if one.identity is not None:
            first.setdefault(one.camera, {}).setdefault(one.identity, one)
    found: dict[str, list[_Halved]] = {}
    for camera, people in sorted(first.items()):
        summaries = list(people.values())
        chosen = sorted(rng.permutation(len(summaries))[:_OF_CAMERA].tolist())
        halved = [_halves_of(gallery, space, summaries[place]) for place in chosen]
        found[camera] = [one for one in halved if one is not None]
    return found


def _halves_of(gallery: Gallery, space: str, summary: TrackletSummary) -> _Halved | None:
    stored = gallery.vectors(summary.id, space)
    if len(stored.vectors) < 2:
        return None
    frames = {one.id: one.frame for one in gallery.sightings(summary.id)}
    order = np.argsort([frames[name] for name in stored.sightings], kind="stable")
    early, late = np.array_split(stored.vectors[order], 2)
    return _Halved(summary, early, late)


def _searches(cameras: Mapping[str, list[_Halved]], rng: np.random.Generator) -> list[Searches]:
    found: dict[int, list[Searches]] = {}
    for seen in cameras.values():
        everybody = np.arange(len(seen))
        probes = [one.early for one in seen]
        for _ in range(_ROUNDS):
            inside = rng.permutation(len(seen))[: int(_INSIDE * len(seen))]
            scores = scores_of(probes, [seen[place].late for place in inside.tolist()], PAIR)
            same = everybody[:, None] == inside
            for size in {*(size for size in _SIZES if size < len(inside)), len(inside)}:
                part = searched(scores[:, :size], same[:, :size], everybody)
                found.setdefault(size, []).append(part)
    together = [searches_together(found[size]) for size in sorted(found)]
    return [one for one in together if min(one.inside.sum(), (~one.inside).sum()) >= MIN_PROBES]


def _certain(
    cameras: Mapping[str, list[_Halved]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of both halves of tracklets, and of tracklets that overlap in one camera."""
    halves, apart = [], []
    for seen in cameras.values():
        for place, one in enumerate(seen):
            halves.append(_score(one.early, one.late))
            for other in seen[place + 1 :]:
                a, b = one.summary, other.summary
                if a.start_ns <= b.end_ns and b.start_ns <= a.end_ns:
                    apart.append(_score(one.early, other.late))
    return np.array(halves), np.array(apart)


def _score(probe: Floats, known: Floats) -> float:
    return float(scores_of([probe], [known], PAIR)[0, 0])

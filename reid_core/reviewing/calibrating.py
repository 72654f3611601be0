"""What links' scores are worth, learned from what people said of links.

A confirmed infrared tracklet is a probe whose person is known: among galleries drawn from the people of the
gallery, with and without that person, the law of size is fitted as on labelled data. A rejected link is a
pair of two people. People are shown what the model ranks high, so confirmed pairs are those that it finds: a
law that is fitted on them says what its answers are worth, not how many it misses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from reid_core.calibration import Calibration, fit_calibration
from reid_core.errors import UsageError
from reid_core.gallery.calibrations import count_everybody, put_own_calibrations
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.schema import IdentityRow, TrackletRow
from reid_core.gallery.store import Gallery
from reid_core.models.manifest import PairKind
from reid_core.querying.tracklet_vector import query_vector
from reid_core.reviewing.labels import Label, Verdict, all_labels
from reid_core.size_fitting import fit_size_law
from reid_core.size_law import MIN_PROBES, Searches, searched, searches_together
from reid_core.tracklet_scores import scores_of
from reid_core.types import Floats, Modality

PAIR: PairKind = "infrared-visible"

# Enough for the law; more would only take longer.
_PEOPLE = 400
_ROUNDS = 8
_SIZES = (2, 3, 5, 10, 20, 40, 80, 160)
_INSIDE = 0.8
_PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class LabelFit:
    """A calibration of links that was fitted on labels.

    Attributes:
        version: that it was kept as.
        calibration: of infrared-visible pairs.
        cameras: ids of those that the labelled tracklets are of.
        confirmed: labels that say yes.
        rejected: labels that say no.
        threshold: at the gallery's present size.
    """

    version: int
    calibration: Calibration
    cameras: frozenset[str]
    confirmed: int
    rejected: int
    threshold: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """A label, and the vector of its infrared tracklet, ``(1, D)``."""

    label: Label
    vector: Floats


def calibrate_on_labels(gallery: Gallery, space: str, rate: float, seed: int = 1) -> LabelFit:
    """Fit links' scores to what people said of them, and keep that in the gallery.

    Args:
        gallery: whose labels are read.
        space: in which it compares its vectors (`Gallery.comparing`).
        rate: how often the best wrong identity may be linked to.
        seed: of the draws.

    Raises:
        UsageError: there are too few labels.
        ModelMismatchError: the gallery is of another space.
    """
    gallery.check_space(space)
    with gallery.database.read() as session:
        labels = all_labels(session)
    pairs = [pair for label in labels if (pair := _pair(gallery, space, label)) is not None]
    confirmed = [one for one in pairs if one.label.verdict is Verdict.CONFIRMED]
    rejected = [one for one in pairs if one.label.verdict is Verdict.REJECTED]
    if len(confirmed) < MIN_PROBES:
        raise UsageError(
            f"{len(confirmed)} links are confirmed, and {MIN_PROBES} are needed to say what scores mean.",
            "Confirm and reject more links, then calibrate again.",
        )
    rng = np.random.default_rng(seed)
    names, known = _people(gallery, space, confirmed, rng)
    scores = scores_of([one.vector for one in confirmed], known, PAIR)
    same = np.array([[one.label.identity == name for name in names] for one in confirmed])
    searches = _searches(scores, same, rng)
    if len(searches) < 2:
        raise UsageError(
            "The confirmed links are of too few people to see how scores change with their number.",
            "Confirm links of more people, then calibrate again.",
        )
    wrong = np.where(same, -np.inf, scores).max(axis=1)
    different = np.concatenate([wrong[np.isfinite(wrong)], _scores(gallery, space, rejected)])
    data = f"{len(confirmed)} confirmed and {len(rejected)} rejected links of the gallery"
    law = fit_size_law(searches, _PRIOR, rate)
    with gallery.database.read() as session:
        threshold = law.threshold(count_everybody(session))
        named = {name for one in pairs for name in (one.label.tracklet, one.label.anchor)}
        chosen = select(TrackletRow.camera_id).where(TrackletRow.id.in_(named)).distinct()
        cameras = frozenset(session.scalars(chosen))
    fitted = fit_calibration(scores[same], different, data)
    calibration = replace(fitted, threshold=threshold, sizes=law)
    version = put_own_calibrations(gallery.database, space, {PAIR: calibration}, cameras)
    return LabelFit(version, calibration, cameras, len(confirmed), len(rejected), threshold)


def _pair(gallery: Gallery, space: str, label: Label) -> _Pair | None:
    stored = gallery.vectors(label.tracklet, space)
    return _Pair(label, query_vector(stored)[None]) if len(stored.vectors) else None


def _people(
    gallery: Gallery, space: str, confirmed: Sequence[_Pair], rng: np.random.Generator
) -> tuple[list[str], list[Floats]]:
    """Whom was confirmed, and others of the gallery up to a number: ids and vectors."""
    right = sorted({one.label.identity for one in confirmed})
    with gallery.database.read() as session:
        others = sorted(set(session.scalars(select(IdentityRow.id))) - set(right))
    drawn = [others[place] for place in rng.permutation(len(others))[: max(0, _PEOPLE - len(right))].tolist()]
    where = SearchFilter(modality=Modality.VISIBLE)
    with gallery.reading(space) as (session, store):
        found = store.of_identities(session, [*right, *drawn], where, ())
    names = sorted(found)
    return names, [found[name].vectors for name in names]


def _searches(
    scores: NDArray[np.float64], same: NDArray[np.bool_], rng: np.random.Generator
) -> list[Searches]:
    """Of galleries of several sizes, those of which enough probes are inside, and enough are not."""
    found: dict[int, list[Searches]] = {}
    who, people = np.arange(len(scores)), scores.shape[1]
    for _ in range(_ROUNDS):
        inside = rng.permutation(people)[: int(_INSIDE * people)]
        for size in {*(size for size in _SIZES if size < len(inside)), len(inside)}:
            part = searched(scores[:, inside[:size]], same[:, inside[:size]], who)
            found.setdefault(size, []).append(part)
    together = [searches_together(found[size]) for size in sorted(found)]
    return [one for one in together if min(one.inside.sum(), (~one.inside).sum()) >= MIN_PROBES]


def _scores(gallery: Gallery, space: str, rejected: Sequence[_Pair]) -> NDArray[np.float64]:
    """Of the pairs of two people that rejections are."""
    names = {one.label.identity for one in rejected}
    with gallery.reading(space) as (session, store):
        known = store.of_identities(session, names, SearchFilter(modality=Modality.VISIBLE), ())
    return np.array(
        [known[one.label.identity].score(one.vector[0]) for one in rejected if one.label.identity in known],
        np.float64,
    )

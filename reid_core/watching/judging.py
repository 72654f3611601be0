"""Whether a tracklet is whom a watch looks for.

* **An identity** is found where the gallery says so: a visible tracklet that joined it, an infrared one that
  the linker linked to it.
* **A picture** is compared with the tracklet itself, as infrared and visible sightings are.
* **A description** is compared with a visible tracklet itself. Of an infrared one it says nothing, because
  words speak of colours: there it is compared with the looks of the candidates of its link, and the tracklet
  with those of the candidate that it describes best. Whom the words describe is one question, whether it was
  they who came by is another: chance brings such an alert as often as either is wrong, so both count. (The
  words are about whom the watch looks for, not about whoever came by. They make no candidate likelier.)

A score passes where chance brings it no more often a night than is allowed
(`reid_core.watching.strictness`), by the calibration and by how those scored who came by before
(`reid_core.watching.background`); or where it reaches the watch's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reid_core.calibration import Calibration
from reid_core.gallery.records import TrackletVectors
from reid_core.matcher import query_vector
from reid_core.types import Floats, Modality
from reid_core.watching.background import Before, as_calibrated
from reid_core.watching.looking import Linked, Seen, Vectors
from reid_core.watching.strictness import false_alarms, least_score
from reid_core.watching.watch import Standing, Watch, WatchKind

TEXT, INFRARED_VISIBLE, VISIBLE_VISIBLE = "text", "infrared-visible", "visible-visible"
"""Kinds of pairs that scores are calibrated for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A tracklet that is whom a watch looks for; fields as in `reid_core.watching.alerts.Alert`."""

    identity: str | None
    score: float | None
    probability: float | None
    false_alarms: float | None
    calibrated: bool
    evidence: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Scores:
    """Cosines of one tracklet with the vectors of ``W`` watches.

    Attributes:
        own: ``(W,)`` of an infrared tracklet's mean vector, or a visible one's best crop.
        candidates: ``(C, W)`` of the best crop of each candidate's tracklet; -1 where it has none.
        likeness: ``(C,)`` of that tracklet's best crop with an infrared tracklet's mean vector; likewise.
    """

    own: Floats
    candidates: Floats
    likeness: Floats


def scores_of(seen: Seen, linked: Linked | None, vectors: Vectors, matrix: Floats) -> Scores | None:
    """The cosines of a tracklet with all watches at once; ``None`` where it has no vector.

    Args:
        seen: the tracklet.
        linked: who an infrared one may be.
        vectors: of it and of its candidates' tracklets.
        matrix: ``(W, D)``, one row a watch.
    """
    mine = vectors.get(seen.id)
    if mine is None:
        return None
    if seen.modality is Modality.VISIBLE:
        nobody = np.zeros(0, np.float32)
        return Scores(_best(mine, matrix), nobody.reshape(0, len(matrix)), nobody)
    query = query_vector(mine)
    asked = np.concatenate([matrix, query[None]])
    candidates = linked.candidates if linked is not None else ()
    rows = [
        _best(vectors[one.tracklet], asked)
        if one.tracklet in vectors
        else np.full(len(asked), -1, np.float32)
        for one in candidates
    ]
    found = np.array(rows, np.float32).reshape(len(rows), len(asked))
    return Scores(matrix @ query, found[:, :-1], found[:, -1])


def _best(vectors: TrackletVectors, matrix: Floats) -> Floats:
    return np.asarray((matrix @ vectors.vectors.T).max(axis=1), np.float32)


class Judge:
    """Says who is whom a watch looks for.

    Args:
        calibrations: by the kind of pair; those that are not there are not calibrated.
        allowed: false alarms a night of a watch that says nothing else.
        people: how many come by in a night at least.
    """

    def __init__(self, calibrations: Mapping[str, Calibration], allowed: float, people: int) -> None:
        self._calibrations = calibrations
        self._allowed = allowed
        self._people = people

    def standing(self, watch: Watch) -> Standing:
        """How a watch can fire whose identity is there and whose vector is known."""
        if watch.kind is WatchKind.IDENTITY:
            return Standing.LINKER
        if watch.score is not None:
            return Standing.SCORE
        wanted = [one for one in Modality if watch.looks_at in (None, one)]
        told = [one for one in wanted if self._calibration(watch, one) is not None]
        if not told:
            return Standing.NOT_CALIBRATED
        if len(told) < len(wanted):
            return Standing.PARTLY if told == [Modality.VISIBLE] else Standing.PARTLY_INFRARED
        return Standing.CALIBRATED

    def by_identity(self, identity: str, seen: Seen, linked: Linked | None) -> Found | None:
        """Whether a tracklet is of an identity."""
        if seen.modality is Modality.VISIBLE:
            return Found(identity, None, None, None, True, {}) if seen.identity == identity else None
        if linked is None or linked.identity != identity or linked.best is None:
            return None
        looks = {"tracklet": linked.best.tracklet, "sighting": linked.best.sighting}
        return Found(identity, linked.best.score, linked.probability, None, True, looks)

    def by_vector(
        self,
        watch: Watch,
        place: int,
        seen: Seen,
        linked: Linked | None,
        scores: Scores,
        before: Before,
    ) -> Found | None:
        """Whether a tracklet is like a watch's vector.

        Args:
            watch: of a description or a picture.
            place: of the watch among those that the scores are of.
            seen: the tracklet.
            linked: who an infrared one may be.
            scores: of the tracklet.
            before: asked who came by before it, if that matters.
        """
        worded = watch.kind is WatchKind.DESCRIPTION and seen.modality is Modality.INFRARED
        own, looks = float(scores.own[place]), scores.candidates[:, place]
        if watch.score is not None:
            return self._by_score(watch.score, worded, own, looks, seen, linked)
        calibration = self._calibration(watch, seen.modality)
        if calibration is None:
            return None
        if worded:
            return self._by_words(watch, calibration, place, linked, scores, before)
        alarms = self._alarms(watch, calibration, own, before, place, seen.modality)
        if alarms is None:
            return None
        identity = linked.identity if linked is not None else seen.identity
        chance = linked.probability if linked is not None and identity is not None else None
        return Found(identity, own, chance, alarms, True, {})

    def _by_words(
        self,
        watch: Watch,
        calibration: Calibration,
        place: int,
        linked: Linked | None,
        scores: Scores,
        before: Before,
    ) -> Found | None:
        """Whether the words describe a candidate, the one they describe best, and it was that one."""
        looks = scores.candidates[:, place]
        if linked is None or not len(looks):
            return None
        chosen = int(np.argmax(looks))
        one, score, likeness = linked.candidates[chosen], float(looks[chosen]), float(scores.likeness[chosen])
        allowed, searched = self._most(watch), linked.searched or self._people
        if score < least_score(calibration, searched, allowed):
            return None
        dark = self._calibrations[INFRARED_VISIBLE]
        other = self._alarms(watch, dark, likeness, before, one.tracklet, Modality.INFRARED)
        if other is None:
            return None
        standing = as_calibrated(calibration, score, before.scores(place, Modality.VISIBLE))
        alarms = false_alarms(calibration, standing, searched) + other
        if alarms > allowed:
            return None
        evidence = {"tracklet": one.tracklet, "sighting": one.sighting, "infrared_score": one.score}
        return Found(one.identity, score, one.probability, alarms, True, evidence)

    def _alarms(
        self,
        watch: Watch,
        calibration: Calibration,
        score: float,
        before: Before,
        whom: int | str,
        modality: Modality,
    ) -> float | None:
        """False alarms a night at a score with whoever comes by, where they are no more than allowed.

        Args:
            watch: that asks.
            calibration: of the score.
            score: of the tracklet.
            before: who came by before it.
            whom: the score is with; see `Before.scores`.
            modality: of those who come by.
        """
        allowed = self._most(watch)
        # More people make it only stricter, as do those who came before: mostly nobody is counted.
        if score < least_score(calibration, self._people, allowed):
            return None
        people = max(before.people(watch), self._people)
        if score < least_score(calibration, people, allowed):
            return None
        standing = as_calibrated(calibration, score, before.scores(whom, modality))
        alarms = false_alarms(calibration, standing, people)
        return alarms if alarms <= allowed else None

    def _most(self, watch: Watch) -> float:
        return watch.false_alarms if watch.false_alarms is not None else self._allowed

    def _calibration(self, watch: Watch, modality: Modality) -> Calibration | None:
        """Of scores of a watch with tracklets of a modality."""
        if watch.kind is WatchKind.DESCRIPTION:
            # Without probabilities a link gives words nobody to be about.
            linked = modality is Modality.VISIBLE or INFRARED_VISIBLE in self._calibrations
            return self._calibrations.get(TEXT) if linked else None
        if modality is not watch.pictured:
            return self._calibrations.get(INFRARED_VISIBLE)
        return self._calibrations.get(VISIBLE_VISIBLE) if modality is Modality.VISIBLE else None

    def _by_score(
        self, least: float, worded: bool, own: float, looks: Floats, seen: Seen, linked: Linked | None
    ) -> Found | None:
        """By the watch's own score: of the tracklet, or of whom it is linked to where words are heard."""
        identity, best = seen.identity, own
        if linked is not None:
            identity = linked.identity
            if worded and identity is not None and linked.candidates:
                # A link is to its first candidate.
                best = max(own, float(looks[0]))
        return Found(identity, best, None, None, False, {}) if best >= least else None

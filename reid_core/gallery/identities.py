"""Visible tracklets become identities as they arrive."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration
from reid_core.gallery.limits import EXEMPLARS
from reid_core.gallery.scoring import exact_scores, slack
from reid_core.gallery.whereabouts import Whereabouts
from reid_core.types import Floats, Ints

# Digits of a score that mean something; the rest would differ between machines.
_DIGITS = 6
# The best identity and the runner-up.
_TOLD = 2
_NAMESPACE = uuid.UUID("5f0f3ec9-6a5b-5c51-9a0e-4f6e1d3a7b20")


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """When a visible tracklet is the same person as an earlier one.

    Attributes:
        merge_score: the least score (see `decide`) to join an identity; ``None`` where the model has no
            calibrated threshold: then every tracklet founds its own.
        margin: how far the best identity's score must be above the runner-up's.
        exemplars: so many sightings of an identity decide who joins it (see `exemplars`).
        calibration: gives the least score at the gallery's present size, where ``merge_score`` says none.
        false_positive_rate: how often a newcomer may be made one with somebody there; by default what the
            calibration was made for.
        whereabouts: who cannot be in two cameras; ``None`` where only one camera's own pictures say so.
        look_back: by how much an identity has to fit a tracklet better than the one that it was given, for it
            to move there (see `looking_back`); ``None``: it stays.
    """

    merge_score: float | None
    margin: float = 0.0
    exemplars: int = EXEMPLARS
    calibration: Calibration | None = None
    false_positive_rate: float | None = None
    whereabouts: Whereabouts | None = None
    look_back: float | None = None

    @property
    def grows(self) -> bool:
        """Whether the least score depends on how many identities there are."""
        calibrated = self.calibration is not None and self.calibration.sizes is not None
        return self.merge_score is None and calibrated

    def least_score(self, identities: int) -> float | None:
        """The least score to join one of so many identities; ``None`` where nobody ever joins."""
        if self.merge_score is not None or self.calibration is None:
            return self.merge_score
        return self.calibration.threshold_for(identities, self.false_positive_rate)


@dataclass(frozen=True, slots=True)
class Finalists:
    """Sightings of the gallery among which the two best identities and their best sightings surely are.

    Attributes:
        vectors: ``(R, D)`` float32, L2-normalised; ``R`` is at least 1.
        ids: ``(R,)`` ascending vector ids.
        identities: ``R`` ids.
        tracklets: ``R`` ids.
        sightings: ``R`` ids.
        allowed: whether the tracklet may join them; if not, they are of people who were elsewhere in the
            same frame at the same time, and there is nobody else.
    """

    vectors: Floats
    ids: Ints
    identities: Sequence[str]
    tracklets: Sequence[str]
    sightings: Sequence[str]
    allowed: bool


@dataclass(frozen=True, slots=True)
class Nominees:
    """Identities that a tracklet may belong to, found before the transaction that decides.

    What came after is looked at there, so that the decision is the one that it would be without them.

    Attributes:
        identities: their ids, the best first.
        newest: id of the newest vector that was looked at.
        bound: the mean that nobody else was above; ``None`` where not everybody was looked at.
        changes: what `relocating.identity_changes` said then; where it says more, they count no more.
    """

    identities: tuple[str, ...]
    newest: int
    bound: float | None
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which identity a tracklet was given, whether it is a new one, and why."""

    identity: str
    founded: bool
    evidence: dict[str, Any]


def identity_id(tracklet: str) -> str:
    """The id of the identity that a tracklet founds."""
    return str(uuid.uuid5(_NAMESPACE, tracklet))


def decide(
    tracklet: str,
    sightings: Sequence[str],
    vectors: Floats,
    finalists: Finalists | None,
    policy: IdentityPolicy,
    model: str,
    identities: int = 0,
) -> Assignment:
    """Join the identity that the tracklet matches best, or found a new one.

    The score of an identity is the mean, over the tracklet's sightings, of each one's best cosine with any
    exemplar of the identity: any of its sightings, while it has no more than `IdentityPolicy.exemplars`.
    The best single pair alone would let one bad crop (two people in it, or somebody half hidden) tie two
    people together for good; a mean over all pairs would hold an identity's other views (its back, another
    camera) against it. This asks that every kept view of the tracklet finds its like.

    Args:
        tracklet: its id.
        sightings: ``S`` ids, in the order of ``vectors``.
        vectors: ``(S, D)`` float32, L2-normalised, of the tracklet.
        finalists: whom to compare it with, if anybody came before it.
        policy: when to join.
        model: id of the model the vectors belong to.
        identities: how many the gallery has; read only where the least score depends on it.
    """
    least = policy.least_score(identities)
    evidence: dict[str, Any] = {
        "decision": "founded",
        "score": None,
        "tracklet": None,
        "sighting": None,
        "matched_sighting": None,
        "runner_up": None,
        "threshold": least,
        "model": model,
        "reason": "there was nothing to compare with",
    }
    if policy.grows:
        evidence["searched"] = identities
    founded = Assignment(identity_id(tracklet), True, evidence)
    if finalists is None:
        return founded
    ranked = _ranked(vectors, finalists)
    best = ranked[0]
    evidence |= {
        "score": round(best.score, _DIGITS),
        "tracklet": finalists.tracklets[best.row],
        "sighting": sightings[best.view],
        "matched_sighting": finalists.sightings[best.row],
    }
    ahead = np.inf
    if finalists.allowed and len(ranked) > 1:
        ahead = best.score - ranked[1].score
        evidence["runner_up"] = {"identity": ranked[1].identity, "score": round(ranked[1].score, _DIGITS)}
    evidence["reason"] = _reason(policy, least, finalists.allowed, best.score, ahead)
    if evidence["reason"] != _JOINED:
        return founded
    return Assignment(best.identity, False, evidence | {"decision": "joined"})


def fitness(vectors: Floats, exemplars: Floats) -> float:
    """The score of an identity for a tracklet, by its definition (see `decide`).

    Args:
        vectors: ``(S, D)`` float32, of the tracklet.
        exemplars: ``(N, D)`` float32, of the identity; ``N`` at least 1.
    """
    views, rows = len(vectors), len(exemplars)
    pairs = exact_scores(
        vectors, exemplars, np.repeat(np.arange(views), rows), np.tile(np.arange(rows), views)
    )
    return float(pairs.reshape(views, rows).max(axis=1).mean(dtype=np.float64))


def contenders(scores: NDArray[np.floating[Any]], dim: int) -> NDArray[np.bool_]:
    """Which of the identities can be among the two best, however the scores were summed.

    Args:
        scores: ``(S, I)`` best float32 cosine of each sighting of a tracklet with each identity.
        dim: length of the vectors.

    Returns:
        ``(I,)``.
    """
    means = scores.mean(axis=0, dtype=np.float64)
    if len(means) <= _TOLD:
        return np.ones(len(means), np.bool_)
    bound = np.partition(means, -_TOLD)[-_TOLD]
    return np.asarray(means >= bound - slack(dim), np.bool_)


def outdone(scores: NDArray[np.floating[Any]], bound: float, dim: int) -> bool:
    """Whether two of the identities surely score above all who are within a bound.

    Args:
        scores: as of `contenders`.
        bound: the highest mean of the others.
        dim: length of the vectors.
    """
    if scores.shape[1] < _TOLD:
        return bound == -np.inf
    means = scores.mean(axis=0, dtype=np.float64)
    # Both sides are sums of float32.
    return bool(np.partition(means, -_TOLD)[-_TOLD] - 2 * slack(dim) > bound)


_JOINED = "the score reached the threshold"


def _reason(policy: IdentityPolicy, least: float | None, allowed: bool, score: float, ahead: float) -> str:
    if least is None:
        return "the model has no calibrated threshold"
    if not allowed:
        return "everybody known was in the same picture at the same time"
    if score < least:
        return "nobody reached the threshold"
    if ahead < policy.margin:
        return "two identities were too close to tell apart"
    return _JOINED


@dataclass(frozen=True, slots=True)
class _Match:
    """An identity's score, and the view of the tracklet and the row that fit best."""

    identity: str
    score: float
    view: int
    row: int


def _ranked(vectors: Floats, finalists: Finalists) -> list[_Match]:
    """The identities, best first, equal ones by their id."""
    views, rows = len(vectors), len(finalists.vectors)
    pairs = exact_scores(
        vectors,
        finalists.vectors,
        np.repeat(np.arange(views), rows),
        np.tile(np.arange(rows), views),
    ).reshape(views, rows)
    owned: dict[str, list[int]] = {}
    for row, identity in enumerate(finalists.identities):
        owned.setdefault(identity, []).append(row)
    matches = []
    for identity, places in owned.items():
        mine = pairs[:, places]
        # The earliest of equal rows, and of equal views.
        chosen = mine.argmax(axis=1)
        best = mine[np.arange(views), chosen]
        view = int(best.argmax())
        score = float(best.mean(dtype=np.float64))
        matches.append(_Match(identity, score, view, places[int(chosen[view])]))
    return sorted(matches, key=lambda match: (-match.score, match.identity))

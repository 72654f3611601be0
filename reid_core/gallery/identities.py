"""Visible tracklets become identities as they arrive."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Ints

# Digits of a score that mean something; the rest would differ between machines.
_DIGITS = 6
_FINALISTS = 16
_NAMESPACE = uuid.UUID("5f0f3ec9-6a5b-5c51-9a0e-4f6e1d3a7b20")


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """When a visible tracklet is the same person as an earlier one.

    Attributes:
        merge_score: the least score (see `decide`) to join an identity; ``None`` where the model has no
            calibrated threshold: then every tracklet founds its own.
        margin: how far the best identity's score must be above the runner-up's.
    """

    merge_score: float | None
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The sightings that are already in the gallery: ``N`` rows, of ``I`` identities.

    Attributes:
        vectors: ``(N, D)`` float32, L2-normalised.
        owners: ``(N,)`` number of each row's identity, -1 for infrared rows.
        identities: ``I`` ids, by that number.
        tracklets: ``(N,)`` ids as ASCII.
        sightings: ``(N,)`` ids as ASCII.
    """

    vectors: Floats
    owners: Ints
    identities: Sequence[str]
    tracklets: NDArray[np.bytes_]
    sightings: NDArray[np.bytes_]


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
    neighbours: Neighbours | None,
    forbidden: Collection[str],
    policy: IdentityPolicy,
    model: str,
) -> Assignment:
    """Join the identity that the tracklet matches best, or found a new one.

    The score of an identity is the mean, over the tracklet's sightings, of each one's best cosine with
    any sighting of the identity. The best single pair alone would let one bad crop (two people in it, or
    somebody half hidden) tie two people together for good; a mean over all pairs would hold an identity's
    other views (its back, another camera) against it. This asks that every kept view of the tracklet finds
    its like.

    Args:
        tracklet: its id.
        sightings: ``S`` ids, in the order of ``vectors``.
        vectors: ``(S, D)`` float32, L2-normalised, of the tracklet.
        neighbours: the sightings that came before it, if any did.
        forbidden: identities that were elsewhere in the same picture at the same time.
        policy: when to join.
        model: id of the model the vectors belong to.
    """
    evidence: dict[str, Any] = {
        "decision": "founded",
        "score": None,
        "tracklet": None,
        "sighting": None,
        "matched_sighting": None,
        "runner_up": None,
        "threshold": policy.merge_score,
        "model": model,
        "reason": "there was nothing to compare with",
    }
    founded = Assignment(identity_id(tracklet), True, evidence)
    if neighbours is None or not neighbours.identities or not len(vectors):
        return founded
    allowed = [code for code, name in enumerate(neighbours.identities) if name not in forbidden]
    ranked = _ranked(vectors, neighbours, allowed or range(len(neighbours.identities)))
    best = ranked[0]
    evidence |= {
        "score": round(best.score, _DIGITS),
        "tracklet": neighbours.tracklets[best.row].decode(),
        "sighting": sightings[best.view],
        "matched_sighting": neighbours.sightings[best.row].decode(),
    }
    ahead = np.inf
    if allowed and len(ranked) > 1:
        ahead = best.score - ranked[1].score
        evidence["runner_up"] = {"identity": ranked[1].identity, "score": round(ranked[1].score, _DIGITS)}
    evidence["reason"] = _reason(policy, bool(allowed), best.score, ahead)
    if evidence["reason"] != _JOINED:
        return founded
    return Assignment(best.identity, False, evidence | {"decision": "joined"})


_JOINED = "the score reached the threshold"


def _reason(policy: IdentityPolicy, allowed: bool, score: float, ahead: float) -> str:
    if policy.merge_score is None:
        return "the model has no calibrated threshold"
    if not allowed:
        return "everybody known was in the same picture at the same time"
    if score < policy.merge_score:
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


def _ranked(vectors: Floats, neighbours: Neighbours, codes: Sequence[int]) -> list[_Match]:
    """The best few of the identities numbered ``codes``, best first, equal ones by their id."""
    scores, rows = _best_pairs(vectors @ neighbours.vectors.T, neighbours.owners, len(neighbours.identities))
    means, rows = scores[:, codes].mean(axis=0), rows[:, codes]
    # float32 finds the few that matter, float64 ranks them: the same on every machine.
    matches = []
    for place in np.argsort(-means, kind="stable")[:_FINALISTS]:
        pairs = np.einsum("sd,sd->s", neighbours.vectors[rows[:, place]], vectors, dtype=np.float64)
        view = int(pairs.argmax())
        name = neighbours.identities[codes[place]]
        matches.append(_Match(name, float(pairs.mean()), view, int(rows[view, place])))
    return sorted(matches, key=lambda match: (-match.score, match.identity))


def _best_pairs(scores: Floats, owners: Ints, identities: int) -> tuple[Floats, NDArray[np.intp]]:
    """For each of ``S`` sightings its best cosine with each identity and the row it is with: ``(S, I)``."""
    # Rows of nobody (-1) fall into the last place, which is dropped.
    best = np.full((len(scores), identities + 1), -np.inf, np.float32)
    rows = np.empty((len(scores), identities), np.intp)
    for view, row_scores in enumerate(scores):
        np.maximum.at(best[view], owners, row_scores)
        reached = np.flatnonzero((row_scores == best[view][owners]) & (owners >= 0))
        # Written backwards: the earliest of equal rows stays.
        rows[view, owners[reached[::-1]]] = reached[::-1]
    return best[:, :-1], rows

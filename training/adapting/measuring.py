"""Whether a head is better: on tracklets that it has not learned from, and on people seen at once."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.models.manifest import PairKind
from reid_core.tracklet_scores import scores_of
from reid_core.types import Floats, Ints, Modality
from training.adapting.evidence import Evidence
from training.adapting.grouping import seen_at_once

Doubles = NDArray[np.float64]
Turned = Callable[[Floats], Floats]

REACHED = 0.9
"""Share of the tracklets whose halves reach the score at which strangers are counted."""

MIN_HALVED = 20
MIN_APART = 10
MIN_LINKS = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """How well vectors tell people apart.

    Attributes:
        halves: mean reciprocal rank of each held-out visible tracklet's later half, asked for by its earlier
            half, among the later halves of the others of its camera.
        halved: how many they are.
        strangers: share of pairs of people seen at once whose score is at least the one that `REACHED` of
            the halves have.
        apart: how many pairs those are of; one of each at least is held out.
        links: mean reciprocal rank of who people said it is in another camera, among all held-out tracklets
            of other cameras.
        linked: how many those are.
        night: as ``halves``, of infrared tracklets.
        nights: how many those are.
    """

    halves: float
    halved: int
    strangers: float
    apart: int
    links: float
    linked: int
    night: float
    nights: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def measured(evidence: Evidence, vectors: Floats, held: NDArray[np.bool_]) -> Measured:
    """Measure vectors of the evidence's sightings.

    Args:
        evidence: whose.
        vectors: ``(N, D)`` float32, L2-normalised, in its order.
        held: ``(T,)`` which tracklets were held out.
    """
    parts = np.split(vectors, np.flatnonzero(np.diff(evidence.rows)) + 1)
    day, night = (_ranks(evidence, parts, held, modality) for modality in _SPECTRA)
    floor = float(np.quantile(day.own, 1 - REACHED)) if len(day.own) else np.inf
    visible = [one is Modality.VISIBLE for one in evidence.modalities]
    apart = [
        (one, other)
        for one, other in [*seen_at_once(evidence.stays), *_said(evidence, evidence.words.apart)]
        if visible[one] and visible[other] and (held[one] or held[other])
    ]
    scores = np.array([_score(parts, one, other) for one, other in apart])
    links = _links(evidence, parts, held)
    return Measured(
        halves=_mean(day.ranks),
        halved=len(day.ranks),
        strangers=float((scores >= floor).mean()) if len(scores) else 0.0,
        apart=len(apart),
        links=_mean(links),
        linked=len(links),
        night=_mean(night.ranks),
        nights=len(night.ranks),
    )


_SPECTRA = (Modality.VISIBLE, Modality.INFRARED)


def why_not(before: Measured, after: Measured) -> str | None:
    """The reason why a head is not put in force, in one sentence; ``None`` where it is better."""
    if after.halved < MIN_HALVED:
        return f"Only {after.halved} held-out tracklets can be halved; {MIN_HALVED} show what is better."
    if after.apart < MIN_APART:
        return (
            f"Only {after.apart} pairs of people were seen at once in one picture; {MIN_APART} show that "
            "strangers are not taken for one another."
        )
    if after.strangers > before.strangers:
        return (
            f"Of {after.apart} pairs of people seen at once, {100 * after.strangers:.1f} % would look like "
            f"one person, {100 * before.strangers:.1f} % before."
        )
    if after.linked >= MIN_LINKS and after.links < before.links:
        return (
            f"People whom somebody confirmed in another camera are found worse: {after.links:.3f} after "
            f"{before.links:.3f}, of {after.linked} links (mean reciprocal rank)."
        )
    if after.nights >= MIN_HALVED and after.night < before.night:
        return (
            f"Infrared tracklets are found worse: {after.night:.3f} after {before.night:.3f}, of "
            f"{after.nights} (mean reciprocal rank)."
        )
    better = after.halves > before.halves or (after.linked >= MIN_LINKS and after.links > before.links)
    if not better or after.halves < before.halves:
        return (
            f"Held-out tracklets are found no better: {after.halves:.3f} after {before.halves:.3f}, of "
            f"{after.halved} (mean reciprocal rank)."
        )
    return None


@dataclass(frozen=True, slots=True)
class _Found:
    """Reciprocal ranks of held-out tracklets' own halves, and their scores."""

    ranks: Doubles
    own: Doubles


def _ranks(
    evidence: Evidence, parts: Sequence[Floats], held: NDArray[np.bool_], modality: Modality
) -> _Found:
    chosen = [
        place
        for place, part in enumerate(parts)
        if held[place] and len(part) > 1 and evidence.modalities[place] is modality
    ]
    if not chosen:
        return _Found(np.empty(0), np.empty(0))
    halves = [np.array_split(parts[place], 2) for place in chosen]
    scores = scores_of([one for one, _ in halves], [other for _, other in halves], "visible-visible")
    cameras = np.array([evidence.stays[place].camera for place in chosen])
    people = np.array([evidence.stays[place].identity or f"nobody {place}" for place in chosen])
    # Who may be the same person is no stranger.
    counts = (cameras[:, None] == cameras) & (people[:, None] != people)
    own = np.diagonal(scores)
    above = (counts & (scores >= own[:, None])).sum(axis=1)
    return _Found(1 / (1 + above), own.copy())


def _links(evidence: Evidence, parts: Sequence[Floats], held: NDArray[np.bool_]) -> Doubles:
    """Reciprocal ranks of confirmed pairs, both held out and of two cameras."""
    pairs = [
        (one, other)
        for one, other in _said(evidence, evidence.words.same)
        if held[one] and held[other] and evidence.stays[one].camera != evidence.stays[other].camera
    ]
    if not pairs:
        return np.empty(0)
    visible = np.array([one is Modality.VISIBLE for one in evidence.modalities])
    cameras = np.array([one.camera for one in evidence.stays])
    ranks = []
    for first, second in pairs:
        # Whoever is infrared asks.
        probe, right = (first, second) if visible[second] else (second, first)
        if not visible[right]:
            continue
        known = np.flatnonzero(held & visible & (cameras != cameras[probe]))
        kind: PairKind = "visible-visible" if visible[probe] else "infrared-visible"
        scores = scores_of([parts[probe]], [parts[place] for place in known.tolist()], kind)[0]
        ranks.append(1 / (1 + int((scores > scores[known == right].max()).sum())))
    return np.array(ranks, np.float64)


def _said(evidence: Evidence, pairs: frozenset[tuple[str, str]]) -> list[tuple[int, int]]:
    """Pairs of tracklets' names as places, where both are there."""
    places = {name: place for place, name in enumerate(evidence.names)}
    return sorted((places[a], places[b]) for a, b in pairs if a in places and b in places)


def _score(parts: Sequence[Floats], one: int, other: int) -> float:
    return float(scores_of([parts[one]], [parts[other]], "visible-visible")[0, 0])


def _mean(ranks: Doubles) -> float:
    return float(ranks.mean()) if len(ranks) else 0.0


def held_out(evidence: Evidence, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """``(T,)`` which tracklets are held out: whole people of the gallery, and whom people said is one."""
    from training.adapting.words import groups_of

    same, first = set(evidence.words.same), dict[str, str]()
    for name, stay in zip(evidence.names, evidence.stays, strict=True):
        if stay.identity is not None:
            # Whom people confirmed is the whole identity.
            same.add((first.setdefault(stay.identity, name), name))
    people_of = groups_of(same)
    owners = [people_of.get(name, name) for name in evidence.names]
    people = sorted(set(owners))
    chosen = {people[place] for place in rng.permutation(len(people))[: round(share * len(people))].tolist()}
    return np.array([owner in chosen for owner in owners], np.bool_)


def rows_of(evidence: Evidence, chosen: NDArray[np.bool_]) -> Ints:
    """Places of the vectors of some tracklets."""
    return np.flatnonzero(chosen[evidence.rows])

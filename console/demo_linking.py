"""How well infrared tracklets were linked, beside chance: pure functions from a result's parts to figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Decision
from stream.run.result import LinkResult, TrackletResult
from training.evaluation.intervals import Interval, share_interval


@dataclass(frozen=True, slots=True)
class Linking:
    """How well the gallery's identities were ranked for the infrared tracklets of known people.

    An identity is the person of more than half of those of its tracklets that are somebody; it is right
    for a query of that person. The average precision of a query is over all identities of the gallery,
    ranked as the matcher scores them. A query whose person no identity is counts as missed.

    Attributes:
        queries: infrared tracklets of known people.
        identities: in the gallery.
        missing: queries whose person no identity is.
        rank1: share of the queries whose best identity is right; ``None`` without queries.
        map: mean average precision.
        chance_rank1: what a random ranking reaches on average.
        chance_map: the same.
        interval_95: of rank-1, over people; ``None`` without queries.
    """

    queries: int
    identities: int
    missing: int
    rank1: float | None
    map: float | None
    chance_rank1: float | None
    chance_map: float | None
    interval_95: Interval | None

    @property
    def times_chance(self) -> float | None:
        """Rank-1 as a multiple of chance."""
        return self.rank1 / self.chance_rank1 if self.rank1 is not None and self.chance_rank1 else None


@dataclass(frozen=True, slots=True)
class OpenSet:
    """What was decided about people who are in the gallery and people who are not.

    Attributes:
        strangers: infrared tracklets of people never seen by day.
        accepted: of which so many were linked to somebody.
        known: infrared tracklets of people seen by day.
        missed: of which so many were called unknown.
        mistaken: and so many linked to the wrong person.
    """

    strangers: int
    accepted: int
    known: int
    missed: int
    mistaken: int

    @property
    def decided(self) -> int:
        """Decisions in all."""
        return self.strangers + self.known

    @property
    def wrong(self) -> int:
        """Wrong decisions in all."""
        return self.accepted + self.missed + self.mistaken

    @property
    def error(self) -> float | None:
        """Share of the decisions that are wrong."""
        return self.wrong / self.decided if self.decided else None


def linking(
    tracklets: Sequence[TrackletResult],
    known: set[str],
    identities: Mapping[str, str | None],
    rankings: Mapping[str, Sequence[str]],
) -> Linking:
    """How well the identities were ranked for infrared tracklets.

    Args:
        tracklets: infrared ones.
        known: the people seen by day.
        identities: every identity of the gallery to its person.
        rankings: tracklet to identities, most alike first.
    """
    queries = [one for one in tracklets if one.truth in known]
    firsts, precisions, chances, chance_precisions = [], [], [], []
    total, missing = len(identities), 0
    for query in queries:
        relevant = sum(person == query.truth for person in identities.values())
        right = np.array([identities.get(one) == query.truth for one in rankings.get(query.id, ())], bool)
        missing += not relevant
        firsts.append(bool(right[:1].any()))
        precisions.append(average_precision(right, relevant))
        chances.append(relevant / total if total else 0.0)
        chance_precisions.append(chance_precision(relevant, total))
    return Linking(
        queries=len(queries),
        identities=total,
        missing=missing,
        rank1=_mean(firsts),
        map=_mean(precisions),
        chance_rank1=_mean(chances),
        chance_map=_mean(chance_precisions),
        interval_95=share_interval(firsts, [str(query.truth) for query in queries]) if queries else None,
    )


def open_set(tracklets: Sequence[TrackletResult], known: set[str], links: Iterable[LinkResult]) -> OpenSet:
    """What was decided about infrared tracklets that are somebody; those that are nobody are left out."""
    by_tracklet = {link.tracklet: link for link in links}
    strangers, accepted, familiar, missed, mistaken = 0, 0, 0, 0, 0
    for tracklet in tracklets:
        link = by_tracklet.get(tracklet.id)
        if link is None or tracklet.truth is None:
            continue
        linked = link.decision is Decision.LINKED
        if tracklet.truth in known:
            familiar += 1
            missed += not linked
            mistaken += linked and link.correct is not True
        else:
            strangers += 1
            accepted += linked
    return OpenSet(strangers, accepted, familiar, missed, mistaken)


def together(parts: Iterable[OpenSet]) -> OpenSet:
    """The decisions of several spectra as one."""
    counts = [(one.strangers, one.accepted, one.known, one.missed, one.mistaken) for one in parts]
    return (
        OpenSet(*(sum(column) for column in zip(*counts, strict=True))) if counts else OpenSet(0, 0, 0, 0, 0)
    )


def average_precision(right: NDArray[np.bool_], relevant: int) -> float:
    """``(1/R) sum_j j / r_j`` over the 1-based ranks ``r_j`` of the right ones; 0 where nothing is relevant.

    Args:
        right: ``(N,)`` whether each of a ranking is right, best first.
        relevant: ``R``, how many right ones there are, ranked or not.
    """
    ranks = np.flatnonzero(right) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / relevant) if relevant else 0.0


def chance_precision(relevant: int, total: int) -> float:
    """The expected average precision of a random ranking.

    ``E[AP] = (1/N) ((R-1)/(N-1) (N - H_N) + H_N)`` with the N-th harmonic number ``H_N`` (Bestgen, "Exact
    Expected Average Precision of the Random Baseline for System Evaluation", PBML 103, 2015).

    Args:
        relevant: ``R``.
        total: ``N``.
    """
    if not relevant:
        return 0.0
    harmonic = float((1 / np.arange(1, total + 1)).sum())
    spread = (relevant - 1) / (total - 1) if total > 1 else 0.0
    return (spread * (total - harmonic) + harmonic) / total


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None

"""How far a figure of few queries, or of few people, can be trusted."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from reid_core.errors import UsageError
from training.evaluation.ranks import Doubles
from training.seeding import generator

Interval = tuple[float, float]

# Standard normal quantile of a two-sided 95 % interval.
_Z = 1.959964
_DRAWS = 1000


def bootstrap(
    values: Doubles, identities: ArrayLike, rng: np.random.Generator, draws: int = _DRAWS
) -> Interval:
    """The 95 % interval of a mean over queries, where whole identities are drawn anew.

    Queries of one person are alike: drawn singly, they would promise too narrow an interval.

    Args:
        values: ``(V,)`` of each query.
        identities: ``(V,)``.
        rng: draws.
        draws: how many.

    Returns:
        The 2.5th and the 97.5th percentile.

    Raises:
        UsageError: there is no query.
    """
    if len(values) == 0:
        raise UsageError("There is no query to draw from.")
    _, place = np.unique(np.asarray(identities), return_inverse=True)
    sums = np.bincount(place, weights=values)
    counts = np.bincount(place).astype(np.float64)
    picked = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    means = (picked @ sums) / (picked @ counts)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def wilson(hits: float, trials: int) -> Interval:
    """95 % interval of a share of few trials.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (JASA 1927).
    """
    share = hits / trials
    denominator = 1 + _Z**2 / trials
    middle = (share + _Z**2 / (2 * trials)) / denominator
    half = _Z * sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2)) / denominator
    return max(0.0, middle - half), min(1.0, middle + half)


def share_interval(hits: ArrayLike, identities: ArrayLike, seed: int = 1) -> Interval:
    """The 95 % interval of a share of queries, such as rank-1, or of a mean of values from 0 to 1.

    By `bootstrap`; where all queries say the same it has nothing to draw, and `wilson` tells how much so
    many people can say.

    Args:
        hits: ``(V,)`` whether each query is one that counts, or how much of it does.
        identities: ``(V,)`` who each is.
        seed: of the draws.

    Raises:
        UsageError: there is no query.
    """
    values = np.asarray(hits, np.float64)
    if len(values) and values.min() == values.max():
        people = len(np.unique(np.asarray(identities)))
        return wilson(float(values[0]) * people, people)
    return bootstrap(values, identities, generator(seed, "bootstrap"))


def said_of_share(queries: int, interval: Interval, digits: int = 2) -> str:
    """``19 queries, 95 % 0.51 to 0.88``: what stands beside a share that is told in a sentence."""
    return f"{queries} {'query' if queries == 1 else 'queries'}, 95 % {in_words(interval, digits)}"


def in_words(interval: Interval, digits: int = 2) -> str:
    """``0.51 to 0.88``."""
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"

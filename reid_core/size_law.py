"""How probabilities and thresholds depend on how many identities are searched.

The more people are compared with, the better the best wrong one of them looks. A law of size is fitted on
galleries of several sizes and holds what depends on the number ``N`` of identities:

* **probabilities**: with ``v = nesting * ln sum_j exp(slope * score_j) + intercept - growth * ln N`` over the
  `COMPARED` best candidates, the person is one of them with probability ``1 / (1 + exp(-v))``, and of those
  candidate ``i`` with the share ``exp(slope * score_i)`` of the sum (a nested logit with an outside option,
  McFadden 1978; with a nesting of 1 a conditional logit). Who of several stands out and whether anybody does
  are two questions, and scores say less of the second. All of them sum to one.
* **error rates**: the best wrong one follows a generalised extreme value distribution (Fisher and Tippett
  1928; Scheirer et al., "Meta-Recognition", TPAMI 2011). The best of ``n`` draws from one of them follows one
  of the same shape, with ``scale * n ** shape`` and ``location + scale * (n ** shape - 1) / shape``.
  Identities are no independent draws, as a probe that is like one is like others: so ``n = N ** drift``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import ModelError, UsageError

COMPARED = 10
"""How many of the best candidates a probability is made of: whoever comes behind them hardly counts."""

MIN_PROBES = 20
"""Fewer probes of one kind than this say nothing of a distribution."""

# Beyond, a probability is 0 or 1 to the last bit, and exp() overflows.
_STEEPEST = 700.0

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """What depends on the number of identities that are searched; see the module for the formulas.

    Attributes:
        slope: above 0.
        intercept: of a gallery of one.
        growth: what each candidate loses for each natural logarithm of the number of identities; 0 and more.
        location: of the best wrong score in a gallery of one.
        drift: as so many independent draws count ``N`` identities, as a power of ``N``; 0 and more.
        scale: of the best wrong score in a gallery of one, above 0.
        shape: of its tail, not 0; below 0 it has an end.
        rate: how often the best wrong identity may reach the threshold, unless another rate is asked for.
        smallest: number of identities of the smallest gallery that was measured.
        largest: of the largest; beyond, the law is an extrapolation.
        nesting: how much of what tells candidates apart also tells that anybody is there, 0 to 1;
            1 in calibrations of before.
    """

    slope: float
    intercept: float
    growth: float
    location: float
    drift: float
    scale: float
    shape: float
    rate: float
    smallest: int
    largest: int
    nesting: float = 1.0

    def probabilities(self, scores: ArrayLike, searched: int) -> Doubles:
        """That each of a ranking is who is looked for.

        Candidates behind the `COMPARED` best share in what these leave over, so that all sum to less than one
        and each depends on better ones alone.

        Args:
            scores: ``(K,)`` of the best identities, best first, from the very first.
            searched: how many identities were compared with.

        Returns:
            ``(K,)`` in descending order; what is missing to 1 is that it is nobody of them.
        """
        ranked = self.slope * np.asarray(scores, np.float64)
        first, behind = ranked[:COMPARED], ranked[COMPARED:]
        if not len(first):
            return first
        highest = float(first.max())
        weights = np.exp(first - highest)
        total = float(weights.sum())
        together = highest + math.log(total)
        someone = self.nesting * together + self.intercept - self.growth * math.log(max(searched, 1))
        nobody = 1 / (1 + math.exp(min(someone, _STEEPEST)))
        found = weights / (total * (1 + math.exp(min(-someone, _STEEPEST))))
        if not len(behind):
            return np.asarray(found)
        tails = np.exp(np.minimum(someone + behind - together, 0))
        sums = 1 + np.cumsum(tails)
        rest = nobody * tails / (sums * np.concatenate([[1.0], sums[:-1]]))
        return np.concatenate([found, rest])

    def false_positives(self, score: float, searched: int) -> float:
        """How often the best of so many wrong identities reaches a score, 0..1."""
        from scipy.stats import genextreme

        return float(genextreme.sf(score, -self.shape, *self._extremes(searched)))

    def threshold(self, searched: int, false_positive_rate: float | None = None) -> float:
        """The score that the best of so many wrong identities reaches at a rate, the law's own by default.

        Raises:
            UsageError: the rate does not lie between 0 and 1.
        """
        rate = self.rate if false_positive_rate is None else false_positive_rate
        if not 0 < rate < 1:
            raise UsageError(f"A false positive rate lies between 0 and 1, not at {rate}.")
        # The quantile in closed form: -ln of the probability to stay below.
        below = -math.log1p(-rate)
        location, scale = self._extremes(searched)
        return location + scale * (math.pow(below, -self.shape) - 1) / self.shape

    def moved(self, stretch: float, shift: float) -> "SizeLaw":
        """The same of scores that have become ``stretch * score + shift``, ``stretch`` above 0."""
        return replace(
            self,
            slope=self.slope / stretch,
            intercept=self.intercept - self.nesting * self.slope * shift / stretch,
            location=stretch * self.location + shift,
            scale=stretch * self.scale,
        )

    def _extremes(self, searched: int) -> tuple[float, float]:
        """Location and scale of the best of so many wrong ones."""
        power = math.pow(max(searched, 1), self.drift * self.shape)
        return self.location + self.scale * (power - 1) / self.shape, self.scale * power

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in ``model.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """What `to_dict` gave.

        Raises:
            ModelError: it is not.
        """
        names = {field.name for field in fields(cls)}
        # The nesting came later.
        if not isinstance(values, Mapping) or set(values) | {"nesting"} != names:
            raise ModelError("The calibration of the model has a law of size with missing or surplus keys.")
        numbers = list(values.values())
        if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers) or not (
            all(map(math.isfinite, numbers))
            and values["slope"] > 0
            and values["scale"] > 0
            and values["shape"] != 0
            and 0 < values["rate"] < 1
            and 0 < values.get("nesting", 1) <= 1
            and min(values["growth"], values["drift"]) >= 0
            and 1 <= values["smallest"] <= values["largest"]
        ):
            raise ModelError("The calibration of the model has a law of size that this version cannot use.")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Searches:
    """What probes found in galleries of one size.

    Attributes:
        size: identities in the gallery.
        who: ``(P,)`` number of each probe's person.
        scores: ``(P, K)`` of each probe's best identities, best first; ``-inf`` where there are fewer.
        right: ``(P,)`` which of them is the probe's person; -1 where none is.
        own: ``(P,)`` score of that person, ``-inf`` where the gallery does not have them.
        wrong: ``(P,)`` score of the best identity that is not the probe's person.
    """

    size: int
    who: NDArray[np.int64]
    scores: Doubles
    right: NDArray[np.int64]
    own: Doubles
    wrong: Doubles

    @property
    def inside(self) -> NDArray[np.bool_]:
        """``(P,)`` whether the probe's person is in the gallery."""
        return np.asarray(np.isfinite(self.own))


def searched(scores: Doubles, same: NDArray[np.bool_], who: NDArray[np.int64]) -> Searches:
    """What probes found in one gallery.

    Args:
        scores: ``(P, N)`` of each probe with each identity.
        same: ``(P, N)`` whether both are one person.
        who: ``(P,)`` number of each probe's person.
    """
    order = np.argsort(-scores, axis=1, kind="stable")[:, :COMPARED]
    best = np.take_along_axis(scores, order, axis=1)
    hits = np.take_along_axis(same, order, axis=1)
    missing = COMPARED - best.shape[1]
    best = np.pad(best, ((0, 0), (0, missing)), constant_values=-np.inf)
    right = np.where(hits.any(axis=1), hits.argmax(axis=1), -1).astype(np.int64)
    wrong = np.where(same, -np.inf, scores).max(axis=1)
    own = np.where(same, scores, -np.inf).max(axis=1)
    return Searches(scores.shape[1], who, best, right, own, wrong)


def searches_together(parts: Sequence[Searches]) -> Searches:
    """Searches in several galleries of one size as one."""
    names = ("who", "scores", "right", "own", "wrong")
    return Searches(parts[0].size, *(np.concatenate([getattr(one, name) for one in parts]) for name in names))

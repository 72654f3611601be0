"""From a score to a probability, and where "the same person" begins.

Fitted on the scores of held-out pairs. A model carries one `Calibration` for each kind of pair
(``visible-visible``, ``infrared-visible``) in its ``model.json``; without one, scores rank and say no more.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import ModelError, UsageError
from reid_core.size_law import SizeLaw

# Fewer pairs of one class than this cannot tell where it ends.
MIN_PAIRS = 10
_LOGISTIC = "logistic"

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """``P(same person | score) = 1 / (1 + exp(-(slope * score + intercept)))``.

    The probability is that of a pair which, before its score was known, was the same person with
    probability ``prior``.

    Attributes:
        slope: above 0.
        intercept: of the logistic curve.
        threshold: the least score that is called the same person.
        positives: number of pairs of the same person it was fitted on.
        negatives: number of pairs of different people.
        data: what the pairs were taken from.
        prior: share of pairs of the same person that was assumed.
        kind: of the curve; there is one.
        sizes: how probability and threshold depend on the number of identities that are searched.
            Calibrations of before have none: both are then those of a gallery as large as the fitted ones.
    """

    slope: float
    intercept: float
    threshold: float
    positives: int
    negatives: int
    data: str
    prior: float = 0.5
    kind: str = _LOGISTIC
    sizes: SizeLaw | None = None

    def ranked_probabilities(self, scores: ArrayLike, searched: int) -> Doubles:
        """That each identity of a ranking is who is looked for.

        Args:
            scores: ``(K,)`` best first, from the very first.
            searched: how many identities were compared with.

        Returns:
            ``(K,)``. With a law of size, what is missing to 1 is the probability of somebody else.
        """
        if self.sizes is None:
            return self.probability(scores)
        return self.sizes.probabilities(scores, searched)

    def threshold_for(self, searched: int, false_positive_rate: float | None = None) -> float:
        """The least score that is called the same person.

        Args:
            searched: how many identities are compared with.
            false_positive_rate: how often the best of so many wrong identities may reach it; by default what
                the calibration was made for.

        Raises:
            UsageError: a rate is asked for, and the calibration has no law of size.
        """
        if self.sizes is not None:
            return self.sizes.threshold(searched, false_positive_rate)
        if false_positive_rate is not None:
            raise UsageError(
                "The model's calibration does not say how errors grow with the gallery.",
                "Calibrate it anew with `nightreid calibrate`, or ask for no false positive rate.",
            )
        return self.threshold

    def probability(self, scores: ArrayLike) -> Doubles:
        """The probability of each score, in its shape."""
        return _logistic(self.slope * np.asarray(scores, np.float64) + self.intercept)

    def moved(self, stretch: float, shift: float) -> "Calibration":
        """The same of scores that have become ``stretch * score + shift``, ``stretch`` above 0."""
        return replace(
            self,
            slope=self.slope / stretch,
            intercept=self.intercept - self.slope * shift / stretch,
            threshold=stretch * self.threshold + shift,
            sizes=None if self.sizes is None else self.sizes.moved(stretch, shift),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in ``model.json``."""
        values = asdict(self)
        if self.sizes is None:
            del values["sizes"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """What `to_dict` gave.

        Raises:
            ModelError: a key is missing, surplus or of the wrong kind.
        """
        names = {field.name for field in fields(cls)} - {"sizes"}
        # The law of size came later.
        if set(values) - {"sizes"} != names:
            wrong = ", ".join(sorted(names.symmetric_difference(set(values) - {"sizes"})))
            raise ModelError(f"The calibration of the model has missing or surplus keys: {wrong}.")
        numbers = {name: values[name] for name in names - {"data", "kind"}}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ModelError(f"The calibration of the model has no usable number for {name!r}.")
        if values["kind"] != _LOGISTIC or values["slope"] <= 0 or not 0 < values["prior"] < 1:
            raise ModelError("The calibration of the model is not one that this version can use.")
        law = values.get("sizes")
        return replace(
            cls(**{name: values[name] for name in names}),
            sizes=None if law is None else SizeLaw.from_dict(law),
        )


def fit_calibration(
    same: ArrayLike,
    different: ArrayLike,
    data: str,
    *,
    prior: float = 0.5,
    false_positive_rate: float | None = None,
) -> Calibration:
    """Fit the curve on held-out pairs (Platt 1999, with his smoothed targets against over-confidence).

    Pairs of different people outnumber the others by far in any gallery, and by how much depends on the
    gallery. The classes are therefore weighted to ``prior`` and ``1 - prior``, whatever their numbers.

    Args:
        same: scores of pairs of the same person.
        different: scores of pairs of different people.
        data: what the pairs were taken from, for the record.
        prior: share of pairs of the same person to assume.
        false_positive_rate: put the threshold where this share of ``different`` reaches it. By default it
            lies where both classes are equally dense: where the probability at prior 1/2 is 1/2.

    Raises:
        UsageError: a class has fewer than `MIN_PAIRS` pairs, a score is not finite, or the pairs of the
            same person do not score higher.
    """
    positives, negatives = _checked(same, "the same person"), _checked(different, "different people")
    if not 0 < prior < 1:
        raise UsageError(f"The prior must lie between 0 and 1, not at {prior}.")
    slope, intercept = _fit(positives, negatives, prior)
    if slope <= 0:
        raise UsageError("Pairs of the same person do not score higher than others: nothing to calibrate.")
    if false_positive_rate is None:
        # The prior moves the curve by its log odds; where densities are equal it must not count.
        threshold = (math.log(prior / (1 - prior)) - intercept) / slope
    else:
        threshold = threshold_at(negatives, false_positive_rate)
    return Calibration(slope, intercept, threshold, len(positives), len(negatives), data, prior)


def threshold_at(different: ArrayLike, false_positive_rate: float) -> float:
    """The least score that at most this share of the pairs of different people reaches.

    Raises:
        UsageError: the rate is not within 0..1, or there are no pairs.
    """
    scores = np.sort(np.asarray(different, np.float64).ravel())[::-1]
    if not 0 <= false_positive_rate <= 1 or not len(scores):
        raise UsageError("A false positive rate needs pairs and lies between 0 and 1.")
    allowed = math.floor(false_positive_rate * len(scores))
    if allowed == len(scores):
        return float(scores[-1])
    # Just above the best score that must not pass: equal scores pass or fail together.
    return float(np.nextafter(scores[allowed], np.inf))


def equal_error_rate(same: ArrayLike, different: ArrayLike) -> float:
    """The error at the threshold where misses and false alarms are equally frequent (or nearest to it)."""
    positives = np.sort(np.asarray(same, np.float64).ravel())
    negatives = np.sort(np.asarray(different, np.float64).ravel())
    thresholds = np.unique(np.concatenate([positives, negatives, [np.inf]]))
    misses = np.searchsorted(positives, thresholds, side="left") / len(positives)
    alarms = 1 - np.searchsorted(negatives, thresholds, side="left") / len(negatives)
    nearest = int(np.abs(misses - alarms).argmin())
    return float((misses[nearest] + alarms[nearest]) / 2)


def expected_calibration_error(
    probabilities: ArrayLike, same: ArrayLike, bins: int = 15, weights: ArrayLike | None = None
) -> float:
    """Mean distance of probability and frequency over equally wide bins (Naeini et al. 2015), 0..1.

    Args:
        probabilities: ``(N,)`` in 0..1.
        same: ``(N,)`` whether each pair is the same person.
        bins: number of them.
        weights: ``(N,)`` how much each pair counts; all the same by default.
    """
    chances = np.asarray(probabilities, np.float64)
    truths = np.asarray(same, np.float64)
    places = np.minimum((chances * bins).astype(np.int64), bins - 1)
    counts = np.ones(len(chances)) if weights is None else np.asarray(weights, np.float64)
    surplus = np.bincount(places, weights=counts * (chances - truths), minlength=bins)
    return float(np.abs(surplus).sum() / counts.sum())


def _checked(scores: ArrayLike, of: str) -> Doubles:
    array = np.asarray(scores, np.float64).ravel()
    if len(array) < MIN_PAIRS:
        raise UsageError(f"A calibration needs at least {MIN_PAIRS} pairs of {of}, not {len(array)}.")
    if not np.isfinite(array).all():
        raise UsageError(f"Scores of pairs of {of} are not finite.")
    return array


def _fit(positives: Doubles, negatives: Doubles, prior: float) -> tuple[float, float]:
    """Newton's method on the weighted cross-entropy; the smoothed targets keep the optimum finite."""
    scores = np.concatenate([positives, negatives])
    targets = np.concatenate(
        [
            np.full(len(positives), (len(positives) + 1) / (len(positives) + 2)),
            np.full(len(negatives), 1 / (len(negatives) + 2)),
        ]
    )
    weights = np.concatenate(
        [
            np.full(len(positives), prior / len(positives)),
            np.full(len(negatives), (1 - prior) / len(negatives)),
        ]
    )
    # Standardised scores make the two unknowns comparable, whatever the spread of the cosines.
    centre, spread = scores.mean(), scores.std() or 1.0
    design = np.stack([(scores - centre) / spread, np.ones(len(scores))])
    unknown = np.zeros(2)
    loss = _loss(design, targets, weights, unknown)
    for _ in range(100):
        chances = _logistic(unknown @ design)
        gradient = design @ (weights * (chances - targets))
        curvature = (design * (weights * chances * (1 - chances))) @ design.T + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # A full step can overshoot far from the optimum; half of it, and so on, cannot.
        size = 1.0
        while _loss(design, targets, weights, unknown - size * step) > loss and size > 1e-10:
            size /= 2
        unknown = unknown - size * step
        loss = _loss(design, targets, weights, unknown)
        if np.abs(size * step).max() < 1e-10:
            break
    slope = float(unknown[0] / spread)
    return slope, float(unknown[1] - slope * centre)


def _loss(design: Doubles, targets: Doubles, weights: Doubles, unknown: Doubles) -> float:
    logits = unknown @ design
    return float(weights @ (np.logaddexp(0, logits) - targets * logits))


def _logistic(logits: Doubles) -> Doubles:
    # Of the negative magnitude alone, so that nothing overflows.
    small = np.exp(-np.abs(logits))
    chances: Doubles = np.where(logits >= 0, 1, small) / (1 + small)
    return chances

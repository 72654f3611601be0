"""A law of size, fitted by maximum likelihood; see `reid_core.size_law`."""

import math
from collections.abc import Sequence

import numpy as np

from reid_core.errors import UsageError
from reid_core.size_law import MIN_PROBES, Doubles, Searches, SizeLaw


def fit_size_law(searches: Sequence[Searches], prior: float, rate: float) -> SizeLaw:
    """Fit on searches in galleries of at least two sizes, by maximum likelihood.

    Every size counts the same. Within each, probes of people inside the gallery weigh ``prior`` together and
    those of others the rest, whatever their numbers.

    Args:
        searches: one for each size.
        prior: how often whoever is looked for is in the gallery.
        rate: of thresholds, see `SizeLaw`.

    Raises:
        UsageError: there are too few sizes or probes, or right identities do not score higher.
    """
    if len({one.size for one in searches}) < 2:
        raise UsageError("A law of size needs galleries of at least two sizes.")
    for one in searches:
        if min(int(one.inside.sum()), int((~one.inside).sum())) < MIN_PROBES:
            raise UsageError(
                f"A law of size needs {MIN_PROBES} probes inside and outside of each gallery; of one of "
                f"{one.size} identities there are {one.inside.sum()} and {(~one.inside).sum()}."
            )
    slope, intercept, growth, nesting = _fit_logit(searches, prior)
    location, drift, scale, shape = _fit_extremes(searches)
    sizes = [one.size for one in searches]
    return SizeLaw(
        slope=slope,
        intercept=intercept,
        growth=growth,
        location=location,
        drift=drift,
        scale=scale,
        shape=shape,
        rate=rate,
        smallest=min(sizes),
        largest=max(sizes),
        nesting=nesting,
    )


def _fit_logit(searches: Sequence[Searches], prior: float) -> tuple[float, float, float, float]:
    """Slope, intercept, growth and nesting."""
    from scipy.optimize import minimize
    from scipy.special import expit, logsumexp

    finite = np.concatenate([one.scores[np.isfinite(one.scores)] for one in searches])
    centre, spread = float(finite.mean()), float(finite.std()) or 1.0
    parts = []
    for one in searches:
        weights = np.where(one.inside, prior / one.inside.sum(), (1 - prior) / (~one.inside).sum())
        standard = (one.scores - centre) / spread
        parts.append((standard, one.right, weights / len(searches), math.log(one.size)))

    def loss(unknown: Doubles) -> tuple[float, Doubles]:
        slope, intercept, growth, nesting = unknown
        total, gradient = 0.0, np.zeros(4)
        for standard, right, weights, size in parts:
            known = np.isfinite(standard)
            filled = np.where(known, standard, 0.0)
            scaled = np.where(known, slope * filled, -np.inf)
            together = logsumexp(scaled, axis=1)
            shares = np.exp(scaled - together[:, None])
            someone = nesting * together + intercept - growth * size
            right_one = right >= 0
            chosen = np.take_along_axis(filled, np.maximum(right, 0)[:, None], axis=1)[:, 0]
            # -ln of the probability that somebody is there, or nobody, and of the candidate's share.
            total += float(weights @ np.logaddexp(0, np.where(right_one, -someone, someone)))
            total += float((weights * right_one) @ (together - slope * chosen))
            surplus = weights * (expit(someone) - right_one)
            mean = (shares * filled).sum(axis=1)
            gradient += [
                surplus @ (nesting * mean) + (weights * right_one) @ (mean - chosen),
                surplus.sum(),
                -size * surplus.sum(),
                surplus @ together,
            ]
        return total, gradient

    found = minimize(
        loss,
        np.array([1.0, -2.0, 1.0, 1.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (None, None), (0, 3), (0.05, 1)],
        options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-9},
    ).x
    slope, nesting = float(found[0]) / spread, float(found[3])
    if slope <= 0:
        raise UsageError("Right identities do not score higher than wrong ones: nothing to calibrate.")
    return slope, float(found[1]) - nesting * slope * centre, float(found[2]), nesting


def _fit_extremes(searches: Sequence[Searches]) -> tuple[float, float, float, float]:
    from scipy.optimize import minimize

    sizes = np.concatenate([np.full(len(one.wrong), math.log(one.size)) for one in searches])
    scores = np.concatenate([one.wrong for one in searches])
    counts = np.concatenate([np.full(len(one.wrong), 1 / len(one.wrong)) for one in searches])
    keep = np.isfinite(scores)
    sizes, scores, counts = sizes[keep], scores[keep], counts[keep] / len(searches)
    spread = float(scores.std()) or 1.0

    def loss(unknown: Doubles) -> float:
        scale, shape = math.exp(unknown[2]) * spread, _shape(unknown[3])
        powers = np.exp(sizes * math.exp(unknown[1]) * shape)
        locations = unknown[0] * spread + scale * (powers - 1) / shape
        found = _log_extreme((scores - locations) / (scale * powers), shape) - np.log(scale * powers)
        # Outside of the support nothing is possible, which no sum survives.
        return float(-(counts @ np.maximum(found, -50.0)))

    start = np.array([float(scores.mean()) / spread - 2.0, 0.0, 0.0, -0.2])
    unknown = minimize(
        loss, start, method="Nelder-Mead", options={"maxiter": 8000, "xatol": 1e-7, "fatol": 1e-11}
    ).x
    drift, scale = math.exp(unknown[1]), math.exp(unknown[2]) * spread
    return float(unknown[0]) * spread, drift, scale, _shape(unknown[3])


def _log_extreme(standard: Doubles, shape: float) -> Doubles:
    """Log density of the generalised extreme value distribution at location 0 and scale 1.

    scipy's ``genextreme.logpdf(standard, -shape)``, which is asked tens of thousands of times and takes most
    of a fit to check its arguments.
    """
    inner = 1 + shape * standard
    logs = np.log(np.where(inner > 0, inner, 1.0))
    with np.errstate(over="ignore"):
        found: Doubles = np.where(inner > 0, -(1 + 1 / shape) * logs - np.exp(-logs / shape), -np.inf)
    return found


def _shape(value: float) -> float:
    """Never quite 0, where the formulas have another form that theirs comes close to."""
    return float(value) if abs(value) > 1e-6 else math.copysign(1e-6, value)

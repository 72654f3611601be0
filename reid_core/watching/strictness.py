"""From a rate of false alarms a night to the score that a watch fires at.

A watch compares whoever comes by in a night with one query: what chance brings is the best of so many wrong
people. A calibration with a law of size (`reid_core.size_law`) knows how that one is distributed; a rate of
``A`` false alarms a night is where it is reached in ``1 - exp(-A)`` of the nights, as rare events are
(Poisson). A calibration without one knows how much likelier a score is of the same person than of another
one, and a likelihood ratio of ``L`` is reached by no more than one in ``L`` of the wrong ones (Markov).
"""

import math
from functools import lru_cache

from reid_core.calibration import Calibration

_NEVER = 1e-12


@lru_cache(maxsize=4096)
def least_score(calibration: Calibration, people: int, allowed: float) -> float:
    """The score that chance brings no more often than so many times a night.

    Args:
        calibration: of such scores.
        people: how many come by in a night.
        allowed: false alarms a night, above 0.
    """
    if calibration.sizes is not None:
        rate = min(max(-math.expm1(-allowed), _NEVER), 1 - _NEVER)
        return calibration.sizes.threshold(people, rate)
    logit = math.log(people / allowed) + math.log(calibration.prior / (1 - calibration.prior))
    return (logit - calibration.intercept) / calibration.slope


def false_alarms(calibration: Calibration, score: float, people: int) -> float:
    """How often a night chance brings this score or a better one; an upper bound without a law of size.

    Args:
        calibration: of such scores.
        score: of a tracklet.
        people: how many come by in a night.
    """
    if calibration.sizes is not None:
        reached = min(calibration.sizes.false_positives(score, people), 1 - _NEVER)
        return -math.log1p(-reached)
    return people / likelihood_ratio(calibration, score)


def likelihood_ratio(calibration: Calibration, score: float) -> float:
    """How many times likelier the score is of the same person than of another one.

    A law of size tells it of a gallery of one, other calibrations of a pair.
    """
    curve = calibration.sizes or calibration
    logit = curve.slope * score + curve.intercept
    # What is beyond any doubt need not be beyond what a float holds.
    return math.exp(min(max(logit, -500.0), 500.0)) * (1 - calibration.prior) / calibration.prior

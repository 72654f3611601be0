import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from reid_core.calibration import (
    Calibration,
    equal_error_rate,
    expected_calibration_error,
    fit_calibration,
    threshold_at,
)
from reid_core.errors import ModelError, UsageError


def gaussians(same=2000, different=20_000, seed=1):
    generator = np.random.default_rng(seed)
    return generator.normal(0.6, 0.1, same), generator.normal(0.2, 0.1, different)


def test_recovers_the_curve_of_two_equal_gaussians():
    # Theory: slope = (m1 - m0) / s^2 = 40, the densities cross half-way.
    fitted = fit_calibration(*gaussians(20_000, 200_000), "gaussians")
    assert fitted.slope == pytest.approx(40, rel=0.05)
    assert fitted.threshold == pytest.approx(0.4, abs=0.005)
    assert fitted.probability(fitted.threshold) == pytest.approx(0.5)
    assert (fitted.positives, fitted.negatives, fitted.data) == (20_000, 200_000, "gaussians")


def test_is_the_optimum_that_scipy_finds():
    same, different = gaussians(50, 300)
    fitted = fit_calibration(same, different, "x", prior=0.3)
    scores = np.concatenate([same, different])
    targets = np.concatenate([np.full(50, 51 / 52), np.full(300, 1 / 302)])
    weights = np.concatenate([np.full(50, 0.3 / 50), np.full(300, 0.7 / 300)])

    def loss(unknown):
        logits = unknown[0] * scores + unknown[1]
        return weights @ (np.logaddexp(0, logits) - targets * logits)

    best = minimize(loss, [1.0, 0.0], method="BFGS", options={"gtol": 1e-10})
    assert [fitted.slope, fitted.intercept] == pytest.approx(best.x.tolist(), rel=1e-4)


def test_probabilities_mean_what_they_say():
    fitted = fit_calibration(*gaussians(), "gaussians")
    same, different = gaussians(5000, 5000, seed=2)
    probabilities = fitted.probability(np.concatenate([same, different]))
    truth = np.concatenate([np.ones(5000), np.zeros(5000)])
    assert expected_calibration_error(probabilities, truth) < 0.02
    assert expected_calibration_error(np.sqrt(probabilities), truth) > 0.02


def test_the_prior_moves_the_probability_not_the_threshold():
    even, rare = (fit_calibration(*gaussians(), "x", prior=prior) for prior in (0.5, 0.01))
    assert rare.threshold == pytest.approx(even.threshold, abs=0.01)
    assert rare.probability(0.4) < 0.05 and even.probability(0.4) == pytest.approx(0.5, abs=0.1)


def test_separable_scores_stay_finite():
    fitted = fit_calibration(np.linspace(0.8, 0.9, 20), np.linspace(0.1, 0.2, 20), "x")
    assert 0.2 < fitted.threshold < 0.8
    assert 0.9 < fitted.probability(0.9) < 1 and np.isfinite(fitted.slope)
    assert fitted.probability([-1e6, 1e6]).tolist() == [0, 1]


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.5, 1.0])
def test_a_threshold_keeps_its_false_positive_rate(rate):
    _, different = gaussians()
    assert (different >= threshold_at(different, rate)).mean() <= rate
    assert (different >= threshold_at(different, rate)).mean() >= rate - 1 / len(different)
    # Equal scores cannot be told apart: they all fail.
    assert (np.ones(10) >= threshold_at(np.ones(10), 0.5)).mean() == 0


def test_the_threshold_can_be_put_at_a_false_positive_rate():
    same, different = gaussians()
    fitted = fit_calibration(same, different, "x", false_positive_rate=0.01)
    assert fitted.threshold == threshold_at(different, 0.01)


def test_equal_error_rate_of_two_gaussians():
    assert equal_error_rate(*gaussians(20_000, 20_000)) == pytest.approx(norm.sf(2), abs=0.003)
    assert equal_error_rate([0.9, 0.8], [0.1, 0.2]) == 0
    assert equal_error_rate([0.1, 0.2], [0.8, 0.9]) == 1


@pytest.mark.parametrize(
    ("same", "different", "said"),
    [
        (np.ones(9), np.zeros(50), "at least 10 pairs of the same person, not 9"),
        (np.ones(50), [], "at least 10 pairs of different people, not 0"),
        ([np.nan] * 10, np.zeros(50), "not finite"),
        (np.linspace(0, 0.1, 20), np.linspace(0.8, 0.9, 20), "do not score higher"),
        (np.full(20, 0.5), np.full(20, 0.5), "do not score higher"),
    ],
)
def test_what_cannot_be_fitted_is_said(same, different, said):
    with pytest.raises(UsageError, match=said):
        fit_calibration(same, different, "x")


def test_goes_through_json_unchanged():
    fitted = fit_calibration(*gaussians(100, 100), "x")
    values = json.loads(json.dumps(fitted.to_dict()))
    assert Calibration.from_dict(values) == fitted
    assert values["kind"] == "logistic"
    for damaged in (
        {name: value for name, value in values.items() if name != "slope"},
        values | {"extra": 1},
        values | {"slope": "steep"},
        values | {"slope": -1.0},
        values | {"threshold": float("nan")},
        values | {"kind": "isotonic"},
    ):
        with pytest.raises(ModelError, match="calibration of the model"):
            Calibration.from_dict(damaged)

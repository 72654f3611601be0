"""Probabilities and thresholds follow the number of identities that are searched."""

from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration, expected_calibration_error
from reid_core.errors import ModelError, UsageError
from reid_core.size_fitting import _log_extreme, fit_size_law
from reid_core.size_law import COMPARED, SizeLaw, searched, searches_together

LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
PLAIN = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")


def world(size, probes, rng):
    """Half of the probes know somebody in a gallery; wrong people score about 0, right ones about .55."""
    scores = rng.normal(0, 0.15, (probes, size))
    own = rng.integers(size, size=probes)
    inside = np.arange(probes) % 2 == 0
    same = (np.arange(size) == own[:, None]) & inside[:, None]
    scores[same] = rng.normal(0.55, 0.15, int(inside.sum()))
    return searched(scores, same, np.arange(probes))


@pytest.fixture(scope="module")
def law():
    rng = np.random.default_rng(5)
    return fit_size_law([world(size, 1500, rng) for size in (5, 10, 20, 40)], 0.5, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 40, 200])
def test_it_holds_in_galleries_of_others_and_beyond_what_was_measured(law, size):
    found = world(size, 4000, np.random.default_rng(6))
    strangers = found.wrong[~found.inside]
    for rate in (0.02, 0.1, 0.3):
        accepted = (strangers >= law.threshold(size, rate)).mean()
        assert abs(accepted - rate) < 0.012 + 0.25 * rate, (rate, accepted)
        assert law.false_positives(law.threshold(size, rate), size) == pytest.approx(rate)
    best = np.array([law.probabilities(row[np.isfinite(row)], size)[0] for row in found.scores])
    assert expected_calibration_error(best, found.right == 0) < 0.03
    # One threshold for all sizes, as it was, is wrong for most of them.
    assert abs((strangers >= law.threshold(20)).mean() - 0.1) > 0.03


def test_the_more_people_the_less_sure_and_all_sums_to_one():
    scores = [0.62, 0.6, 0.3]
    few, many = LAW.probabilities(scores, 10), LAW.probabilities(scores, 1000)
    assert (many < few).all() and few[0] > few[1] > few[2]
    assert LAW.threshold(1000) > LAW.threshold(10) and LAW.threshold(10, 0.01) > LAW.threshold(10)
    ranked = np.sort(np.random.default_rng(1).uniform(0.5, 0.9, 500))[::-1]
    found = LAW.probabilities(ranked, 500)
    assert (np.diff(found) <= 0).all() and found.min() > 0 and found.sum() <= 1
    # Whoever comes behind changes nothing: pages of one answer agree.
    np.testing.assert_array_equal(LAW.probabilities(ranked[:30], 500), found[:30])
    assert LAW.probabilities([5.0] * (COMPARED + 2), 3).sum() <= 1


def test_a_nested_law_by_hand():
    """Scores of 1 and 0 with a slope of ln 3: a sum of 4, of which the square root counts."""
    law = replace(LAW, slope=np.log(3), intercept=0.0, growth=1.0, nesting=0.5)
    # v = ln 2 - ln 6: somebody with probability 1/4, three quarters of it the first.
    np.testing.assert_allclose(law.probabilities([1.0, 0.0], 6), [3 / 16, 1 / 16])
    ranked = np.linspace(1.0, 0.0, COMPARED + 5)
    found = law.probabilities(ranked, 40)
    assert (np.diff(found) < 0).all() and found.sum() < 1
    np.testing.assert_array_equal(law.probabilities(ranked[:COMPARED], 40), found[:COMPARED])
    assert law.probabilities([], 6).tolist() == []
    steep = replace(law, slope=1e4)
    assert steep.probabilities([1.0, 0.0], 6).tolist() == [1.0, 0.0]
    assert np.isfinite(steep.probabilities([-1.0, -2.0], 6)).all()


def nested_world(size, probes, rng, law):
    """Probes of whom the law itself draws who is who: nobody, or one of the best."""
    scores = np.sort(rng.normal(0.3, 0.2, (probes, size)), axis=1)[:, ::-1]
    same = np.zeros(scores.shape, bool)
    for row, ranked in enumerate(scores):
        chances = law.probabilities(ranked[:COMPARED], size)
        drawn = rng.choice(len(chances) + 1, p=[*chances, 1 - chances.sum()])
        if drawn < len(chances):
            same[row, drawn] = True
    return searched(scores, same, np.arange(probes))


def test_the_nesting_that_made_the_searches_is_found_again():
    law = replace(LAW, slope=12.0, intercept=-2.0, growth=0.6, nesting=0.4)
    rng = np.random.default_rng(11)
    worlds = [nested_world(size, 4000, rng, law) for size in (5, 20, 60)]
    share = np.mean([one.inside.mean() for one in worlds])
    found = fit_size_law(worlds, float(share), 0.1)
    assert found.nesting == pytest.approx(0.4, abs=0.08) and found.slope == pytest.approx(12, abs=1.5)
    for one in worlds:
        best = np.array([found.probabilities(row[np.isfinite(row)], one.size)[0] for row in one.scores])
        weights = np.where(one.inside, share / one.inside.sum(), (1 - share) / (~one.inside).sum())
        assert expected_calibration_error(best, one.right == 0, weights=weights) < 0.03


@pytest.mark.parametrize("shape", [-0.3, -1e-6, 1e-6, 0.4])
def test_extremes_are_as_dense_as_scipy_has_them(shape):
    from scipy.stats import genextreme

    standard = np.linspace(-6, 6, 241)
    expected = genextreme.logpdf(standard, -shape)
    # Nothing lies outside of the support.
    assert np.isneginf(expected).any() == (abs(shape) > 0.1)
    np.testing.assert_allclose(_log_extreme(standard, shape), expected, rtol=1e-8, atol=1e-8)


def test_too_little_is_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(UsageError, match="two sizes"):
        fit_size_law([world(5, 100, rng)], 0.5, 0.1)
    with pytest.raises(UsageError, match="of one of 10 identities there are 10 and 10"):
        fit_size_law([world(5, 100, rng), world(10, 20, rng)], 0.5, 0.1)
    backwards = [replace(one, scores=-one.scores[:, ::-1]) for one in [world(10, 200, rng)] * 2]
    swapped = [replace(one, right=9 - one.right * (one.right >= 0)) for one in backwards]
    with pytest.raises(UsageError, match=r"do not score higher"):
        fit_size_law([swapped[0], replace(swapped[1], size=20)], 0.5, 0.1)
    with pytest.raises(UsageError, match="between 0 and 1"):
        LAW.threshold(10, 1.0)


def test_searches_of_one_size_are_put_together():
    rng = np.random.default_rng(3)
    one, two = world(4, 10, rng), world(4, 6, rng)
    both = searches_together([one, two])
    assert both.size == 4 and both.scores.shape == (16, COMPARED)
    assert (both.right[10:] == two.right).all() and (both.scores[:, 4:] == -np.inf).all()


@pytest.mark.parametrize("law", [None, LAW, replace(LAW, nesting=0.4)])
def test_scores_that_moved_mean_what_they_meant(law):
    calibration = replace(PLAIN, sizes=law)
    scores, stretch, shift = np.array([0.8, 0.45, 0.4, -0.1]), 1.7, -0.3
    moved, others = calibration.moved(stretch, shift), stretch * scores + shift
    for size in (1, 20, 300):
        assert np.allclose(
            moved.ranked_probabilities(others, size), calibration.ranked_probabilities(scores, size)
        )
        assert moved.threshold_for(size) == pytest.approx(stretch * calibration.threshold_for(size) + shift)
        if calibration.sizes is not None:
            assert moved.sizes.false_positives(others[1], size) == pytest.approx(
                LAW.false_positives(scores[1], size)
            )
    assert np.allclose(moved.probability(others), calibration.probability(scores))


def test_a_calibration_carries_it_and_one_of_before_has_none():
    sized = replace(PLAIN, sizes=LAW)
    assert Calibration.from_dict(sized.to_dict()) == sized
    before = {name: value for name, value in LAW.to_dict().items() if name != "nesting"}
    assert SizeLaw.from_dict(before) == LAW and LAW.nesting == 1
    assert "sizes" not in PLAIN.to_dict() and Calibration.from_dict(PLAIN.to_dict()) == PLAIN
    assert sized.threshold_for(100) == LAW.threshold(100)
    assert sized.threshold_for(100, 0.01) == LAW.threshold(100, 0.01)
    # As it always was: the threshold is one for all sizes, and each pair has its own probability.
    assert PLAIN.threshold_for(5) == PLAIN.threshold_for(5000) == 0.5
    assert PLAIN.ranked_probabilities([0.5, 0.5], 9).tolist() == [0.5, 0.5]
    with pytest.raises(UsageError, match="does not say how errors grow"):
        PLAIN.threshold_for(5, 0.1)


@pytest.mark.parametrize(
    "change",
    [
        {"slope": -1.0},
        {"shape": 0},
        {"rate": 1.5},
        {"scale": "x"},
        {"largest": 1},
        {"more": 1},
        {"nesting": 0},
    ],
)
def test_a_damaged_one_is_refused(change):
    with pytest.raises(ModelError, match="law of size"):
        Calibration.from_dict({**PLAIN.to_dict(), "sizes": {**LAW.to_dict(), **change}})

"""When a watch looks, and how strict it is: hours by a place's own clock, and rates of false alarms."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.size_law import SizeLaw
from reid_core.watching.hours import Hours
from reid_core.watching.strictness import false_alarms, least_score, likelihood_ratio

PAIRS = Calibration(20.0, -14.0, 0.7, 100, 100, "made up", prior=0.3)
LAW = SizeLaw(20.0, -12.0, 1.0, 0.2, 0.9, 0.06, -0.2, 0.01, 10, 1000)
SIZED = Calibration(20.0, -14.0, 0.7, 100, 100, "made up", sizes=LAW)


def ns(text, zone="UTC"):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("hours", "zone", "seen", "inside"),
    [
        ("22:00-06:00", "UTC", ("2026-11-20T23:59:50", "2026-11-21T00:00:10"), True),
        ("22:00-06:00", "UTC", ("2026-11-20T21:59:50", "2026-11-20T22:00:00"), True),
        ("22:00-06:00", "UTC", ("2026-11-20T21:59:40", "2026-11-20T21:59:59"), False),
        ("22:00-06:00", "UTC", ("2026-11-21T05:59:59", "2026-11-21T06:30:00"), True),
        ("22:00-06:00", "UTC", ("2026-11-21T06:00:00", "2026-11-21T06:30:00"), False),
        ("9-17", "UTC", ("2026-11-21T08:00:00", "2026-11-21T18:00:00"), True),
        ("9-17", "UTC", ("2026-11-21T17:00:00", "2026-11-21T23:00:00"), False),
        ("18:00-24:00", "UTC", ("2026-11-21T23:59:59", "2026-11-21T23:59:59"), True),
        ("18:00-24:00", "UTC", ("2026-11-22T00:00:00", "2026-11-22T00:00:01"), False),
        ("22:00-06:00", "Asia/Kolkata", ("2026-11-20T16:30:00", "2026-11-20T16:30:00"), True),
        ("22:00-06:00", "Asia/Kolkata", ("2026-11-20T16:29:59", "2026-11-20T16:29:59"), False),
        # The clock is put back at 3: 2:30 comes twice, and half past one UTC is the second of them.
        ("02:15-02:45", "Europe/Berlin", ("2026-10-25T00:30:00", "2026-10-25T00:30:00"), True),
        ("22:00-06:00", "Europe/Berlin", ("2026-10-25T04:59:00", "2026-10-25T04:59:30"), True),
        ("22:00-06:00", "Europe/Berlin", ("2026-07-25T04:00:00", "2026-07-25T04:00:30"), False),
        ("22:00-06:00", "UTC", ("2026-11-20T06:00:00", "2026-11-21T06:00:00"), True),
    ],
)
def test_a_stretch_of_time_meets_hours(hours, zone, seen, inside):
    assert Hours.parse(hours, zone).meet(*map(ns, seen)) is inside


@pytest.mark.parametrize(
    "text", ["", "22:00", "25-6", "22:60-6", "24:30-6", "22:00-22:00", "ten to six", "0-24"]
)
def test_what_are_no_hours(text):
    with pytest.raises(UsageError):
        Hours.parse(text)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "/etc/passwd", "../UTC", "x" * 5000, "Europe", "\0"])
def test_what_is_no_zone(zone):
    with pytest.raises(UsageError, match="no time zone"):
        Hours.parse("1-2", zone)


@pytest.mark.parametrize("calibration", [PAIRS, SIZED])
@pytest.mark.parametrize("allowed", [0.001, 0.5, 4.0])
def test_the_score_is_where_chance_comes_as_often_as_allowed(calibration, allowed):
    least = least_score(calibration, 300, allowed)
    assert false_alarms(calibration, least, 300) == pytest.approx(allowed, rel=1e-6)
    assert false_alarms(calibration, least + 0.01, 300) < allowed
    assert least_score(calibration, 600, allowed) > least > least_score(calibration, 300, 2 * allowed)


def test_nights_of_strangers_raise_no_more_than_is_allowed():
    """The best of each night's strangers is drawn as the law says; one above the score is a false alarm."""
    draw = np.random.default_rng(4)
    location, scale = LAW._extremes(300)
    best = location + scale * ((-np.log(draw.random(200_000))) ** -LAW.shape - 1) / LAW.shape
    for allowed in (0.05, 0.5):
        rate = float((best >= least_score(SIZED, 300, allowed)).mean())
        assert -np.log1p(-rate) == pytest.approx(allowed, rel=0.05)


@pytest.mark.parametrize("calibration", [PAIRS, SIZED])
def test_a_ratio_is_what_a_score_adds_to_the_odds_of_before(calibration):
    score = 0.68
    [chance] = calibration.ranked_probabilities([score], 1)
    before = calibration.prior / (1 - calibration.prior)
    assert likelihood_ratio(calibration, score) * before == pytest.approx(chance / (1 - chance))


def test_pairs_alone_promise_a_bound():
    """Scores of strangers and of the same person, as the calibration has them; strangers reach it seldom."""
    draw = np.random.default_rng(5)
    # Two normal distributions of one width have a logistic ratio: slope * score + what is at the prior.
    spread, apart = 0.1, 20.0 * 0.1**2
    middle = 14.0 / 20.0 + np.log(0.3 / 0.7) / 20.0
    strangers = draw.normal(middle - apart / 2, spread, (20_000, 100))
    alarms = (strangers >= least_score(PAIRS, 100, 0.5)).sum(axis=1).mean()
    assert 0 < alarms <= 0.5

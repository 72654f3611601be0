"""The range of a camera's raw counts: what a frame does to it, and what it leaves alone."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detectors.thermal import RawScaler


def scene(seed=1):
    """A wall of counts, and somebody in front of it."""
    counts = np.random.default_rng(seed).normal(7000, 60, (120, 160))
    counts[30:90, 60:80] = 7600
    return counts


def shown(pictures, **options):
    scaler = RawScaler(**options)
    return [scaler(picture) for picture in pictures]


@pytest.mark.parametrize("unit", ["kelvin", "celsius", "below zero", "shares"])
def test_a_unit_changes_nothing(unit):
    """The same scene in temperatures of any unit is shown as its counts are."""
    counts = scene().astype(np.float32)
    factor, offset = {
        "kelvin": (0.04, 0.0),
        "celsius": (0.04, -273.15),
        "below zero": (0.04, -330.0),
        "shares": (1 / 16384, 0.0),
    }[unit]
    (plain,), (floats,) = shown([counts]), shown([counts * np.float32(factor) + np.float32(offset)])
    assert np.abs(plain.astype(int) - floats).max() <= 1
    assert (plain.min(), plain.max()) == (0, 255)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_pixel_that_is_no_number_spoils_nobody_else(value):
    frames = [scene(seed).astype(np.float32) for seed in range(4)]
    broken = [frame.copy() for frame in frames]
    broken[1][3, 4] = value
    for number, (whole, seen) in enumerate(zip(shown(frames), shown(broken), strict=True)):
        different = np.abs(whole.astype(int) - seen) > 1
        assert different.sum() <= (number == 1)


def test_a_frame_without_a_number_leaves_the_range():
    scaler, nothing = RawScaler(), np.full((120, 160), np.nan, np.float32)
    assert not scaler(nothing).any() and scaler.remembered is None
    before = scaler(scene())
    remembered = scaler.remembered
    assert not scaler(nothing).any()
    assert scaler.remembered == remembered
    assert np.abs(scaler(scene()).astype(int) - before).max() <= 1


@pytest.mark.parametrize(
    ("factor", "offset"), [(0.1, 20000), (8, 0), (1, 3000), (0.04, -273.15), (0.1, 6300), (8, -49000)]
)
def test_a_gain_switch_is_followed_at_once(factor, offset):
    frames = [scene(seed) for seed in range(6)]
    switched = [*frames[:3], *(frame * factor + offset for frame in frames[3:])]
    steady, followed = shown(frames), shown(np.float32(frame) for frame in switched)
    for plain, seen in zip(steady[3:], followed[3:], strict=True):
        assert np.abs(plain.astype(int) - seen).mean() < 6
    # The memory alone would show nobody for a while.
    slow = RawScaler()
    slow(frames[2])
    slow._middle = None
    assert np.abs(slow(np.float32(switched[3])).astype(int) - steady[3]).mean() > 6


def test_somebody_who_walks_in_is_no_gain_switch():
    wall = np.random.default_rng(1).normal(7000, 60, (120, 160))
    person = wall.copy()
    person[20:110, 50:90] = 7900
    steady, seen = shown([wall, wall]), shown([wall, person])
    background = person != 7900
    alone = shown([person])[0]
    change = np.abs(seen[1].astype(int) - steady[1])[background].mean()
    assert change < 0.5 * np.abs(alone.astype(int) - steady[1])[background].mean()


frames = arrays(
    np.float32, (6, 7), elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, -np.inf])
)


@given(st.lists(frames, min_size=2, max_size=8), st.integers(1, 7))
def test_what_is_remembered_is_all_it_takes_to_go_on(pictures, at):
    through, before = RawScaler(), RawScaler()
    whole = [through(picture) for picture in pictures]
    for picture in pictures[:at]:
        before(picture)
    resumed = RawScaler(remembered=json.loads(json.dumps(before.remembered)))
    for picture, expected in zip(pictures[at:], whole[at:], strict=True):
        assert np.array_equal(resumed(picture), expected)


def test_a_range_that_a_gallery_of_before_remembers_is_gone_on_with():
    scaler = RawScaler(remembered=[6900.0, 7600.0])
    scaler(scene())
    assert scaler.range[0] == pytest.approx(0.9 * 6900 + 0.1 * np.percentile(scene(), 0.5))

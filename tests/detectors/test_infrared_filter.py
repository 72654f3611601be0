"""What tells that a visible camera's infrared filter is away, and what does not."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.infrared_filter import FilterJudge, Tint, spreads_in, tint_of
from reid_core.types import Spectrum

COLOUR, GREY, DULL = Tint(0, 0, 40.0), Tint(0, 0, 1.0), Tint(0, 0, 9.0)


def told(judge, frames, first=0):
    """The switches of frames, each a tint and the spreads of the people in it."""
    switches = [
        judge.see(index, 100 * index, tint, people) for index, (tint, people) in enumerate(frames, first)
    ]
    return [switch for switch in switches if switch is not None]


def test_a_camera_that_turns_grey_with_somebody_in_view_has_switched_at_its_first_grey_frame():
    judge = FilterJudge()
    [switch] = told(judge, [(COLOUR, [40.0])] * 20 + [(GREY, [])] * 10 + [(GREY, [1.0])] * 30)
    assert (switch.frame, switch.time_ns, switch.spectrum) == (20, 2000, Spectrum.NEAR)
    [back] = told(judge, [(GREY, [1.0])] * 10 + [(COLOUR, [])] * 5, first=60)
    assert (back.frame, back.spectrum) == (70, Spectrum.VISIBLE)


def test_a_recording_that_is_grey_from_its_beginning():
    [switch] = told(FilterJudge(), [(GREY, [0.0])] * 9)
    assert switch.frame == 0


def test_nobody_in_view_says_nothing():
    """A grey wall in full colour."""
    assert told(FilterJudge(), [(GREY, [])] * 1000) == []


def test_somebody_in_colour_before_a_grey_wall_says_the_contrary():
    frames = [(GREY, [])] * 50 + [(GREY, [60.0])] * 40 + [(GREY, [2.0])] * 4 + [(GREY, [2.0, 60.0])] * 10
    judge = FilterJudge()
    assert told(judge, frames * 3) == [] and not judge.near


@pytest.mark.parametrize("flash", range(1, 5))
def test_a_few_grey_frames_are_no_switch(flash):
    """A broken packet, a flash of light, a camera that starts."""
    frames = [(COLOUR, [30.0])] * 5 + [(GREY, [0.0])] * flash
    assert told(FilterJudge(), frames * 10) == []


def test_a_dull_frame_decides_nothing():
    assert told(FilterJudge(), [(GREY, [1.0]), (DULL, [9.0])] * 4) == []
    [switch] = told(FilterJudge(), [(GREY, [1.0]), (DULL, [9.0])] * 5)
    assert switch.frame == 0
    assert told(FilterJudge(), [(DULL, [9.0])] * 1000) == []


frames = st.lists(
    st.tuples(st.sampled_from([COLOUR, GREY, DULL]), st.lists(st.sampled_from([0.0, 9.0, 40.0]), max_size=2)),
    max_size=60,
)


@given(frames, st.integers(0, 60))
def test_its_state_is_all_it_takes_to_go_on(frames, at):
    through, before = FilterJudge(), FilterJudge()
    whole = told(through, frames)
    first = told(before, frames[:at])
    resumed = FilterJudge.of(json.loads(json.dumps(before.state)))
    assert first + told(resumed, frames[at:], at) == whole and resumed == through


# Pictures


def coloured(spread, seed=1):
    picture = np.random.default_rng(seed).integers(60, 190, (120, 160, 1)).repeat(3, 2).astype(np.int64)
    picture[:, :, 0] += np.random.default_rng(seed + 1).integers(-spread, spread + 1, (120, 160))
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_the_order_of_the_channels_changes_nothing():
    picture = coloured(40)
    assert tint_of(picture, rgb=True) == tint_of(picture[:, :, ::-1], rgb=False)


def test_a_grey_picture_with_a_tint_is_grey():
    grey = coloured(0)
    tinted = np.clip(grey + np.array([14, -6, 9]), 0, 255).astype(np.uint8)
    for picture in (grey, tinted, grey[:, :, 0]):
        assert tint_of(picture, rgb=True).spread < 3
    assert tint_of(coloured(60), rgb=True).spread > 12


def test_a_caption_in_colour_makes_no_picture_colourful():
    picture = coloured(0)
    picture[:5, :100] = (255, 240, 0)
    assert tint_of(picture, rgb=True).spread < 3


def test_people_are_looked_at_where_they_are():
    picture = coloured(0)
    picture[20:100, 30:60] = (200, 40, 40)
    boxes = np.array(
        [[30, 20, 60, 100], [90, 20, 120, 100], [-9, -9, 5, 5], [300, 300, 310, 320]], np.float32
    )
    spreads = spreads_in(picture, boxes, tint_of(picture, rgb=True))
    assert spreads[0] > 60 and max(spreads[1:]) < 3


@pytest.mark.footage
@pytest.mark.slow
def test_no_frame_of_real_cameras_in_colour_is_grey(footage, shared):
    capture, lowest = cv2.VideoCapture(str(footage["day"])), 255.0
    while capture.grab():
        if int(capture.get(cv2.CAP_PROP_POS_FRAMES)) % 5 == 0:
            lowest = min(lowest, tint_of(capture.retrieve()[1], rgb=False).spread)
    streets = (shared / "data/kaist/visible_set06_V000").iterdir()
    street = min(tint_of(cv2.imread(str(file)), rgb=False).spread for file in streets)
    # As the module says.
    assert lowest > 50 and street >= 24


@pytest.mark.footage
def test_a_real_picture_without_colour_is_grey_through_compression(footage):
    capture, most = cv2.VideoCapture(str(footage["night"])), 0.0
    for _ in range(60):
        most = max(most, tint_of(capture.read()[1], rgb=False).spread)
    assert most < 6

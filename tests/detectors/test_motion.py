"""The motion gate: which frames are looked at, and where a scene is cut."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import MotionSettings
from detectors.motion import REFRESH, MotionGate, sketch

WHOLE = [(0, 0, 320, 240)]
HALVES = [(0, 0, 200, 240), (120, 0, 320, 240)]


def scene(seed=0, shape=(240, 320, 3)):
    coarse = np.random.default_rng(seed).integers(30, 220, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, shape[1::-1], interpolation=cv2.INTER_CUBIC)


def with_person(x, picture=None, level=250):
    picture = scene() if picture is None else picture.copy()
    picture[80:200, x : x + 40] = level
    return picture


def gate(**settings):
    return MotionGate(MotionSettings(**settings))


def test_still_pictures_are_skipped_but_for_the_refresh():
    one = gate()
    seen = [bool(one.admit(scene(), index, WHOLE).moved) for index in range(3 * REFRESH)]
    assert [index for index, looked in enumerate(seen) if looked] == [0, REFRESH, 2 * REFRESH]


def test_somebody_walking_is_looked_at():
    one = gate()
    one.admit(with_person(20), 1, WHOLE)
    assert one.admit(with_person(20), 2, WHOLE).moved == ()
    assert one.admit(with_person(32), 3, WHOLE).moved == (0,)


def test_only_the_region_that_changed_is_looked_at():
    one = gate()
    assert one.admit(scene(), 1, HALVES).moved == (0, 1)
    assert one.admit(with_person(20), 2, HALVES).moved == (0,)
    assert one.admit(with_person(250), 3, HALVES).moved == (0, 1)
    assert one.admit(with_person(240), 4, HALVES).moved == (1,)
    assert one.admit(with_person(140), 5, HALVES).moved == (0, 1)


def test_slow_change_adds_up():
    """Each step is below what counts; together they are above."""
    one = gate(contrast=20)
    looked = [
        bool(one.admit(with_person(100, level=100 + 5 * step), step + 1, WHOLE).moved) for step in range(16)
    ]
    assert looked[0]
    assert not any(looked[1:4])
    assert 2 <= sum(looked[1:]) <= 4


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_noise_of_the_sensor_is_not_motion(seed):
    random, one = np.random.default_rng(seed), gate()
    for index in range(1, 5):
        noisy = np.clip(scene() + random.normal(0, 12, (240, 320, 3)), 0, 255).astype(np.uint8)
        assert bool(one.admit(noisy, index, WHOLE).moved) == (index == 1)


@given(st.lists(st.integers(0, 12), min_size=30, max_size=60), st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_after_a_refresh_a_gate_decides_as_a_fresh_one(steps, refreshes):
    start = refreshes * REFRESH
    one, fresh = gate(), gate()
    pictures = [with_person(int(x)) for x in np.cumsum(steps) % 280]
    for index, picture in enumerate(pictures):
        motion = one.admit(picture, index, HALVES)
        if index >= start:
            again = fresh.admit(picture, index, HALVES)
            assert again.moved == motion.moved
            # A fresh gate cannot tell that its first frame follows a cut; nobody is followed then.
            assert again.cut == motion.cut or index == start


def test_a_cut_is_another_scene_and_everything_is_looked_at():
    one = gate()
    one.admit(scene(1), 1, HALVES)
    motion = one.admit(255 - scene(2) // 2, 2, HALVES)
    assert motion.cut
    assert motion.moved == (0, 1)
    assert not one.admit(255 - scene(2) // 2, 3, HALVES).cut


def test_a_lamp_or_somebody_close_to_the_lens_is_no_cut():
    one = gate()
    one.admit(scene(), 1, WHOLE)
    brighter = np.clip(scene().astype(int) + 60, 0, 255).astype(np.uint8)
    assert not one.admit(brighter, 2, WHOLE).cut
    assert not one.admit(with_person(0, brighter), 3, WHOLE).cut
    assert not one.admit(with_person(60, brighter), 4, WHOLE).cut


def test_a_camera_that_changes_its_size_is_looked_at_anew():
    one = gate()
    one.admit(scene(), 1, WHOLE)
    small = cv2.resize(scene(), (160, 120))
    assert one.admit(small, 2, [(0, 0, 160, 120)]).moved == (0,)
    assert one.admit(small, 3, [(0, 0, 160, 120)]).moved == ()
    assert one.admit(scene(), 4, WHOLE).moved == (0,)


def test_a_gate_switched_off_looks_at_everything_and_still_sees_cuts():
    one = gate(enabled=False)
    assert all(one.admit(scene(1), index, HALVES).moved == (0, 1) for index in range(4))
    assert one.admit(255 - scene(2) // 2, 4, HALVES).cut


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (3000, 2, 3), (5, 7, 3)])
def test_odd_pictures(shape):
    one, regions = gate(), [(0, 0, shape[1], shape[0])]
    assert one.admit(np.zeros(shape, np.uint8), 1, regions).moved == (0,)
    assert one.admit(np.zeros(shape, np.uint8), 2, regions).moved == ()
    assert one.admit(np.full(shape, 200, np.uint8), 3, regions).moved == (0,)


@pytest.mark.footage
@pytest.mark.parametrize(("name", "cuts"), [("day", []), ("night", [284, 650])])
def test_cuts_of_real_footage(name, cuts, footage):
    capture, one, found, index = cv2.VideoCapture(str(footage[name])), gate(), [], 0
    while True:
        got, picture = capture.read()
        if not got:
            break
        if one.admit(picture, index, [(0, 0, picture.shape[1], picture.shape[0])]).cut:
            found.append(index)
        index += 1
    assert found == cuts
    assert index in (1394, 783)


def test_a_grey_picture_is_drawn_as_the_same_one_in_three_channels():
    grey = cv2.cvtColor(scene(3, (480, 640, 3)), cv2.COLOR_BGR2GRAY)
    one, three = sketch(grey), sketch(cv2.merge([grey] * 3))
    assert np.array_equal(one.thumbnail, three.thumbnail)
    assert np.array_equal(one.layout, three.layout) and np.array_equal(one.histogram, three.histogram)


@pytest.mark.parametrize(
    ("size", "small"),
    [((480, 640), (120, 160)), ((1081, 1923), (135, 240)), ((256, 200), (128, 100)), ((255, 40), (255, 40))],
)
def test_a_thumbnail_is_of_means(size, small):
    picture = np.random.default_rng(2).integers(0, 256, size, np.uint8)
    thumbnail = sketch(picture).thumbnail
    assert thumbnail.shape == small
    times = size[0] // small[0]
    if times > 1:
        even = picture[: small[0] * times, : small[1] * times].astype(float)
        means = even.reshape(small[0], times, small[1], times).mean((1, 3))
        assert np.abs(thumbnail - means).max() <= 2


def test_the_order_of_the_colours_decides_nothing():
    """The same frames from a video (blue first) and from a file (red first)."""
    red, blue = gate(), gate()
    for index in range(1, 30):
        picture = with_person(8 * index)
        picture[:, :, 0] //= 3
        assert red.admit(picture, index, HALVES, rgb=True) == blue.admit(picture[:, :, ::-1], index, HALVES)

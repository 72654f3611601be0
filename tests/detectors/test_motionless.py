"""What never moves is nobody; who waits is somebody."""

import numpy as np
import pytest

from detectors.config import LookSettings, TrackerSettings
from detectors.tracking import CameraTracker
from reid_core.types import CloseReason, Frame, Modality
from tests.detectors.helpers import detections

FPS, SECOND = 5, 1_000_000_000
IMAGE = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)


def followed(path, **settings):
    """The tracklets of a box whose left upper corner goes along a path, and how many were nobody."""
    tracker = CameraTracker("r", "c", Modality.VISIBLE, FPS, TrackerSettings(**settings), LookSettings())
    closed = []
    for index, (x, y) in enumerate(path):
        time_ns = index * SECOND // FPS
        frame = Frame("c", Modality.VISIBLE, index, time_ns, IMAGE)
        closed += tracker.update(index, time_ns, detections([x, y, x + 40, y + 100]), frame)
    closed += tracker.close(CloseReason.END)
    return closed, tracker.motionless


def standing(seconds, jitter=0.4, seed=2):
    """A detector's boxes of a poster are never quite the same."""
    return 100 + np.random.default_rng(seed).normal(0, jitter, (seconds * FPS, 2))


@pytest.mark.slow
def test_a_poster_is_nobody():
    assert followed(standing(130)) == ([], 1)


def test_a_poster_is_nobody_in_every_tracklet_of_a_long_day():
    closed, nobody = followed(standing(300), longest_seconds=140)
    assert closed == [] and nobody >= 1


def test_what_stands_for_a_short_time_may_be_somebody():
    closed, nobody = followed(standing(110))
    assert (len(closed), nobody) == (1, 0)


@pytest.mark.parametrize("walk", [3, 10])
def test_who_comes_and_waits_is_somebody(walk):
    """However long: 3 seconds of walking in 400 of standing."""
    way = np.linspace((20, 100), (100, 100), walk * FPS)
    closed, nobody = followed(np.concatenate([way, standing(400)]))
    assert (len(closed), nobody) == (1, 0)


def test_who_waits_shifts_their_weight_now_and_then():
    path = standing(400)
    for begin in (300, 900, 1500):
        path[begin : begin + 12] += (9, 2)
    closed, nobody = followed(path)
    assert (len(closed), nobody) == (1, 0)


def test_a_wrong_box_now_and_then_makes_nobody_of_a_poster():
    path = standing(400)
    path[700:705] += (8, 2)
    assert followed(path) == ([], 1)


@pytest.mark.slow
def test_the_rule_may_be_switched_off_or_set_otherwise():
    assert len(followed(standing(400), motionless_seconds=None)[0]) == 1
    assert followed(standing(40), motionless_seconds=30) == ([], 1)
    assert len(followed(standing(130), motionless_travel=0.005)[0]) == 1

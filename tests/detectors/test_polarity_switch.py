"""A thermal camera that is switched to the negative: what shows it, and what a judge does about it."""

import cv2
import numpy as np
import pytest

from detectors.config import MotionSettings
from detectors.motion import MotionGate
from detectors.thermal import PolarityJudge
from reid_core.types import Detections, Polarity
from tests.detectors.helpers import detections

WALK = [detections([x, 50, x + 10, 80], confidence=0.6) for x in range(0, 300, 12)]
POST = detections([200, 10, 210, 60], confidence=0.9)
NOBODY = Detections.empty()


def negatives(pictures):
    gate = MotionGate(MotionSettings())
    region = (0, 0, pictures[0].shape[1], pictures[0].shape[0])
    seen = [gate.admit(picture, index, [region]) for index, picture in enumerate(pictures)]
    assert all(motion.cut for motion in seen if motion.negative)
    return [index for index, motion in enumerate(seen) if motion.negative]


def house(seed=1):
    picture = cv2.resize(np.random.default_rng(seed).integers(20, 200, (6, 8)).astype(np.uint8), (320, 240))
    return np.clip(picture + np.random.default_rng(seed).normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def test_the_frame_that_is_a_negative_is_known():
    scene = house()
    assert negatives([scene, scene, 255 - scene, 255 - scene, scene]) == [2, 4]


@pytest.mark.parametrize("gain", [0.6, 1.4])
def test_also_where_the_gain_is_another(gain):
    scene = house()
    other = np.clip((255.0 - scene) * gain, 0, 255).astype(np.uint8)
    assert negatives([scene, other]) == [1]


def test_another_scene_light_or_noise_is_no_negative():
    scenes = [house(seed) for seed in range(40)]
    assert negatives(scenes) == []
    assert negatives([scenes[0], scenes[0] // 3, np.minimum(scenes[0], 160) + 90]) == []
    flat = np.random.default_rng(1).normal(90, 4, (20, 240, 320)).astype(np.uint8)
    assert negatives(list(flat)) == []


@pytest.mark.footage
@pytest.mark.slow
def test_real_footage_has_none_but_where_it_is_made(footage):
    capture, pictures = cv2.VideoCapture(str(footage["night"])), []
    for _ in range(783):
        pictures.append(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY))
    assert negatives(pictures) == []
    for at in range(20, 783, 40):
        assert negatives([pictures[at - 1], 255 - pictures[at], 255 - pictures[at + 1]]) == [1]


# What a judge does


def decided(invert=False):
    return PolarityJudge(as_is=0 if invert else 5, inverted=5 if invert else 0, invert=invert)


@pytest.mark.parametrize("invert", [False, True])
def test_a_negative_turns_a_decision_at_once(invert):
    judge = decided(invert)
    judge.turn()
    assert judge == decided(not invert)


def test_a_negative_turns_what_was_gathered():
    judge = PolarityJudge(as_is=1.0, inverted=0.5)
    judge.turn()
    assert (judge.as_is, judge.inverted, judge.invert) == (0.5, 1.0, None)


def test_a_told_judge_is_not_turned_and_not_doubted():
    judge = PolarityJudge.known(Polarity.WHITE_HOT)
    judge.turn()
    judge.check(WALK[0], NOBODY)
    assert judge.invert is True and not judge.undecided


@pytest.mark.parametrize("invert", [False, True])
def test_who_walks_in_the_other_version_is_believed(invert):
    judge = decided(invert)
    for place, walker in enumerate(WALK):
        other = (walker, NOBODY) if invert else (NOBODY, walker)
        if place == 0:
            judge.check(*other)
            assert judge.undecided and judge.leaning is invert
        else:
            judge.see(*other, anew=False)
    assert judge.invert is not invert and not judge.undecided


def test_what_stands_in_the_other_version_is_not_believed_and_the_doubt_passes():
    judge = decided()
    for _ in range(5):
        judge.check(NOBODY, POST)
        assert judge.undecided
        for _ in range(2):
            judge.refresh()
            judge.see(NOBODY, POST, anew=True)
            for _ in range(24):
                judge.see(NOBODY, POST, anew=False)
        assert judge.invert is False and not judge.undecided


def test_a_decision_that_shows_people_is_not_doubted():
    judge = decided()
    judge.check(detections([0, 0, 10, 30], confidence=0.5), detections([0, 0, 10, 30], confidence=0.6))
    judge.check(NOBODY, NOBODY)
    assert not judge.undecided

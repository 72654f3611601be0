"""Raw counts to grey, and which end is warm."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detector import Look
from detectors.letterbox import intersections_over_unions
from detectors.motion import REFRESH
from detectors.thermal import PolarityJudge, RawScaler
from reid_core.errors import SourceError
from reid_core.types import Detections, Frame, Modality, Polarity
from tests.detectors.conftest import read
from tests.detectors.helpers import detections


@pytest.mark.parametrize(("bits", "base", "span"), [(14, 7000, 400), (16, 29000, 900), (16, 0, 65535)])
def test_raw_counts_use_the_whole_grey_range(bits, base, span):
    ramp = np.linspace(base, min(base + span, 2**bits - 1), 100 * 80).reshape(80, 100).astype(np.uint16)
    grey = RawScaler()(ramp)
    assert grey.dtype == np.uint8
    assert grey.shape == ramp.shape
    assert (grey.min(), grey.max()) == (0, 255)
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()


def test_somebody_walking_in_does_not_make_the_background_flicker():
    counts = np.random.default_rng(1).normal(30000, 40, (120, 160)).astype(np.uint16)
    person = counts.copy()
    person[30:90, 60:80] = 32500
    slow, fast = RawScaler(), RawScaler(memory=0)
    before, before_fast = slow(counts), fast(counts)
    after, after_fast = slow(person), fast(person)
    background = np.ones(counts.shape, bool)
    background[30:90, 60:80] = False
    change = np.abs(after.astype(int) - before)[background].mean()
    assert change < 0.65 * np.abs(after_fast.astype(int) - before_fast)[background].mean()
    assert (after[30:90, 60:80] == 255).all()


def test_a_recording_scales_alike_from_its_first_picture_on():
    pictures = np.random.default_rng(2).integers(0, 16384, (5, 20, 30), np.uint16)
    one, other = RawScaler(), RawScaler()
    assert all(np.array_equal(one(picture), other(picture)) for picture in pictures)


def test_a_picture_of_one_temperature_and_one_of_three_channels():
    assert (RawScaler()(np.full((8, 8), 30000, np.uint16)) == 0).all()
    with pytest.raises(SourceError, match="one channel"):
        RawScaler()(np.zeros((8, 8, 3), np.uint16))


strengths = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60)


@given(strengths)
def test_a_decision_stays_and_favours_who_is_ahead(pairs):
    judge = PolarityJudge()
    for as_is, inverted in pairs:
        if judge.invert is None:
            judge.weigh(as_is, inverted)
        if judge.invert is not None:
            assert judge.invert == judge.leaning == (judge.inverted > judge.as_is)


def _shows(seed, count):
    """What ``count`` frames show in each version: posts that stand and people who come and go."""
    random = np.random.default_rng(seed)
    posts = random.integers(0, 200, (2, 2, 2))
    for _ in range(count):
        versions = []
        for version in range(2):
            corners = np.concatenate([posts[version], random.integers(0, 200, (random.integers(0, 3), 2))])
            boxes = np.concatenate([corners, corners + np.array([8, 20])], axis=1).astype(np.float32)
            versions.append(Detections(boxes, random.uniform(0, 0.5, len(boxes)).astype(np.float32)))
        yield tuple(versions)


def _see(judge, pictures, first):
    for index, (as_is, inverted) in enumerate(pictures, first):
        judge.see(as_is, inverted, index % REFRESH == 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2), st.integers(1, 30))
def test_three_numbers_at_a_refresh_are_all_it_takes_to_go_on(seed, refreshes, more):
    at = refreshes * REFRESH
    pictures = list(_shows(seed, at + more))
    through, before = PolarityJudge(), PolarityJudge()
    _see(through, pictures, 0)
    _see(before, pictures[:at], 0)
    resumed = PolarityJudge(*json.loads(json.dumps([before.as_is, before.inverted, before.invert])))
    _see(resumed, pictures[at:], at)
    assert resumed == through


def test_what_stands_in_one_version_loses_to_what_walks_in_the_other():
    judge = PolarityJudge()
    for index in range(40):
        post = detections([100, 10, 110, 60], confidence=0.9)
        walker = detections([index * 3, 50, index * 3 + 10, 80], confidence=0.4)
        judge.see(post, walker, index % REFRESH == 0)
    assert judge.invert is True


def test_a_told_judge_does_not_listen():
    for polarity, invert in ((Polarity.WHITE_HOT, True), (Polarity.BLACK_HOT, False)):
        judge = PolarityJudge.known(polarity)
        judge.see(detections([0, 0, 9, 9]), detections([0, 0, 9, 9]), True)
        assert judge == PolarityJudge(invert=invert)


def _decide(detector, frames, negative=False, cuts=()):
    """Frames a fresh judge needs, and what it says."""
    judge = PolarityJudge()
    for seen, frame in enumerate(frames, 1):
        looks = [Look(frame, region, flag) for flag in (False, True) for region in detector.regions(frame)]
        found = detector.look(looks)
        versions = [detector.merge(found[: len(looks) // 2]), detector.merge(found[len(looks) // 2 :])]
        if negative:
            versions.reverse()
        judge.see(*versions, frame.index % REFRESH == 0 or frame.index in cuts)
        if judge.invert is not None:
            return seen, judge.invert
    return None, judge.leaning


@pytest.mark.footage
@pytest.mark.parametrize("first", [0, 100, 650, 700])
def test_white_hot_footage_is_inverted_wherever_it_begins(first, footage, int8):
    numbers = range(first, min(first + 90, 783))
    frames = read(footage["night"], numbers, Modality.INFRARED)
    seen, invert = _decide(int8, frames, cuts=(284, 650))
    assert invert
    assert seen is not None
    assert seen < 80


@pytest.mark.footage
def test_black_hot_footage_is_left_alone(footage, int8):
    seen, invert = _decide(int8, read(footage["night"], range(100, 160), Modality.INFRARED), negative=True)
    assert (seen is not None, invert) == (True, False)


def _kaist(shared, folder, step):
    frames = []
    for index, file in enumerate(sorted((shared / "data/kaist" / folder).iterdir())[::step]):
        grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        frames.append(Frame(folder, Modality.INFRARED, index, index, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)))
    return frames


@pytest.mark.footage
def test_near_infrared_pictures_are_left_alone(shared, int8):
    seen, invert = _decide(int8, _kaist(shared, "visible_set06_V000", 1))
    assert (seen is not None, invert) == (True, False)


@pytest.mark.footage
@pytest.mark.slow
def test_long_wave_pictures_of_another_camera_are_shown_as_people_are_found_in_them(shared, int8):
    frames = _kaist(shared, "lwir_set06_V001", 1)
    _, invert = _decide(int8, frames)
    truth = _kaist_people(shared)
    found = {
        flag: sum(
            _hits(int8.detect([frame], flag)[0], truth[index]) for index, frame in enumerate(frames[::3])
        )
        for flag in (False, True)
    }
    assert invert == (found[True] > found[False])


def _kaist_people(shared):
    notes = json.loads((shared / "data/kaist/annotations/KAIST_annotation.json").read_text())
    numbers = {image["im_name"]: image["id"] for image in notes["images"]}
    wanted = [
        numbers["/".join(file.name.split("_")[:3])]
        for file in sorted((shared / "data/kaist/lwir_set06_V001").iterdir())[::3]
    ]
    boxes = {number: [] for number in wanted}
    for note in notes["annotations"]:
        if note["image_id"] in boxes and note["category_id"] == 1 and not note["ignore"]:
            x, y, width, height = note["bbox"]
            boxes[note["image_id"]].append([x, y, x + width, y + height])
    return [boxes[number] for number in wanted]


def _hits(found, truth):
    if not truth or not len(found):
        return 0
    sure = found.boxes[found.confidences >= 0.25]
    return int(
        (intersections_over_unions(np.array(truth, np.float32), sure).max(axis=1, initial=0) > 0.5).sum()
    )

"""How good a crop is, and which are kept."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.quality import BestCrops, overlaps, rough_quality, sharpness
from reid_core.types import Frame, Modality

SECOND = 10**9


def picture(detail=1.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, 60 * detail, (300, 300, 3))
    return np.clip(128 + noise, 0, 255).astype(np.uint8)


def box(x=50, y=50, width=40, height=100):
    return np.array([x, y, x + width, y + height], np.float32)


def frame(second, image=None):
    image = picture() if image is None else image
    return Frame("gate", Modality.VISIBLE, int(second * 10), int(second * SECOND), image)


def rough(one, confidence=0.8, overlap=0.0):
    return rough_quality(one, confidence, overlap, 300, 300)


shares = st.floats(0, 1)
heights = st.floats(2, 290)


@given(heights, heights, shares, shares, shares, shares)
def test_larger_surer_and_freer_is_never_worse(height, taller, sure, surer, hidden, freer):
    height, taller = sorted((height, taller))
    sure, surer = sorted((sure, surer))
    freer, hidden = sorted((freer, hidden))
    one = rough(box(5, 5, height / 3, height), sure, hidden)
    assert 0 <= one <= 1
    assert rough(box(5, 5, taller / 3, taller), sure, hidden) >= one - 1e-6
    assert rough(box(5, 5, height / 3, height), surer, hidden) >= one - 1e-6
    assert rough(box(5, 5, height / 3, height), sure, freer) >= one - 1e-6


def test_who_is_cut_off_by_the_picture_or_squat_is_worse():
    whole = rough(box())
    assert rough(box(y=200)) < whole
    assert rough(box(x=0, y=200)) < rough(box(y=200))
    assert rough(box(width=120)) < whole
    assert rough(np.array([5, 5, 5, 80], np.float32)) == 0


def test_blur_is_worse():
    values = [sharpness(picture(detail)) for detail in (0, 0.05, 0.3, 1)]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[-1] < 1


def test_overlap_is_the_share_under_another_box():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [100, 0, 110, 10], [0, 0, 10, 2.5]], np.float32)
    assert overlaps(boxes).tolist() == pytest.approx([0.5, 0.5, 0, 1])
    assert overlaps(boxes[:1]).tolist() == [0]
    assert overlaps(boxes[:0]).tolist() == []


def test_the_best_crops_are_kept_with_time_between_them():
    crops = BestCrops(count=3, spacing_ns=SECOND // 2)
    confidences = np.random.default_rng(4).uniform(0.3, 0.95, 60)
    image = picture()
    for number, confidence in enumerate(confidences):
        crops.offer(frame(number / 10, image), box(), float(confidence), 0.0)
    kept = crops.kept
    assert len(kept) == 3
    assert [one.quality for one in kept] == sorted((one.quality for one in kept), reverse=True)
    times = sorted(one.time_ns for one in kept)
    assert (np.diff(times) >= SECOND // 2).all()
    assert kept[0].confidence == pytest.approx(confidences.max())
    assert kept[0].crop.shape == (100, 40, 3)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(30, 99)), min_size=1, max_size=40))
def test_whatever_is_offered_the_best_of_all_is_kept(offers):
    crops = BestCrops(count=2, spacing_ns=SECOND)
    image = picture()
    for tenth, confidence in sorted(offers):
        crops.offer(frame(tenth / 10, image), box(), confidence / 100, 0.0)
    assert max(one.confidence for one in crops.kept) == max(confidence for _, confidence in offers) / 100
    times = sorted(one.time_ns for one in crops.kept)
    assert len(times) <= 2
    assert all(later - earlier >= SECOND for earlier, later in itertools.pairwise(times))


def test_a_crop_is_a_copy_and_lies_within_the_picture():
    crops, image = BestCrops(count=2, spacing_ns=0), picture()
    crops.offer(frame(0, image), np.array([250.5, 200.2, 320, 330], np.float32), 0.9, 0.0)
    (sighting,) = crops.kept
    assert sighting.crop.shape == (100, 50, 3)
    before = sighting.crop.copy()
    image[:] = 0
    assert np.array_equal(sighting.crop, before)
    crops.offer(frame(1, image), np.array([400, 400, 440, 500], np.float32), 0.9, 0.0)
    assert len(crops.kept) == 1

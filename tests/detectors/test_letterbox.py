"""Frames onto canvases and boxes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.letterbox import decode, intersections_over_unions, merge, place, suppress, tile
from detectors.network import PAD_VALUE, Network
from reid_core.types import Detections
from tests.detectors.helpers import detections

sides = st.integers(1, 500)


class _AnyCanvas(Network):
    def infer(self, canvases):
        raise NotImplementedError


@given(sides, sides, st.integers(0, 500))
def test_tiles_cover_the_picture_and_overlap(height, width, below):
    regions = tile(height, width, below)
    covered = np.zeros((height, width), int)
    for x1, y1, x2, y2 in regions:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        covered[y1:y2, x1:x2] += 1
    assert (covered > 0).all()
    assert len(set(regions)) == len(regions) <= 20
    if len(regions) > 1:
        assert max(height, width) < below
        side = min(height, width)
        assert all((x2 - x1, y2 - y1) == (side, side) for x1, y1, x2, y2 in regions)
        ends = [(y2 if height > width else x2) for _, _, x2, y2 in regions[:-1]]
        starts = [(y1 if height > width else x1) for x1, y1, _, _ in regions[1:]]
        assert all(end - start >= side / 4 - 1 for end, start in zip(ends, starts, strict=True))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_box_comes_back_from_the_canvas_where_it_was(data):
    height, width = data.draw(sides), data.draw(sides)
    region = data.draw(st.sampled_from(tile(height, width, data.draw(st.integers(0, 400)))))
    x1, y1, x2, y2 = region
    size = data.draw(st.sampled_from([64, 256, 320, 640]))
    canvas = _AnyCanvas().canvas(y2 - y1, x2 - x1, size)
    assert canvas[0] % 32 == canvas[1] % 32 == 0
    drawn, where = place(np.zeros((height, width, 3), np.uint8), region, canvas, False)
    assert drawn.shape == (*canvas, 3)
    left, top, right, bottom = where.window
    assert 0 <= left < right <= canvas[1]
    assert 0 <= top < bottom <= canvas[0]
    assert abs(left - (canvas[1] - right)) <= 1
    assert abs(top - (canvas[0] - bottom)) <= 1
    assert (drawn[top:bottom, left:right] == 0).all()
    assert (drawn == PAD_VALUE).sum() == drawn.size - 3 * (right - left) * (bottom - top)
    within = st.floats(0, 1)
    xs = sorted([x1 + (x2 - x1) * data.draw(within), x1 + (x2 - x1) * data.draw(within)])
    ys = sorted([y1 + (y2 - y1) * data.draw(within), y1 + (y2 - y1) * data.draw(within)])
    across, down = (right - left) / (x2 - x1), (bottom - top) / (y2 - y1)
    cx1, cx2 = ((x - x1) * across + left for x in xs)
    cy1, cy2 = ((y - y1) * down + top for y in ys)
    rows = np.array([[(cx1 + cx2) / 2, (cy1 + cy2) / 2, cx2 - cx1, cy2 - cy1, 0.9]], np.float32)
    box = np.array([[xs[0], ys[0], xs[1], ys[1]]])
    assert np.allclose(where.to_picture(np.array([[cx1, cy1, cx2, cy2]], np.float32)), box, atol=0.02)
    found = decode(rows, where, 0.5, 0.6)
    if xs[1] - xs[0] > 0.1 and ys[1] - ys[0] > 0.1:
        assert np.allclose(found.boxes, box, atol=0.02)
        assert found.confidences == pytest.approx([0.9])
    assert len(decode(rows, where, 0.95, 0.6)) == 0


def test_the_picture_lies_where_the_placement_says():
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[30:60, 40:80] = 200
    drawn, where = place(picture, (0, 0, 160, 90), (384, 640), False)
    bright = np.argwhere(drawn[..., 0] > 157)
    (top, left), (bottom, right) = bright.min(0), bright.max(0) + 1
    back = where.to_picture(np.array([[left, top, right, bottom]], np.float32))
    assert np.allclose(back, [[40, 30, 80, 60]], atol=0.6)


def test_the_negative_leaves_the_padding_alone():
    picture = np.full((90, 160, 3), 40, np.uint8)
    drawn, where = place(picture, (0, 0, 160, 90), (384, 640), True)
    left, top, right, bottom = where.window
    assert (drawn[top:bottom, left:right] == 215).all()
    assert (drawn[:top] == PAD_VALUE).all()


def test_boxes_are_cut_at_the_region():
    _, where = place(np.zeros((100, 200, 3), np.uint8), (100, 0, 200, 100), (320, 320), False)
    back = where.to_picture(np.array([[-50, -50, 400, 400]], np.float32))
    assert back.tolist() == [[100, 0, 200, 100]]


boxes = st.lists(st.tuples(*[st.integers(0, 40)] * 4, st.integers(1, 99)), max_size=12)


@given(boxes, st.booleans())
def test_suppression_keeps_the_surest_of_each_heap(raw, of_smaller):
    array = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in raw], np.float32).reshape(-1, 4)
    found = Detections(array, np.array([c / 100 for *_, c in raw], np.float32))
    kept = suppress(found, 0.5, of_smaller)
    assert (np.diff(kept.confidences) <= 0).all()
    real = found.select((array[:, 2] > array[:, 0]) & (array[:, 3] > array[:, 1]))
    assert (len(kept) > 0) == (len(real) > 0)
    if len(kept):
        assert kept.confidences[0] == real.confidences.max()
    again = suppress(kept, 0.5, of_smaller)
    assert np.array_equal(again.boxes, kept.boxes)
    if not of_smaller:
        between = intersections_over_unions(kept.boxes, kept.boxes)
        assert (between[~np.eye(len(kept), dtype=bool)] <= 0.5 + 1e-6).all()
        # Whoever is gone lies under somebody surer who stayed.
        for box, confidence in zip(real.boxes, real.confidences, strict=True):
            over = intersections_over_unions(box[None], kept.boxes)[0]
            assert ((over > 0.5 - 1e-6) & (kept.confidences >= confidence)).any()


def test_half_a_person_at_the_edge_of_a_tile_is_not_a_second_one():
    whole, half, other = (
        detections([10, 10, 30, 60]),
        detections([20, 10, 30, 60]),
        detections([60, 10, 80, 60]),
    )
    assert len(merge([whole, half, other], 0.6)) == 2
    assert merge([whole], 0.6) is whole
    assert len(merge([Detections.empty(), Detections.empty()], 0.6)) == 0


def test_strips_are_not_cut_to_crumbs():
    assert tile(2, 319, 320) == [(0, 0, 319, 2)]
    assert tile(1, 1, 320) == [(0, 0, 1, 1)]
    assert len(tile(114, 180, 320)) == 2

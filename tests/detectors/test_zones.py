"""Ignore zones: who is in them and who only seems to be."""

import numpy as np
import pytest

from detectors.zones import IgnoreZones
from tests.detectors.helpers import detections

POSTER = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.5), (0.1, 0.5))
IN_PIXELS = tuple((x * 200, y * 100) for x, y in POSTER)


@pytest.mark.parametrize("polygon", [POSTER, IN_PIXELS])
def test_a_poster_is_left_out_and_who_walks_by_before_it_is_not(polygon):
    poster = [30, 12, 50, 48]
    by = [30, 12, 50, 90]
    keep = IgnoreZones([polygon]).outside(detections(poster, by, [120, 12, 140, 48]), 200, 100)
    assert keep.tolist() == [False, True, True]


def test_the_border_is_inside():
    edge = detections([40, 0, 80, 50], [-20, 0, 20, 100], [0, 0, 39, 10])
    assert IgnoreZones([POSTER]).outside(edge, 200, 100).tolist() == [False, True, True]
    whole = IgnoreZones([((0, 0), (1, 0), (1, 1), (0, 1))])
    assert not whole.outside(detections([0, 0, 200, 100], [-50, 5, 50, 100]), 200, 100).any()


def test_shares_follow_the_size_and_pixels_do_not():
    found = detections([60, 24, 100, 96])
    assert not IgnoreZones([POSTER]).outside(found, 400, 200)[0]
    assert IgnoreZones([IN_PIXELS]).outside(found, 400, 200)[0]


def test_zones_of_any_shape_and_number():
    dart = ((0.0, 0.0), (0.5, 0.4), (1.0, 0.0), (0.5, 1.0))
    feet = np.array([[100, 30], [100, 60], [20, 20], [190, 95]])
    boxes = [[x - 5, y - 20, x + 5, y] for x, y in feet]
    assert IgnoreZones([dart]).outside(detections(*boxes), 200, 100).tolist() == [True, False, False, True]
    both = IgnoreZones([dart, ((0.9, 0.9), (1, 0.9), (1, 1))])
    assert both.outside(detections(*boxes), 200, 100).tolist() == [True, False, False, False]

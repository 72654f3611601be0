"""Frames onto the detector's canvas and boxes back: tiles, letterboxing, overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detectors.network import PAD_VALUE, Canvas
from reid_core.types import Detections, Floats, Image

Region = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels of the frame; right and bottom excluded."""


_SMALLEST_TILE = 32


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a region of a frame lies on a canvas.

    Attributes:
        region: of the frame.
        window: the same as drawn: left, top, right, bottom in whole pixels of the canvas.
    """

    region: Region
    window: Region

    def to_picture(self, boxes: Floats) -> Floats:
        """Canvas ``xyxy`` boxes in the frame's pixels, cut at the region's edge. ``(N, 4)``."""
        low, high = _twice(self.region[:2]), _twice(self.region[2:])
        left_top, right_bottom = _twice(self.window[:2]), _twice(self.window[2:])
        placed = (boxes - left_top) * ((high - low) / (right_bottom - left_top)) + low
        return np.asarray(np.clip(placed, low, high), np.float32)


def _twice(point: tuple[int, int]) -> Floats:
    return np.array([*point, *point], np.float32)


def tile(height: int, width: int, tile_below: int) -> list[Region]:
    """The regions a frame is looked at in.

    Args:
        height: of the frame, pixels.
        width: of the frame, pixels.
        tile_below: frames whose longer side is shorter are cut in square tiles along it that
            overlap by at least a quarter of their side; a strip too narrow to show anybody is not.
    """
    side, length = min(height, width), max(height, width)
    if length >= tile_below or length <= side * 1.25 or side < _SMALLEST_TILE:
        return [(0, 0, width, height)]
    count = int(np.ceil((length - side / 4) / (side * 0.75)))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    if width >= height:
        return [(start, 0, start + side, height) for start in starts]
    return [(0, start, width, start + side) for start in starts]


def place(picture: Image, region: Region, canvas: Canvas, invert: bool) -> tuple[Image, Placement]:
    """Draw one region of a frame on a fresh canvas, as large as it goes and centred.

    Args:
        picture: uint8 ``H x W x 3`` RGB.
        region: the part to draw.
        canvas: its height and width, pixels.
        invert: draw the negative (a white-hot thermal frame as black-hot).
    """
    x1, y1, x2, y2 = region
    part = picture[y1:y2, x1:x2]
    scale = min(canvas[0] / part.shape[0], canvas[1] / part.shape[1])
    height = min(canvas[0], max(1, round(part.shape[0] * scale)))
    width = min(canvas[1], max(1, round(part.shape[1] * scale)))
    top, left = (canvas[0] - height) // 2, (canvas[1] - width) // 2
    drawn = np.full((*canvas, 3), PAD_VALUE, np.uint8)
    window = drawn[top : top + height, left : left + width]
    cv2.resize(part, (width, height), dst=window, interpolation=cv2.INTER_LINEAR)
    if invert:
        cv2.bitwise_not(window, dst=window)
    return drawn, Placement(region, (left, top, left + width, top + height))


def decode(rows: Floats, placement: Placement, low_confidence: float, overlap: float) -> Detections:
    """The people in one canvas' network output, in the frame's pixels, surest first.

    Args:
        rows: ``(A, 5)`` centre x, centre y, width, height (canvas pixels) and score.
        placement: where the frame lies on the canvas.
        low_confidence: rows below are dropped.
        overlap: intersection over union above which two boxes are one person.
    """
    rows = rows[rows[:, 4] >= low_confidence]
    half = rows[:, 2:4] / 2
    corners = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    return suppress(Detections(placement.to_picture(corners), rows[:, 4].copy()), overlap)


def merge(parts: Sequence[Detections], overlap: float) -> Detections:
    """The people of all tiles of one frame; a box that lies mostly in a better one is dropped."""
    found = [part for part in parts if len(part)]
    if len(parts) == 1 or not found:
        return parts[0] if parts else Detections.empty()
    together = Detections(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.confidences for part in parts])
    )
    return suppress(together, overlap, of_smaller=True)


def suppress(found: Detections, overlap: float, of_smaller: bool = False) -> Detections:
    """Greedy non-maximum suppression, surest first (ties: in order of appearance).

    Args:
        found: what to thin out.
        overlap: the overlap above which the less sure box goes.
        of_smaller: measure the intersection against the smaller box instead of the union, as parts of
            a person cut by the edge of a tile lie inside the whole one.
    """
    order = np.argsort(-found.confidences, kind="stable")
    boxes = found.boxes[order]
    real = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    order, boxes = order[real], boxes[real]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if not alive[i]:
            continue
        corner_min = np.maximum(boxes[i, :2], boxes[i + 1 :, :2])
        corner_max = np.minimum(boxes[i, 2:], boxes[i + 1 :, 2:])
        shared = np.prod(np.maximum(corner_max - corner_min, 0), axis=1)
        rest = areas[i + 1 :]
        whole = np.minimum(areas[i], rest) if of_smaller else areas[i] + rest - shared
        alive[i + 1 :] &= shared <= overlap * whole
    return found.select(order[alive])


def intersections_over_unions(boxes: Floats, others: Floats) -> Floats:
    """How far each of ``(N, 4)`` boxes covers each of ``(M, 4)`` others. ``(N, M)``, 0..1."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas, other_areas = (np.prod(some[:, 2:] - some[:, :2], axis=1) for some in (boxes, others))
    return np.asarray(shared / np.maximum(areas[:, None] + other_areas - shared, 1e-6), np.float32)

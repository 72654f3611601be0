"""How good a crop is to recognise somebody by, and keeping the few best of a tracklet."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from reid_core.types import Floats, Frame, Sighting

_GOOD_HEIGHT = 160.0
_SHARP = 300.0
_COMPARED_AT = (48, 96)


def overlaps(boxes: Floats) -> Floats:
    """For each of ``(N, 4)`` boxes the largest share of it that lies under another box. ``(N,)``."""
    if len(boxes) < 2:
        return np.zeros(len(boxes), np.float32)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    np.fill_diagonal(shared, 0)
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6)
    return np.asarray(shared.max(axis=1) / areas, np.float32)


def rough_quality(box: Floats, confidence: float, overlap: float, height: int, width: int) -> float:
    """What can be said of a crop without its pixels, 0..1: an upper bound of its quality.

    The product of size (full at 160 px of height), confidence, freedom from overlap, and of not being
    cut by the edge of the frame or squat as a half-seen person is.

    Args:
        box: ``xyxy`` pixels.
        confidence: of the detector.
        overlap: share of the box under another one.
        height: of the frame, pixels.
        width: of the frame, pixels.
    """
    w, h = float(box[2] - box[0]), float(box[3] - box[1])
    if w <= 1 or h <= 1:
        return 0.0
    size = min(1.0, h / _GOOD_HEIGHT)
    cut_off = sum((box[0] <= 1, box[1] <= 1, box[2] >= width - 1, box[3] >= height - 1))
    upright = min(1.0, h / (1.5 * w))
    return float(size**0.5 * confidence * (1 - overlap) * 0.6**cut_off * upright)


def sharpness(crop: cv2.typing.MatLike) -> float:
    """Variance of the Laplacian at a common size, squashed to 0..1."""
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), _COMPARED_AT, interpolation=cv2.INTER_AREA)
    variance = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return variance / (variance + _SHARP)


@dataclass(slots=True)
class BestCrops:
    """The few best crops of one tracklet, far enough apart in time to show different poses.

    Attributes:
        count: how many are kept.
        spacing_ns: smallest distance in time between two of them.
        kept: best first.
    """

    count: int
    spacing_ns: int
    kept: list[Sighting] = field(default_factory=list)

    def offer(self, frame: Frame, box: Floats, confidence: float, overlap: float) -> None:
        """Keep the crop of ``box`` if it is among the best."""
        height, width = frame.image.shape[:2]
        bound = rough_quality(box, confidence, overlap, height, width)
        near = [s for s in self.kept if abs(s.time_ns - frame.time_ns) < self.spacing_ns]
        floor = max((s.quality for s in near), default=0.0)
        if not near and len(self.kept) >= self.count:
            floor = self.kept[-1].quality
        if bound <= floor:
            return
        x1, y1 = int(max(0, np.floor(box[0]))), int(max(0, np.floor(box[1])))
        x2, y2 = int(min(width, np.ceil(box[2]))), int(min(height, np.ceil(box[3])))
        if x2 - x1 < 2 or y2 - y1 < 2:
            return
        crop = frame.image[y1:y2, x1:x2]
        quality = bound * (0.5 + 0.5 * sharpness(crop))
        if quality <= floor:
            return
        for weaker in near:
            self.kept.remove(weaker)
        self.kept.append(Sighting(frame.index, frame.time_ns, box.copy(), confidence, quality, crop.copy()))
        self.kept.sort(key=lambda s: (-s.quality, s.frame))
        del self.kept[self.count :]

"""The motion gate: which parts of which frames are worth the detector's time.

A fixed camera shows the same scene most of the time. Each frame is reduced to a small grey
thumbnail and compared with the one last looked at; where nothing changed, the people found then are
still there. What is decided depends on the frames and their numbers alone, never on what was
detected, so it can run in the decoder's thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.config import MotionSettings
from detectors.infrared_filter import Tint
from detectors.letterbox import Region
from reid_core.types import Frame, Image

REFRESH = 25
"""Every so many frames the gate forgets what it saw, so that a run can begin anew at any of them."""

_THUMBNAIL = 256
_CUT_LAYOUT = (24, 16)
_CUT_CORRELATION = 0.85
_CUT_HISTOGRAM = 0.15
_BINS = 32
_NEGATIVE_CORRELATION, _MIRRORED_CORRELATION = -0.8, -0.5
_MIRRORED_BINS = 2.0
_NEGATIVE_CONTRAST = 3.0


@dataclass(frozen=True, slots=True)
class GatedFrame:
    """One frame of one camera after the gate.

    Attributes:
        camera: the camera's id.
        index: number of the frame in its recording.
        time_ns: capture time, UTC nanoseconds.
        moved: the regions in which something changed, as indices of the frame's regions.
        regions: all regions of the frame.
        frame: the frame, or ``None`` where nothing moved.
        cut: whether the camera shows another scene than one frame before.
        anew: whether the gate forgot what it saw at this frame: a run can begin anew here.
        negative: whether it is the negative of the frame before: a thermal camera's polarity was switched.
        tint: of a visible camera's frame.
    """

    camera: str
    index: int
    time_ns: int
    moved: tuple[int, ...]
    regions: tuple[Region, ...]
    frame: Frame | None
    cut: bool
    anew: bool
    negative: bool = False
    tint: Tint | None = None


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate says of one frame: regions that changed; whether it is a cut, begun anew, a negative."""

    moved: tuple[int, ...]
    cut: bool
    anew: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the gate needs of a frame; made of the frame alone, so that any thread may make it ahead.

    Attributes:
        thumbnail: small grey copy.
        layout: a much smaller one, flat, float32, less its mean.
        contrast: length of the layout.
        histogram: ``(32,)`` float32 shares of its grey levels.
    """

    thumbnail: Image
    layout: NDArray[np.float32]
    contrast: float
    histogram: NDArray[np.float32]


def sketch(picture: Image, rgb: bool = False) -> Sketch:
    """Draw the sketch of a frame.

    Args:
        picture: uint8 ``H x W x 3``, or grey ``H x W``.
        rgb: whether red comes first, so that a frame is decided about alike in either order.
    """
    thumbnail = _thumbnail(picture, rgb)
    layout = _centred(np.asarray(cv2.resize(thumbnail, _CUT_LAYOUT, interpolation=cv2.INTER_AREA), np.uint8))
    counts = cv2.calcHist([thumbnail], [0], None, [_BINS], [0, 256])
    shares = np.asarray(counts / thumbnail.size, np.float32).ravel()
    return Sketch(thumbnail, layout, float(np.linalg.norm(layout)), shares)


class MotionGate:
    """One camera's gate.

    A cut is a frame whose coarse layout no longer correlates with the one before and whose grey
    histogram jumped as well: a person walking close past the lens does only the one or the other. A frame
    is the negative of the one before where their layouts, of some contrast, correlate below -0.8, or below
    -0.5 where its histogram is the mirror image; that is a cut as well.

    Args:
        settings: how much change counts.
        refresh: every so many frames all regions are looked at: at the first frame whose number
            reaches the next multiple, so that missing frames put nothing off.
    """

    def __init__(self, settings: MotionSettings, refresh: int = REFRESH) -> None:
        self._settings = settings
        self._refresh = refresh
        self._references: list[Image | None] = []
        self._before: Sketch | None = None
        self._shape: tuple[int, ...] = ()
        self._stretch: int | None = None

    def admit(
        self,
        picture: Image,
        index: int,
        regions: Sequence[Region],
        rgb: bool = False,
        sketched: Sketch | None = None,
    ) -> Motion:
        """Decide about one frame.

        Args:
            picture: uint8 ``H x W x 3``, or grey ``H x W``.
            index: its number in the recording.
            regions: the parts that are looked at separately.
            rgb: whether red comes first.
            sketched: the frame's sketch, where it was made ahead.
        """
        before, self._stretch = self._stretch, index // self._refresh
        anew = before != self._stretch
        sketched = sketched if sketched is not None else sketch(picture, rgb)
        thumbnail = sketched.thumbnail
        cut, negative = self._compared(sketched)
        if not self._settings.enabled:
            return Motion(tuple(range(len(regions))), cut, anew, negative)
        if cut or anew or picture.shape != self._shape:
            self._references = [None] * len(regions)
            self._shape = picture.shape
        scale_y = thumbnail.shape[0] / picture.shape[0]
        scale_x = thumbnail.shape[1] / picture.shape[1]
        moved = []
        for number, (x1, y1, x2, y2) in enumerate(regions):
            part = thumbnail[
                round(y1 * scale_y) : round(y2 * scale_y), round(x1 * scale_x) : round(x2 * scale_x)
            ]
            if self._changed(self._references[number], part):
                self._references[number] = part
                moved.append(number)
        return Motion(tuple(moved), cut, anew, negative)

    def _changed(self, reference: Image | None, part: Image) -> bool:
        if reference is None:
            return True
        difference = cv2.threshold(
            cv2.absdiff(part, reference), self._settings.contrast, 255, cv2.THRESH_BINARY
        )[1]
        return bool(cv2.countNonZero(difference) > self._settings.area * part.size)

    def _compared(self, now: Sketch) -> tuple[bool, bool]:
        """Whether a frame shows another scene than the one before, and whether it is its negative."""
        before, self._before = self._before, now
        if before is None:
            return False, False
        norm = now.contrast * before.contrast
        likeness = float(now.layout @ before.layout) / norm if norm else 0.0
        negative = likeness < _NEGATIVE_CORRELATION or (
            likeness < _MIRRORED_CORRELATION and _are_mirrored(now.histogram, before.histogram)
        )
        if negative and min(now.contrast, before.contrast) > _NEGATIVE_CONTRAST * now.layout.size**0.5:
            return True, True
        if norm != 0 and likeness >= _CUT_CORRELATION:
            return False, False
        return cv2.norm(now.histogram, before.histogram, cv2.NORM_L1) / 2 >= _CUT_HISTOGRAM, False


def _are_mirrored(histogram: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """By how many bins the one would have to be moved to be the other: whatever stands at a bin's border."""
    return bool(np.abs(np.cumsum(histogram - other[::-1])).sum() < _MIRRORED_BINS)


def _centred(layout: Image) -> NDArray[np.float32]:
    flat = layout.astype(np.float32).ravel()
    return np.asarray(flat - flat.mean(), np.float32)


def _thumbnail(picture: Image, rgb: bool) -> Image:
    """A small grey copy, its noise averaged away: halved until its longer side is below `_THUMBNAIL`.

    Means of two by two are what OpenCV averages fastest, several times faster than other areas.
    """
    grey = picture
    if picture.ndim == 3:
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY if rgb else cv2.COLOR_BGR2GRAY), np.uint8)
    if max(grey.shape) < _THUMBNAIL:
        return np.asarray(cv2.blur(grey, (3, 3)), np.uint8)
    while max(grey.shape) >= _THUMBNAIL and min(grey.shape) > 1:
        height, width = (side // 2 for side in grey.shape)
        even = grey[: 2 * height, : 2 * width]
        grey = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return grey

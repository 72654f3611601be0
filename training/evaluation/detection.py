"""How well people are found: average precision at an overlap, per modality, and the truth it needs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.config import DetectorSettings, LookSettings
from detectors.detector import PersonDetector
from detectors.letterbox import intersections_over_unions
from detectors.motion import REFRESH
from reid_core.errors import SourceError
from reid_core.types import Detections, Floats, Frame, Modality, Polarity

Subset = Literal["all", "reasonable"]

OVERLAP = 0.5
LOWEST = 0.01
"""Confidence from which detections are ranked; what would be above it only when asked for is lost area."""
# A recall that is reached exactly may be a rounding error away.
_RECALLS = np.linspace(0, 1, 101) - 1e-9
_BATCH = 8

REASONABLE_HEIGHT = 55.0
_HEAVILY_OCCLUDED = 2
_BORDER = 5


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """Who really is in one frame.

    Attributes:
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels.
        ignored: ``(N,)`` whether it counts neither as missed nor as found: too far, too hidden, a crowd.
    """

    boxes: Floats
    ignored: NDArray[np.bool_]

    @classmethod
    def of(cls, boxes: Sequence[Sequence[float]], ignored: Sequence[bool] | None = None) -> "FrameTruth":
        """From plain rows of ``xyxy`` boxes."""
        rows = np.asarray(boxes, np.float32).reshape(-1, 4)
        return cls(rows, np.zeros(len(rows), bool) if ignored is None else np.asarray(ignored, bool))


@dataclass(frozen=True, slots=True)
class DetectionFigures:
    """How well people were found in some frames.

    Attributes:
        ap50: average precision at overlap .5, interpolated at 101 recalls as COCO does; NaN without people.
        area: the exact area under the interpolated curve.
        recall: share of the people that were found at all, at the lowest confidence ranked.
        recall_25: at confidence .25, where a tracklet may open.
        precision_25: share of the detections at confidence .25 that were people.
        people: that count.
        frames: looked at.
    """

    ap50: float
    area: float
    recall: float
    recall_25: float
    precision_25: float
    people: int
    frames: int


def figures(
    found: Sequence[Detections],
    truth: Sequence[FrameTruth],
    overlap: float = OVERLAP,
    least_height: float = 0.0,
) -> DetectionFigures:
    """Compare what was found with what is there, over all frames together.

    In each frame the surest detection first takes the person it overlaps most, among those that count and
    are not taken yet, if the overlap (intersection over union) reaches ``overlap``. One that finds no such
    person but an ignored one is left out; so is one lower than ``least_height`` that matches nobody, as
    people of that height do not count either. The rest are false. (COCO's rule for one class.)

    Args:
        found: of each frame, any order.
        truth: of each frame.
        overlap: least intersection over union of a match.
        least_height: of a false detection that counts, pixels.
    """
    scores, hits = [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for detections, people in zip(found, truth, strict=True):
        kept, right = match(detections, people, overlap, least_height)
        scores.append(kept)
        hits.append(right)
    all_scores, all_hits = np.concatenate(scores), np.concatenate(hits)
    total = sum(int((~people.ignored).sum()) for people in truth)
    recall, precision = curve(all_scores, all_hits, total)
    sure = all_scores >= 0.25
    return DetectionFigures(
        ap50=interpolated(recall, precision) if total else float("nan"),
        area=area_under(recall, precision) if total else float("nan"),
        recall=float(all_hits.sum() / total) if total else float("nan"),
        recall_25=float(all_hits[sure].sum() / total) if total else float("nan"),
        precision_25=float(all_hits[sure].mean()) if sure.any() else float("nan"),
        people=total,
        frames=len(truth),
    )


def match(
    found: Detections, truth: FrameTruth, overlap: float = OVERLAP, least_height: float = 0.0
) -> tuple[Floats, NDArray[np.bool_]]:
    """Judge one frame's detections; see :func:`figures`.

    Returns:
        Scores of those that count, surest first, and whether each found somebody.
    """
    order = np.argsort(-found.confidences, kind="stable")
    boxes, scores = found.boxes[order], found.confidences[order]
    shared = intersections_over_unions(boxes, truth.boxes)
    free = ~truth.ignored
    counts, right = np.ones(len(boxes), bool), np.zeros(len(boxes), bool)
    for row in range(len(boxes)):
        candidates = np.where(free, shared[row], -1)
        best = int(candidates.argmax()) if len(candidates) else -1
        if best >= 0 and candidates[best] >= overlap:
            right[row], free[best] = True, False
        elif (shared[row, truth.ignored] >= overlap).any() or boxes[row, 3] - boxes[row, 1] < least_height:
            counts[row] = False
    return scores[counts], right[counts]


def curve(
    scores: Floats, hits: NDArray[np.bool_], total: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision after each detection, surest first; equally sure ones in order of appearance."""
    ranked = hits[np.argsort(-scores, kind="stable")]
    right = np.cumsum(ranked)
    recall = np.asarray(right / max(total, 1), np.float64)
    precision = right / np.arange(1, len(ranked) + 1)
    # The precision at a recall is the best at that recall or beyond.
    envelope = np.asarray(np.maximum.accumulate(precision[::-1])[::-1], np.float64)
    return recall, envelope


def interpolated(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Mean precision at the recalls 0, .01, ..., 1 (COCO); 0 beyond the last recall reached."""
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean())


def area_under(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Exact area under the interpolated curve (PASCAL VOC from 2010 on)."""
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def ranking_settings(settings: DetectorSettings | None = None) -> DetectorSettings:
    """The same settings with detections kept down to the confidence that average precision needs."""

    def lower(look: LookSettings) -> LookSettings:
        return look.model_copy(update={"low_confidence": LOWEST})

    base = settings or DetectorSettings()
    return base.model_copy(update={"visible": lower(base.visible), "infrared": lower(base.infrared)})


def find(
    detector: PersonDetector,
    frames: Iterable[Frame],
    modality: Modality,
    polarity: Polarity | Literal["auto", "as-is"] = "as-is",
) -> list[Detections]:
    """Detect people in the frames of one camera, in order.

    Args:
        detector: opened with :func:`ranking_settings`, for average precision.
        frames: of one camera; read as they are needed.
        modality: of them.
        polarity: ``auto`` shows infrared frames as they are and inverted until the detector has told which
            is which, as a run does; ``as-is`` never inverts.
    """
    if polarity == "as-is" or modality is Modality.VISIBLE:
        return [one for batch in _batches(frames) for one in detector.detect(batch)]
    if polarity != "auto":
        invert = polarity is Polarity.WHITE_HOT
        return [one for batch in _batches(frames) for one in detector.detect(batch, invert)]
    judge, found = detector.judge(modality), []
    for batch in _batches(frames):
        if judge.invert is not None:
            found += detector.detect(batch, judge.invert)
            continue
        both = [detector.detect(batch, invert) for invert in (False, True)]
        for frame, as_is, inverted in zip(batch, *both, strict=True):
            judge.see(as_is, inverted, anew=frame.index % REFRESH == 0)
        found += both[judge.leaning]
    return found


def evaluate_detector(
    detector: PersonDetector,
    frames: Iterable[Frame],
    truth: Sequence[FrameTruth],
    modality: Modality,
    polarity: Polarity | Literal["auto", "as-is"] = "as-is",
    least_height: float = 0.0,
) -> DetectionFigures:
    """Average precision of a detector on one camera's frames; see :func:`find` and :func:`figures`."""
    return figures(find(detector, frames, modality, polarity), truth, least_height=least_height)


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    upcoming = iter(frames)
    while batch := list(islice(upcoming, _BATCH)):
        yield batch


def read_coco(path: Path, subset: Subset = "all") -> dict[str, FrameTruth]:
    """The people of each image of a COCO file, by ``file_name``; of KAIST's, by its ``im_name``.

    People whose ``ignore`` or ``iscrowd`` is set are ignored. ``reasonable`` also ignores, as the KAIST
    benchmark's "reasonable" setting does (Hwang et al., CVPR 2015), those lower than 55 pixels, heavily
    occluded (``occlusion`` 2), or within 5 pixels of the frame's edge. Figures for it want
    ``least_height=REASONABLE_HEIGHT``.

    Raises:
        SourceError: the file cannot be read or is no COCO file of people.
    """
    values = _read_json(path)
    try:
        people = {int(one["id"]) for one in values["categories"] if one["name"] == "person"}
        images = {int(one["id"]): one for one in values["images"]}
        rows: dict[int, list[tuple[list[float], bool]]] = defaultdict(list)
        for one in values["annotations"]:
            if int(one["category_id"]) not in people:
                continue
            left, top, width, height = (float(value) for value in one["bbox"])
            box = [left, top, left + width, top + height]
            ignored = bool(one.get("ignore") or one.get("iscrowd"))
            if subset == "reasonable":
                ignored |= _unreasonable(box, int(one.get("occlusion", 0)), images[int(one["image_id"])])
            rows[int(one["image_id"])].append((box, ignored))
        return {
            str(image.get("file_name") or image["im_name"]): FrameTruth.of(
                [box for box, _ in rows[number]], [ignored for _, ignored in rows[number]]
            )
            for number, image in images.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{path} is no COCO file of people: {error!r}.") from None


def _unreasonable(box: Sequence[float], occlusion: int, image: dict[str, Any]) -> bool:
    left, top, right, bottom = box
    inside = (
        left >= _BORDER
        and top >= _BORDER
        and right <= image["width"] - _BORDER
        and bottom <= image["height"] - _BORDER
    )
    return bottom - top < REASONABLE_HEIGHT or occlusion >= _HEAVILY_OCCLUDED or not inside


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None


def read_mot(path: Path, least_visible: float = 0.25) -> dict[int, FrameTruth]:
    """The people of each frame of a MOT truth file, by frame number from 0.

    Rows are ``frame,id,left,top,width,height[,flag[,-1,-1,visibility]]``; those whose flag is 0, or of whom
    less than ``least_visible`` is seen, are ignored.

    Raises:
        SourceError: the file cannot be read, or a row is malformed.
    """
    rows: dict[int, list[tuple[list[float], bool]]] = defaultdict(list)
    try:
        for line in filter(str.strip, path.read_text(encoding="utf-8-sig").splitlines()):
            cells = [float(cell) for cell in line.split(",")]
            left, top, width, height = cells[2:6]
            flag = cells[6] if len(cells) > 6 else 1.0
            visible = cells[9] if len(cells) > 9 and cells[9] >= 0 else 1.0
            box = [left, top, left + width, top + height]
            rows[int(cells[0]) - 1].append((box, flag == 0 or visible < least_visible))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(f"The truth file {path} cannot be read: {error}.") from None
    return {
        frame: FrameTruth.of([box for box, _ in found], [ignored for _, ignored in found])
        for frame, found in rows.items()
    }


def read_yolo(path: Path, width: int, height: int) -> FrameTruth:
    """The people (class 0) of one YOLO label file; a missing file is a frame with nobody.

    Raises:
        SourceError: the file cannot be read, or a row is malformed.
    """
    if not path.exists():
        return FrameTruth.of([])
    try:
        rows = [
            [float(cell) for cell in line.split()]
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip()
        ]
        boxes = [
            [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
            for label, x, y, w, h in rows
            if label == 0
        ]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(f"The label file {path} is malformed: {error}.") from None
    return FrameTruth.of(boxes)

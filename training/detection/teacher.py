"""Real frames that a detector labels itself, so that fine-tuning elsewhere does not make it forget them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from detectors.config import DetectorSettings, LookSettings
from detectors.detector import PersonDetector
from reid_core.errors import SourceError
from reid_core.file_names import openable
from reid_core.images import read_image
from reid_core.listing import list_images
from reid_core.types import Detections, Frame, Image, Modality, Spectrum
from training.detection.frames import LabelledFrame, collect_frames
from training.detection.one_class import write_whole
from training.detection.settings import TeacherSettings

FOLDER = "teacher"
_DONE = "done"
_QUALITY = 95


def label_real_frames(
    weights: Path, settings: TeacherSettings, image_size: int, folder: Path, threads: int
) -> list[LabelledFrame]:
    """Frames of the teacher's sources in YOLO's layout, where all people are found surely or not at all.

    A frame with somebody in doubt is left out: taught as a person or as nobody, it might be wrong.

    Args:
        weights: of the detector that labels.
        settings: which frames, and what is sure.
        image_size: longer side of what the detector is shown, pixels.
        folder: of the run; the frames are written below and kept for a run that goes on.
        threads: of torch on a CPU.

    Raises:
        SourceError: a source is missing or has no frames.
    """
    if not settings.sources:
        return []
    root = folder / FOLDER
    if not (root / _DONE).is_file():
        look = LookSettings(image_size=image_size, low_confidence=settings.doubt)
        with PersonDetector.open(weights, DetectorSettings(visible=look, threads=threads)) as detector:
            for number, source in enumerate(settings.sources):
                _label(detector, number, Path(source), settings, root)
        write_whole(root / _DONE, b"")
    return collect_frames([root]) if any(root.glob("*/images")) else []


def _label(
    detector: PersonDetector, number: int, source: Path, settings: TeacherSettings, root: Path
) -> None:
    camera = str(Spectrum.VISIBLE)
    for index, image in _frames(source, settings.count):
        found = detector.detect([Frame(str(number), Modality.VISIBLE, index, 0, image)])[0]
        if (found.confidences < settings.confidence).any():
            continue
        name = f"{index:06d}"
        home = root / f"{number:02d}"
        data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        write_whole(home / "images" / camera / f"{name}.jpg", data)
        write_whole(home / "labels" / camera / f"{name}.txt", yolo_rows(found, image).encode())


def yolo_rows(found: Detections, image: Image) -> str:
    """Detections as a YOLO label file of class 0."""
    height, width = image.shape[:2]
    boxes = found.boxes / np.array([width, height, width, height], np.float32)
    return "".join(
        f"0 {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} {x2 - x1:.6f} {y2 - y1:.6f}\n"
        for x1, y1, x2, y2 in boxes.tolist()
    )


def _frames(source: Path, count: int) -> Iterator[tuple[int, Image]]:
    """Evenly spaced frames of a video or an image folder, with their numbers."""
    if source.is_dir():
        files = list_images(source)
        for place in _places(len(files), count, source):
            yield place, read_image(files[place])
        return
    if not source.is_file():
        raise SourceError(f"The source {source} does not exist.")
    with openable(source) as name:
        video = cv2.VideoCapture(name)
    try:
        wanted = set(_places(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), count, source))
        for index in range(max(wanted) + 1):
            if not video.grab():
                break
            if index in wanted:
                whole, image = video.retrieve()
                if whole:
                    yield index, np.ascontiguousarray(image[..., ::-1])
    finally:
        video.release()


def _places(total: int, count: int, source: Path) -> Sequence[int]:
    if total < 1:
        raise SourceError(f"The source {source} has no frames that can be read.")
    return sorted({int(place) for place in np.linspace(0, total - 1, min(count, total)).round()})

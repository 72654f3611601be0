"""The logic of ``nightreid detect``: the detector alone, results in COCO form."""

import itertools
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.failing import check_writable
from console.progress import RunProgress
from console.statuses import INTERRUPTED
from detectors.detector import PersonDetector
from detectors.motion import REFRESH
from detectors.thermal import PolarityJudge, RawScaler
from reid_core.config import load_config
from reid_core.errors import SourceError
from reid_core.file_names import readable_path, readable_text
from reid_core.images import IMAGE_SUFFIXES, as_rgb, count_pictures, read_pictures
from reid_core.listing import list_images
from reid_core.redaction import redact
from reid_core.types import Detections, Frame, Image, Modality
from stream.chain.config import RunSettings
from stream.footage.naming import may_be_recorded, parse_source
from stream.footage.opening import open_source
from stream.footage.sources import check_size
from stream.footage.video import VideoSource
from stream.run.export import write_atomically

_PERSON_CATEGORY = 1


@dataclass(slots=True)
class _Pictures:
    """The images of a source, with the names they get in the result; what could not be read is noted."""

    source: str
    settings: RunSettings
    modality: Modality
    total: int | None = None
    problem: str | None = None
    _bad: list[str] = field(default_factory=list)

    def cameras(self) -> Iterator[Iterator[tuple[str, Image]]]:
        """One after the other, each folder with images below the source, which is a camera of its own."""
        path = Path(self.source)
        if may_be_recorded(self.source):
            yield self._video()
            return
        if not path.exists():
            raise SourceError(f"The source {self.source} does not exist.")
        if path.is_dir():
            files = list_images(path)
            if not files:
                raise SourceError(f"The folder {path} holds no images.")
            self.total = sum(map(count_pictures, files))
            for _, own in itertools.groupby(files, key=lambda file: file.parent):
                yield self._files(own, path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            self.total = count_pictures(path)
            yield self._files([path], path.parent)
        else:
            yield self._video()
        if self._bad:
            more = f" ({len(self._bad) - 1} more like it)" if len(self._bad) > 1 else ""
            self.problem = f"{self._bad[0]}{more}"

    def _video(self) -> Iterator[tuple[str, Image]]:
        spec = parse_source(self.source, self.modality)
        video = open_source(spec, self.settings.folder_fps, self.settings.live.open_seconds, 0.0)
        if not isinstance(video, VideoSource):
            raise SourceError(f"The source {spec.shown} is a camera, or a list: images and videos are read.")
        self.total = video.total
        for picture in video.frames(0, threading.Event()):
            yield f"{video.name}#{picture.index}", picture.rgb()
        self.problem = video.problem and readable_text(video.problem)

    def _files(self, files: Iterable[Path], root: Path) -> Iterator[tuple[str, Image]]:
        scaler = RawScaler()
        for file in files:
            name = readable_path(file.relative_to(root))
            several = count_pictures(file) > 1
            try:
                for number, pixels in enumerate(read_pictures(file)):
                    check_size(pixels.shape[1], pixels.shape[0], str(file))
                    yield f"{name}#{number}" if several else name, as_rgb(pixels, scaler)
            except SourceError as error:
                self._bad.append(error.message)


def detect_command(
    source: str,
    modality: Modality,
    out: Path,
    weights: str | None,
    config: Path | None,
    overrides: Sequence[str],
) -> int:
    """Detect people in images or a video and write COCO results.

    Each folder below the source is a camera of its own, with a range of raw counts and a polarity of its own.

    The file holds ``images`` (id, file_name, width, height; a video's frames are ``NAME#INDEX``) and
    ``annotations`` (image_id, category_id 1, bbox ``[left, top, width, height]`` in pixels, score), so
    that COCO tools take it whole or its annotations as a results list.

    Returns:
        0; 130 where it was interrupted, with what was found until then written; an error is raised
        behind the written file where some images could not be read.

    Raises:
        SourceError: there is nothing to read, or not all of it could be.
    """
    settings = load_config(RunSettings, config, overrides, os.environ)
    check_writable(out)
    pictures = _Pictures(source, settings, modality)
    found = _Found([], [])
    shown = readable_path(Path(redact(source)).name)
    interrupted = False
    with (
        PersonDetector.open(weights, settings.detector) as detector,
        RunProgress("people") as progress,
    ):
        try:
            for own in pictures.cameras():
                judge, first = detector.judge(modality), 0
                for batch in _batches(own, settings.batch):
                    frames = [
                        Frame(source, modality, first + i, 0, image) for i, (_, image) in enumerate(batch)
                    ]
                    first += len(frames)
                    found.add([name for name, _ in batch], frames, _detect(detector, judge, frames))
                    done, people = len(found.images), len(found.annotations)
                    progress.update(shown, done, pictures.total, people)
        except KeyboardInterrupt:
            interrupted = True
    if found.images:
        write_atomically(out, json.dumps(found.coco(detector)))
        print(f"{len(found.annotations)} people in {len(found.images)} images, written to {out}")
    if interrupted:
        print("Interrupted: the rest was not processed.", file=sys.stderr)
        return INTERRUPTED
    if pictures.problem is not None:
        raise SourceError(pictures.problem, "The others were written." if found.images else "")
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What a COCO file holds."""

    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]

    def add(self, names: Sequence[str], frames: Sequence[Frame], people: Sequence[Detections]) -> None:
        """Add images and who is in them."""
        for name, frame, found in zip(names, frames, people, strict=True):
            height, width = frame.image.shape[:2]
            image = len(self.images) + 1
            self.images.append({"id": image, "file_name": name, "width": width, "height": height})
            first = len(self.annotations) + 1
            self.annotations.extend(
                {"id": first + i, **one} for i, one in enumerate(_annotations(image, found))
            )

    def coco(self, detector: PersonDetector) -> dict[str, Any]:
        """The file's content."""
        return {
            "info": {"description": f"people found by {detector.name}", "detector": detector.digest},
            "categories": [{"id": _PERSON_CATEGORY, "name": "person"}],
            "images": self.images,
            "annotations": self.annotations,
        }


def _batches(upcoming: Iterator[tuple[str, Image]], size: int) -> Iterator[list[tuple[str, Image]]]:
    while batch := list(itertools.islice(upcoming, size)):
        yield batch


def _detect(detector: PersonDetector, judge: PolarityJudge, frames: Sequence[Frame]) -> list[Detections]:
    if judge.invert is None:
        both = [detector.detect(frames, invert) for invert in (False, True)]
        for frame, as_is, inverted in zip(frames, *both, strict=True):
            judge.see(as_is, inverted, anew=frame.index % REFRESH == 0)
        return both[judge.leaning]
    return detector.detect(frames, judge.invert)


def _annotations(image: int, found: Detections) -> Iterator[dict[str, Any]]:
    for box, score in zip(found.boxes.tolist(), found.confidences.tolist(), strict=True):
        width, height = box[2] - box[0], box[3] - box[1]
        yield {
            "image_id": image,
            "category_id": _PERSON_CATEGORY,
            "bbox": [round(box[0], 2), round(box[1], 2), round(width, 2), round(height, 2)],
            "area": round(width * height, 2),
            "iscrowd": 0,
            "score": round(score, 5),
        }

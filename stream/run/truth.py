"""Who was really there: truth files in MOT format, laid over what a run found."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import SourceError, UsageError
from reid_core.types import Decision, Modality
from stream.run.export import mot_names
from stream.run.result import CameraResult, LinkResult, RunResult, TrackletResult

MIN_IOU = 0.5

FrameTruth = tuple[list[str], NDArray[np.float64]]
"""The people of one frame: ids and ``(N, 4)`` boxes, ``xyxy`` pixels."""


def apply_truth(result: RunResult, folder: str | Path) -> RunResult:
    """The same result with ``truth`` on tracklets and ``correct`` on candidates and links.

    The folder holds ``<camera>.txt`` files (named as `stream.run.export.write_mot` names them) of rows
    ``frame,id,left,top,width,height[,flag,...]``: frames count from 1, the id is the person's over all
    cameras, rows whose flag is 0 are ignored. A camera without a file has no truth.

    * A tracklet is the person whose boxes overlap its own best (IoU at least 0.5) in more than half of
      its frames, else nobody in particular (``None``).
    * An identity is the person of more than half of those of its tracklets that are somebody.
    * A candidate is correct when the identity is the person of the tracklet; ``None`` where either is
      not known.
    * A link that names an identity is as correct as that identity. ``unknown`` is correct when no
      visible tracklet is that person; ``None`` when part of the gallery has no truth to tell by. A
      link that is not calibrated claims nothing, so its ``correct`` stays ``None``.

    Raises:
        UsageError: no file in the folder belongs to a camera of the result.
        SourceError: the folder is missing, or a file cannot be read or has a malformed row.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SourceError(
            f"The truth folder {folder} does not exist.", "Give a folder of <camera>.txt files in MOT format."
        )
    names = mot_names([camera.id for camera in result.cameras])
    paths = [folder / f"{name}.txt" for name in names]
    truths = [read_truth(path) if path.is_file() else None for path in paths]
    if all(truth is None for truth in truths):
        expected = ", ".join(path.name for path in paths) or "no camera at all"
        raise UsageError(
            f"The truth folder {folder} has no file for any camera of this run.", f"Expected {expected}."
        )
    cameras = tuple(
        camera if truth is None else _camera_with_truth(camera, truth)
        for camera, truth in zip(result.cameras, truths, strict=True)
    )
    people = {tracklet.id: tracklet.truth for camera in cameras for tracklet in camera.tracklets}
    identities = {
        person.id: _majority(people.get(id_) for id_ in person.tracklets) for person in result.identities
    }
    gallery, complete = _gallery_people(result, cameras, truths)
    links = tuple(
        _judge(link, people.get(link.tracklet), identities, gallery, complete) for link in result.links
    )
    return replace(result, cameras=cameras, links=links)


def read_truth(path: str | Path) -> dict[int, FrameTruth]:
    """Read one truth file: the people of each frame, by frame number from 0.

    Raises:
        SourceError: the file cannot be read, or a row is malformed (the line is named).
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The truth file {path} cannot be read: {error}.") from error
    people: dict[int, tuple[list[str], list[tuple[float, float, float, float]]]] = defaultdict(
        lambda: ([], [])
    )
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = _parse_row(line)
        except ValueError as error:
            raise SourceError(
                f"The truth file {path} is malformed in line {number}: {error}.",
                "Rows are frame,id,left,top,width,height[,flag,...], frames counting from 1.",
            ) from error
        if row is not None:
            frame, person, box = row
            people[frame][0].append(person)
            people[frame][1].append(box)
    return {frame: (ids, np.array(boxes, np.float64)) for frame, (ids, boxes) in people.items()}


def _parse_row(line: str) -> tuple[int, str, tuple[float, float, float, float]] | None:
    """Frame from 0, person and ``xyxy`` box of one row; ``None`` where its flag says to ignore it."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) < 6:
        raise ValueError(f"{len(cells)} columns where at least 6 are needed")
    frame, person = _whole(cells[0], "frame"), _whole(cells[1], "id")
    left, top, width, height = (
        _finite(cell, name) for cell, name in zip(cells[2:6], ("left", "top", "width", "height"), strict=True)
    )
    if len(cells) > 6 and _finite(cells[6], "flag") == 0:
        return None
    if frame < 1:
        raise ValueError(f"frame {frame}, where frames count from 1")
    if person < 0:
        raise ValueError(f"id {person} is nobody; this looks like a file of detections")
    if width <= 0 or height <= 0:
        raise ValueError("a box without width or height")
    return frame - 1, str(person), (left, top, left + width, top + height)


def _finite(cell: str, name: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} {cell!r} is not a number")
    return value


def _whole(cell: str, name: str) -> int:
    value = _finite(cell, name)
    if value != int(value):
        raise ValueError(f"{name} {cell!r} is not a whole number")
    return int(value)


def _camera_with_truth(camera: CameraResult, truth: Mapping[int, FrameTruth]) -> CameraResult:
    return replace(
        camera,
        tracklets=tuple(replace(tracklet, truth=_person(tracklet, truth)) for tracklet in camera.tracklets),
    )


def _person(tracklet: TrackletResult, truth: Mapping[int, FrameTruth]) -> str | None:
    votes: Counter[str] = Counter()
    for frame, box in zip(tracklet.frames.tolist(), tracklet.boxes, strict=True):
        if frame not in truth:
            continue
        ids, boxes = truth[frame]
        overlaps = _iou(box.astype(np.float64), boxes)
        best = int(overlaps.argmax())
        if overlaps[best] >= MIN_IOU:
            votes[ids[best]] += 1
    if not votes:
        return None
    person, count = votes.most_common(1)[0]
    return person if 2 * count > len(tracklet.frames) else None


def _iou(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Overlap of a ``(4,)`` box with each of ``(N, 4)``, in 0..1; a box without area overlaps nothing."""
    corner = np.maximum(box[:2], boxes[:, :2])
    sides = np.clip(np.minimum(box[2:], boxes[:, 2:]) - corner, 0, None)
    shared = sides[:, 0] * sides[:, 1]
    area = max(0.0, float((box[2] - box[0]) * (box[3] - box[1])))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    overlap: NDArray[np.float64] = shared / (area + areas - shared)
    return overlap


def _majority(people: Iterable[str | None]) -> str | None:
    known = Counter(person for person in people if person is not None)
    if not known:
        return None
    person, count = known.most_common(1)[0]
    return person if 2 * count > known.total() else None


def _gallery_people(
    result: RunResult, cameras: Iterable[CameraResult], truths: Iterable[object | None]
) -> tuple[set[str], bool]:
    """The people known to be in the gallery, and whether truth covers every tracklet of it."""
    gallery: set[str] = set()
    covered: set[str] = set()
    for camera, truth in zip(cameras, truths, strict=True):
        if camera.modality is Modality.VISIBLE and truth is not None:
            tracklets = camera.of(Modality.VISIBLE)
            covered.update(tracklet.id for tracklet in tracklets)
            gallery.update(tracklet.truth for tracklet in tracklets if tracklet.truth is not None)
    return gallery, all(id_ in covered for person in result.identities for id_ in person.tracklets)


def _judge(
    link: LinkResult,
    person: str | None,
    identities: Mapping[str, str | None],
    gallery: set[str],
    complete: bool,
) -> LinkResult:
    def is_person(identity: str | None) -> bool | None:
        other = identities.get(identity) if identity is not None else None
        return None if person is None or other is None else person == other

    correct: bool | None = None
    if link.decision is Decision.LINKED:
        correct = is_person(link.identity)
    elif link.decision is Decision.UNKNOWN and person is not None:
        correct = False if person in gallery else (True if complete else None)
    candidates = tuple(
        replace(candidate, correct=is_person(candidate.identity)) for candidate in link.candidates
    )
    return replace(link, candidates=candidates, correct=correct)

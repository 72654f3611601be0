"""Truth files in full: who is in each frame, and who is too hidden to count for or against anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.errors import SourceError
from reid_core.types import Floats
from stream.run.export import mot_names
from stream.run.truth import read_truth
from training.evaluation.detection import FrameTruth, read_mot


@dataclass(frozen=True, slots=True)
class FramePeople:
    """The people of one frame by truth.

    Attributes:
        ids: who, ``N`` of them.
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels.
        hidden: ``(M, 4)`` boxes of people of whom too little is seen to count for or against anybody.
    """

    ids: tuple[str, ...]
    boxes: Floats
    hidden: Floats


CameraPeople = Mapping[int, FramePeople]
"""Frame number, from 0, to its people; frames without anybody are left out."""


def read_people(path: Path) -> dict[int, FramePeople]:
    """One camera's people by frame, from a truth file as `stream.run.truth.apply_truth` takes it.

    Raises:
        SourceError: it cannot be read, or a row is malformed.
    """
    seen, everybody = read_truth(path), read_mot(path)
    nobody, none = (list[str](), np.zeros((0, 4))), FrameTruth.of([])
    people = {}
    for frame in sorted(seen.keys() | everybody.keys()):
        ids, boxes = seen.get(frame, nobody)
        rows = everybody.get(frame, none)
        people[frame] = FramePeople(tuple(ids), boxes.astype(np.float32), rows.boxes[rows.ignored])
    return people


def people_of_cameras(cameras: Sequence[str], folder: Path) -> dict[str, CameraPeople]:
    """Camera to its people, from a folder of truth files named as `stream.run.export.write_mot` names them.

    Raises:
        SourceError: a camera has no file there, or a file cannot be read.
    """
    people: dict[str, CameraPeople] = {}
    for camera, name in zip(cameras, mot_names(cameras), strict=True):
        path = folder / f"{name}.txt"
        if not path.is_file():
            raise SourceError(f"The camera {camera} has no truth file {path}.")
        people[camera] = read_people(path)
    return people

"""The detector alone on a night's labelled frames, as it looks at them in a run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.detector import PersonDetector
from reid_core.errors import SourceError
from reid_core.images import read_image
from reid_core.listing import list_images
from reid_core.types import Detections, Frame, Modality
from training.evaluation.detection import FrameTruth, figures, find, ranking_settings, read_mot


@dataclass(frozen=True, slots=True)
class Detection:
    """How well people are found.

    Attributes:
        ap50: average precision where a box counts from an overlap of 0.5 on; ``None`` without people.
        pictures: looked at.
        people: in them.
    """

    ap50: float | None
    pictures: int
    people: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A camera's labelled frames: what was found in each, and who is in it."""

    found: list[Detections]
    truth: list[FrameTruth]


def detection(cameras: Sequence[Looked]) -> Detection:
    """How well people are found in the frames of some cameras, all together."""
    measured = figures(
        [one for camera in cameras for one in camera.found],
        [one for camera in cameras for one in camera.truth],
    )
    return Detection(measured.ap50 if measured.people else None, measured.frames, measured.people)


def look_at(
    detector: PersonDetector,
    folder: Path,
    modalities: Mapping[str, Modality],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Looked]:
    """Find the people in every labelled frame, each camera's polarity judged as in a run.

    Args:
        detector: finds them; how sure it has to be in a run does not matter here.
        folder: ``images/<camera>`` with frames called after the number of their frame, from 0, and
            ``truth/<camera>.txt``.
        modalities: of the cameras.
        progress: told how many of how many frames are looked at.

    Raises:
        SourceError: a camera has no frames or no truth, or one cannot be read.
    """
    files = {camera: list_images(folder / "images" / camera) for camera in modalities}
    for camera, pictures in files.items():
        if not pictures:
            raise SourceError(f"There are no labelled frames of the camera {camera} in {folder}.")
    # The same network, which is not closed here.
    settings = ranking_settings(detector.settings)
    wary = PersonDetector(detector.network, detector.name, detector.digest, settings)
    told, total = _Counted(progress), sum(len(pictures) for pictures in files.values())
    looked = {}
    for camera, modality in modalities.items():
        truth = read_mot(folder / "truth" / f"{camera}.txt")
        frames = _frames(files[camera], camera, modality)
        looked[camera] = Looked(
            find(wary, told.each(frames, total), modality, "auto"),
            [truth.get(int(path.stem), FrameTruth.of([])) for path in files[camera]],
        )
    return looked


def _frames(files: Sequence[Path], camera: str, modality: Modality) -> Iterator[Frame]:
    for path in files:
        yield Frame(camera, modality, int(path.stem), 0, read_image(path))


@dataclass(slots=True)
class _Counted:
    """Tells how many frames have gone through."""

    progress: Callable[[int, int], None] | None
    done: int = 0

    def each(self, frames: Iterable[Frame], total: int) -> Iterator[Frame]:
        for frame in frames:
            yield frame
            self.done += 1
            if self.progress:
                self.progress(self.done, total)

"""Labelled frames from folders in YOLO's layout: those of `nightreid synthetic`, and anybody's own."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.listing import list_images
from reid_core.types import Floats, Frame, Spectrum
from training.evaluation.detection import FrameTruth, read_mot, read_yolo

_LEAST_VISIBLE = 0.25


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One frame and its people.

    Attributes:
        image: the file.
        labels: its YOLO label file, which need not exist where nobody is there.
        name: ``source/camera/file``, the same on every machine.
        camera: ``source/camera``.
        spectrum: what light it was taken in.
    """

    image: Path
    labels: Path
    name: str
    camera: str
    spectrum: Spectrum

    def rows(self) -> Floats:
        """``(N, 4)`` centre x, centre y, width, height of its people, fractions of the frame."""
        truth = read_yolo(self.labels, 1, 1).boxes
        return np.concatenate([(truth[:, :2] + truth[:, 2:]) / 2, truth[:, 2:] - truth[:, :2]], axis=1)

    def frame(self, index: int) -> Frame:
        """The frame, as detectors look at it."""
        return Frame(self.camera, self.spectrum.modality, index, 0, read_image(self.image))


def collect_frames(folders: Sequence[str | Path]) -> list[LabelledFrame]:
    """All labelled frames below some folders, in a fixed order.

    A folder is one with ``images/<camera>/*`` and ``labels/<camera>/*.txt``, or one of such folders. A
    camera's spectrum stands in ``video.json``, or its folder is called ``visible``, ``near`` or ``thermal``.

    Raises:
        SourceError: a folder is missing or holds no labelled frames.
        UsageError: a camera's spectrum cannot be told.
    """
    found: list[LabelledFrame] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise SourceError(f"The folder {folder} does not exist.")
        sources = [one for one in (folder, *sorted(folder.iterdir())) if (one / "images").is_dir()]
        frames = [frame for source in sources for frame in _of_source(source)]
        if not frames:
            raise SourceError(
                f"The folder {folder} holds no labelled frames.",
                "Expected images/<camera>/ and labels/<camera>/ in it, as nightreid synthetic writes them.",
            )
        found.extend(frames)
    names = [frame.name for frame in found]
    if len(set(names)) < len(names):
        # Two folders of the same name: tell them apart by their order.
        found = [
            LabelledFrame(f.image, f.labels, f"{i}/{f.name}", f"{i}/{f.camera}", f.spectrum)
            for i, group in enumerate(_by_folder(found, folders))
            for f in group
        ]
    return found


def _by_folder(
    frames: Sequence[LabelledFrame], folders: Sequence[str | Path]
) -> Iterator[list[LabelledFrame]]:
    for folder in map(Path, folders):
        yield [frame for frame in frames if frame.image.is_relative_to(folder)]


def _of_source(source: Path) -> Iterator[LabelledFrame]:
    spectra = _spectra(source)
    for folder in sorted(one for one in (source / "images").iterdir() if one.is_dir()):
        camera = folder.name
        spectrum = spectra.get(camera)
        if spectrum is None:
            raise UsageError(
                f"The spectrum of the camera {folder} is unknown.",
                "Call its folder visible, near or thermal, or name its spectrum in video.json.",
            )
        for image in sorted(list_images(folder)):
            name = f"{source.name}/{camera}"
            labels = source / "labels" / camera / f"{image.stem}.txt"
            yield LabelledFrame(image, labels, f"{name}/{image.name}", name, spectrum)


def _spectra(source: Path) -> dict[str, Spectrum]:
    spectra = {str(spectrum): spectrum for spectrum in Spectrum}
    manifest = source / "video.json"
    if manifest.is_file():
        try:
            cameras: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["cameras"]
            spectra |= {name: Spectrum(camera["spectrum"]) for name, camera in cameras.items()}
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(f"{manifest} cannot be read: {error!r}.") from None
    return spectra


def divide(
    frames: Sequence[LabelledFrame], validation: float, per_spectrum: int | None
) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """Training and validation frames: the last ones of each camera are kept from training.

    Neighbouring frames show the same place and people, so what is kept is one piece.

    Args:
        frames: of any cameras.
        validation: share kept.
        per_spectrum: at most so many of each spectrum, evenly spaced, in training, and the same share of
            them in validation.
    """
    train: dict[Spectrum, list[LabelledFrame]] = defaultdict(list)
    kept: dict[Spectrum, list[LabelledFrame]] = defaultdict(list)
    for _, group in groupby(sorted(frames, key=lambda f: (f.camera, f.name)), key=lambda f: f.camera):
        members = list(group)
        border = len(members) - max(1, round(len(members) * validation))
        train[members[0].spectrum] += members[:border]
        kept[members[0].spectrum] += members[border:]
    if per_spectrum is not None:
        watched = max(1, round(per_spectrum * validation))
        train.update({spectrum: spaced(own, per_spectrum) for spectrum, own in train.items()})
        kept.update({spectrum: spaced(own, watched) for spectrum, own in kept.items()})
    return [one for s in Spectrum for one in train[s]], [one for s in Spectrum for one in kept[s]]


def spaced(frames: Sequence[LabelledFrame], count: int) -> list[LabelledFrame]:
    """At most ``count`` of them, evenly spaced."""
    if len(frames) <= count:
        return list(frames)
    return [frames[int(place)] for place in np.linspace(0, len(frames) - 1, count).round()]


def frames_digest(frames: Iterable[LabelledFrame]) -> str:
    """SHA-256 over names, frames and labels, independent of where they lie."""
    total = hashlib.sha256()
    for frame in frames:
        for part in (frame.name.encode(), _bytes(frame.image), _bytes(frame.labels)):
            total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def truths(frames: Sequence[LabelledFrame]) -> Iterator[FrameTruth]:
    """Who is in each frame, boxes in pixels.

    Where the source says how much of each person is seen (``truth.json``, ``truth/<camera>.txt``), those of
    whom less than a quarter is, and who have no label for that, are ignored instead of nobody.
    """
    known: dict[Path, dict[str, FrameTruth]] = {}
    for frame in frames:
        source = frame.image.parents[2]
        if source not in known:
            known[source] = dict(_told(source))
        told = known[source].get(f"{frame.image.parent.name}/{frame.image.stem}")
        if told is None:
            height, width = read_image(frame.image).shape[:2]
            told = read_yolo(frame.labels, width, height)
        yield told


def _told(source: Path) -> Iterator[tuple[str, FrameTruth]]:
    if (source / "truth.json").is_file():
        try:
            for one in json.loads((source / "truth.json").read_text(encoding="utf-8")):
                path, people = Path(one["image"]), one["people"]
                hidden = [person["visible"] < _LEAST_VISIBLE for person in people]
                truth = FrameTruth.of([person["box"] for person in people], hidden)
                yield f"{path.parent.name}/{path.stem}", truth
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{source / 'truth.json'} cannot be read: {error!r}.") from None
    for file in sorted((source / "truth").glob("*.txt")):
        people_of = read_mot(file, _LEAST_VISIBLE)
        for image in list_images(source / "images" / file.stem):
            if image.stem.isdecimal():
                # Frames are numbered from 0, as here; only the rows of the file count from 1.
                yield f"{file.stem}/{image.stem}", people_of.get(int(image.stem), FrameTruth.of([]))

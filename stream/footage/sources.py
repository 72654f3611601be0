"""Where frames come from: video files, image folders, and live cameras (RTSP, HTTP, webcams)."""

import hashlib
import os
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from detectors.thermal import RawScaler
from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES, list_images, read_image
from reid_core.types import Image
from stream.footage.naming import SourceSpec, redact
from stream.footage.opening import door, environment

_SMALLEST_SIDE = 32
_MOST_PIXELS = 100_000_000
_SAMPLE = 1 << 16
_FULL_HD = 1920 * 1080
_SAMPLES = 64
_RETRY_SECONDS = 1.0

ReadT = TypeVar("ReadT")


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture, as the decoder left it until somebody needs its colours.

    Attributes:
        index: its number in the recording.
        time_ns: capture time, UTC nanoseconds.
        image: uint8 ``H x W x 3``, or grey ``H x W``.
        bgr: whether blue comes first.
    """

    index: int
    time_ns: int
    image: Image
    bgr: bool

    def rgb(self) -> Image:
        """The picture as ``H x W x 3`` RGB, not to be written to."""
        if self.image.ndim == 2:
            # The same points three times over: whoever needs them side by side copies the part it needs.
            return np.broadcast_to(self.image[:, :, None], (*self.image.shape, 3))
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_BGR2RGB), np.uint8) if self.bgr else self.image


class Source(ABC):
    """One camera's pictures.

    Attributes:
        spec: what the user asked for.
        fps: frames a second.
        width: of a frame, pixels.
        height: of a frame, pixels.
        total: number of frames, as far as the container knows, or ``None``.
        start_ns: capture time of frame 0, UTC nanoseconds.
        digest: of the content; recordings with the same digest are the same recording.
        problem: one sentence, once reading ended before the end.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.fps = 0.0
        self.width = 0
        self.height = 0
        self.total: int | None = None
        self.start_ns = 0
        self.digest = ""
        self.problem: str | None = None

    @abstractmethod
    def pictures(self, first: int, stop: threading.Event) -> Iterator[Picture]:
        """The pictures from number ``first`` on, until the end or until ``stop`` is set."""

    def time_of(self, index: int) -> int:
        """Capture time of a recording's frame, UTC nanoseconds."""
        return self.start_ns + round(index * 1e9 / self.fps)


def recording_id(source: Source) -> str:
    """Id of what a source shows, in the gallery and in Kafka: of the same footage it is always the same."""
    spec = source.spec
    return hashlib.sha256(f"{source.digest}/{spec.camera}/{spec.modality}".encode()).hexdigest()[:36]


def open_source(spec: SourceSpec, folder_fps: float, open_seconds: float, gone_seconds: float) -> Source:
    """Open a source and look at its first picture.

    Raises:
        SourceError: it does not exist, or no picture can be read from it.
    """
    _quiet_opencv()
    if spec.live:
        return LiveSource(spec, open_seconds, gone_seconds)
    path = existing(spec)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource(spec, path, folder_fps)
    return VideoSource(spec, path)


def existing(spec: SourceSpec) -> Path:
    """The path of a recording.

    Raises:
        SourceError: it does not exist.
    """
    path = Path(spec.location)
    if not path.exists():
        raise SourceError(f"The source {redact(spec.location)} does not exist.")
    return path


def _quiet_opencv() -> None:
    """FFmpeg and OpenCV write complaints to the terminal; what matters of them is said in our errors."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class VideoSource(Source):
    """A recorded video file."""

    def __init__(self, spec: SourceSpec, path: Path) -> None:
        super().__init__(spec)
        self._path = path
        try:
            self.digest = sampled_digest(path)
            modified = path.stat().st_mtime_ns
        except OSError as error:
            raise SourceError(f"The video {path} cannot be read: {error.strerror}.") from None
        capture = self._open()
        # Said by the container: a picture that is too large must not be decoded to learn that it is.
        size = [int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        if all(size):
            check_size(size[0], size[1], str(path))
        decoded, image = capture.read()
        if not decoded:
            raise SourceError(f"The video {path} holds no picture that can be decoded.")
        check_size(image.shape[1], image.shape[0], str(path))
        self.height, self.width = image.shape[:2]
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps < 1000 else 25.0
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.total = int(count) if 0 < count < 1e9 else None
        # Without a clock of its own, a recording is taken to have ended when its file was last written.
        length = (self.total or 0) / self.fps
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - int(length * 1e9)
        capture.release()

    def pictures(self, first: int, stop: threading.Event) -> Iterator[Picture]:
        """As `Source.pictures`; those before ``first`` are decoded and passed over, which is exact."""
        # Below full HD a decoder of several threads costs the detector more than it gains.
        capture = self._open(1 if self.width * self.height <= _FULL_HD else 0)
        index = 0
        try:
            while index < first and not stop.is_set():
                if not capture.grab():
                    break
                index += 1
            while not stop.is_set():
                decoded, image = capture.read()
                if not decoded:
                    break
                yield Picture(index, self.time_of(index), np.asarray(image, np.uint8), True)
                index += 1
        finally:
            capture.release()
        # Containers that were closed in order may still claim a frame or two more than they hold.
        if not stop.is_set() and self.total is not None and index < self.total - max(2, self.total // 200):
            self.problem = (
                f"The video {self._path} ends after {index} of {self.total} frames: "
                f"it is damaged or cut short."
            )

    def _open(self, threads: int = 0) -> Any:
        # A file may be a playlist that sends the demuxer elsewhere: nothing but files is followed.
        with (
            door.file(),
            environment("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file,crypto,data"),
        ):
            options = [cv2.CAP_PROP_N_THREADS, threads] if threads else []
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG, options)
        if not capture.isOpened():
            raise SourceError(
                f"The file {self._path} is not a video that can be decoded: damaged, cut short or no video."
            )
        return capture


class FolderSource(Source):
    """A folder of still pictures, in order of their names, or one; 16-bit ones are raw thermal counts."""

    def __init__(self, spec: SourceSpec, path: Path, fps: float) -> None:
        super().__init__(spec)
        found = list_images(path, recursive=False) if path.is_dir() else [path]
        self._files = sorted(found, key=natural_order)
        if not self._files:
            raise SourceError(f"The folder {path} holds no images.")
        total = hashlib.sha256()
        for file in self._files:
            total.update(f"{file.name}:{sampled_digest(file)};".encode())
        self.digest = total.hexdigest()
        self.fps = fps
        self.total = len(self._files)
        length = int(self.total / fps * 1e9)
        modified = max(file.stat().st_mtime_ns for file in self._files)
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - length
        unreadable: SourceError | None = None
        for file in self._files:
            try:
                image = _read_checked(file)
                break
            except SourceError as error:
                unreadable = unreadable or error
        else:
            assert unreadable is not None
            raise unreadable
        self.height, self.width = image.shape[:2]

    def pictures(self, first: int, stop: threading.Event) -> Iterator[Picture]:
        """As `Source.pictures`; one that cannot be read is left out, its number with it."""
        scaler = RawScaler()
        # Pictures before ``first`` are read as well: the scaler remembers them.
        for index, image in self.each(lambda file: _read_checked(file, scaler), stop):
            if index >= first:
                yield Picture(index, self.time_of(index), image, False)

    def each(self, read: Callable[[Path], ReadT], stop: threading.Event) -> Iterator[tuple[int, ReadT]]:
        """Every file's number and what a reader makes of it, until the end or until ``stop`` is set.

        Args:
            read: where it raises `SourceError`, the file is left out, its number with it.
            stop: ends it early.
        """
        bad: list[str] = []
        for index, file in enumerate(self._files):
            if stop.is_set():
                return
            try:
                made = read(file)
            except SourceError as error:
                bad.append(error.message)
                continue
            yield index, made
        if bad:
            more = f" ({len(bad) - 1} more like it)" if len(bad) > 1 else ""
            self.problem = f"{bad[0]}{more}"


def _read_checked(file: Path, scaler: RawScaler | None = None) -> Image:
    image = read_image(file, scaler)
    check_size(image.shape[1], image.shape[0], str(file))
    return image


class LiveSource(Source):
    """A camera. Frames are taken as they come; one that is away is asked again until it is given up.

    Attributes:
        reopened: how often it was away and came back.
    """

    def __init__(self, spec: SourceSpec, open_seconds: float, gone_seconds: float) -> None:
        super().__init__(spec)
        self.reopened = 0
        self._open_ms = int(open_seconds * 1000)
        self._gone_seconds = gone_seconds
        self._capture = self._open()
        if self._capture is None:
            raise SourceError(f"The camera {redact(spec.location)} does not answer.")
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps <= 240 else 25.0
        self.start_ns = time.time_ns()
        self.digest = hashlib.sha256(f"{redact(spec.location)}/{self.start_ns}".encode()).hexdigest()

    def pictures(self, first: int, stop: threading.Event) -> Iterator[Picture]:
        """As `Source.pictures`, stamped with the time at which each arrived."""
        index, away_since = first, None
        try:
            while not stop.is_set():
                decoded, image = self._capture.read() if self._capture is not None else (False, None)
                if decoded:
                    away_since = None
                    yield Picture(index, time.time_ns(), np.asarray(image, np.uint8), True)
                    index += 1
                    continue
                self._release()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since >= self._gone_seconds:
                    when = datetime.now(UTC).isoformat(timespec="seconds")
                    where = redact(self.spec.location)
                    self.problem = f"The camera {where} went away and was given up at {when}."
                    return
                stop.wait(_RETRY_SECONDS)
                self._capture = self._open()
                self.reopened += self._capture is not None
        finally:
            self._release()

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _open(self) -> Any:
        location: str | int = self.spec.location
        if isinstance(location, str) and location.isdecimal():
            capture = cv2.VideoCapture(int(location))
        else:
            limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
            options = [number for limit in limits for number in (limit, self._open_ms)]
            with door.camera():
                capture = cv2.VideoCapture(str(location), cv2.CAP_FFMPEG, options)
        return capture if capture.isOpened() else None


def sampled_digest(path: Path) -> str:
    """SHA-256 over a file's size and its bytes: all of them up to 4 MiB, 64 even samples beyond."""
    size = path.stat().st_size
    total = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _SAMPLE * _SAMPLES:
            total.update(file.read())
        else:
            for i in range(_SAMPLES):
                file.seek(i * (size - _SAMPLE) // (_SAMPLES - 1))
                total.update(file.read(_SAMPLE))
    return total.hexdigest()


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that puts ``frame10`` behind ``frame9``."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def check_size(width: int, height: int, name: str) -> None:
    """Refuse pictures that show nobody or fill the memory.

    Raises:
        SourceError: a side is shorter than 32 pixels, or there are more than 100 megapixels.
    """
    if min(width, height) < _SMALLEST_SIDE:
        raise SourceError(f"The pictures of {name} are {width} x {height} pixels: too small to show anybody.")
    if width * height > _MOST_PIXELS:
        raise SourceError(f"The pictures of {name} are {width} x {height} pixels: more than 100 megapixels.")

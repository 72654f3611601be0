"""Recorded video files."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from detectors.thermal import RawScaler
from reid_core.counts import Counts
from reid_core.errors import SourceError
from reid_core.file_names import openable
from reid_core.images import as_rgb
from reid_core.types import Image
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, sampled_digest
from stream.footage.upright import upright

_FULL_HD = 1920 * 1080
# A file may be a playlist that sends the demuxer elsewhere: nothing but files is followed.
_FILES_ONLY = {"protocol_whitelist": "file,crypto,data"}
_FAR = 1 << 62
_PROBED = 250


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded frame of a video.

    Attributes:
        index: its number among the frames that can be decoded.
        time_ns: capture time, UTC nanoseconds.
        image: uint8 ``H x W x 3`` BGR, or raw counts, ``H x W``.
    """

    index: int
    time_ns: int
    image: Image | Counts


class VideoSource(Source):
    """A recorded video file; its clock is that of the container's timestamps.

    Grey of more than 8 bits is raw thermal counts.
    """

    def __init__(self, spec: SourceSpec, path: Path) -> None:
        super().__init__(spec)
        self._path = path
        try:
            self.digest = sampled_digest(path)
            modified = path.stat().st_mtime_ns
        except OSError as error:
            raise SourceError(f"The video {path} cannot be read: {error.strerror}.") from None
        container, stream = self._open()
        with container:
            # Said by the container: a frame that is too large must not be decoded to learn that it is.
            if stream.width and stream.height:
                check_size(stream.width, stream.height, str(path))
            self.fps = _rate(container, stream)
            self.total = stream.frames or None
            last = _last_pts(container, stream)
        self.width = self.height = 0
        first = next(self._decoded(threading.Event()), None)
        if first is None:
            raise SourceError(f"The video {path} holds no frame that can be decoded.")
        frame, self._first_pts = first, first.pts
        image = _pixels(frame, self._path)
        self.height, self.width = image.shape[:2]
        check_size(self.width, self.height, str(path))
        self.problem = None
        # Without a clock of its own, a recording is taken to have ended when its file was last written.
        length = 0.0
        if last is not None and self._first_pts is not None and stream.time_base is not None:
            length = float((last - self._first_pts) * stream.time_base) + 1 / self.fps
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - int(length * 1e9)

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`; those before ``first`` are decoded and passed over, which is exact."""
        scaler = RawScaler()
        for shown in self.shown(stop, first):
            if shown.image.ndim == 3:
                yield SourceFrame(shown.index, shown.time_ns, np.asarray(shown.image, np.uint8), True)
                continue
            # Frames before ``first`` are scaled as well: the scaler remembers them.
            image = as_rgb(shown.image, scaler)
            if shown.index >= first:
                yield SourceFrame(shown.index, shown.time_ns, image, False)

    def shown(self, stop: threading.Event, first: int = 0) -> Iterator[Shown]:
        """The frames, raw counts unscaled, until the end or until ``stop`` is set.

        Args:
            stop: ends it early.
            first: frames in colour before this number are left out.
        """
        latest: int | None = None
        for index, frame in enumerate(self._decoded(stop)):
            time_ns = self._time(frame, latest)
            latest = time_ns
            if index >= first or _is_counts(frame):
                yield Shown(index, time_ns, _pixels(frame, self._path))

    def _time(self, frame: Any, latest: int | None) -> int:
        """Capture time: never before, and where there is no timestamp a frame's length behind, the latest."""
        if frame.pts is None or self._first_pts is None:
            return self.start_ns if latest is None else latest + round(1e9 / self.fps)
        seconds = Fraction(frame.pts - self._first_pts) * frame.time_base
        time_ns: int = self.start_ns + round(seconds * 1_000_000_000)
        return time_ns if latest is None else max(latest, time_ns)

    def _decoded(self, stop: threading.Event) -> Iterator[Any]:
        """Frame after frame; what cannot be decoded is passed over, and told of when all is read."""
        container, stream = self._open()
        # Below full HD a decoder of several threads costs the detector more than it gains.
        stream.codec_context.thread_count = 1 if 0 < self.width * self.height <= _FULL_HD else 0
        good, bad, failed = 0, 0, False
        with container:
            packets = container.demux(stream)
            while not stop.is_set():
                try:
                    packet = next(packets, None)
                except av.FFmpegError:
                    failed = True
                    break
                if packet is None:
                    break
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    bad += 1
                    continue
                for frame in frames:
                    if stop.is_set():
                        return
                    good += 1
                    yield frame
        if stop.is_set():
            return
        if failed:
            self.problem = f"The video {self._path} breaks off: it is damaged or cut short."
        elif bad:
            frames_are = "1 frame" if bad == 1 else f"{bad} frames"
            self.problem = f"The video {self._path} is damaged: {frames_are} could not be decoded."
        elif self.total is not None and good < self.total - max(2, self.total // 200):
            self.problem = (
                f"The video {self._path} ends after {good} frames, its container names {self.total}: "
                "it may be cut short."
            )

    def _open(self) -> tuple[Any, Any]:
        try:
            with openable(self._path) as name:
                container = av.open(name, options=_FILES_ONLY, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError):
            container = None
        stream = container.streams.best("video") if container is not None else None
        if container is None or stream is None:
            if container is not None:
                container.close()
            raise SourceError(
                f"The file {self._path} is not a video that can be decoded: damaged, cut short or no video."
            )
        return container, stream


def _rate(container: Any, stream: Any) -> float:
    """Frames per second: the average, or where most frames follow each other faster or slower, theirs."""
    average = float(stream.average_rate or stream.guessed_rate or 0)
    try:
        packets = itertools.islice(container.demux(stream), _PROBED)
        times = sorted(packet.pts for packet in packets if packet.pts is not None)
    except av.FFmpegError:
        times = []
    usual = float(np.median(np.diff(times))) * float(stream.time_base or 0) if len(times) > 1 else 0.0
    rate = 1 / usual if usual > 0 and not 0.9 < usual * average < 1.1 else average
    return rate if 0 < rate < 1000 else 25.0


def _last_pts(container: Any, stream: Any) -> int | None:
    """The last timestamp of a stream, in its time base; leaves the container at its end."""
    found: list[int] = []
    # Not every form can be sought in: what is left is read to its end.
    with suppress(av.FFmpegError):
        container.seek(_FAR, stream=stream, backward=True)
    with suppress(av.FFmpegError):
        found = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
    return max(found, default=None)


def _is_counts(frame: Any) -> bool:
    return len(frame.format.components) == 1 and frame.format.components[0].bits > 8


def _pixels(frame: Any, path: Path) -> Image | Counts:
    if _is_counts(frame):
        pixels = frame.to_ndarray()
    else:
        pixels = frame.to_ndarray(format="bgr24", interpolation="BICUBIC")
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return np.asarray(pixels)
    turned = upright(pixels, np.frombuffer(bytes(matrix), np.int32))
    if turned is None:
        raise SourceError(f"The video {path} is to be shown at an angle that is no multiple of 90 degrees.")
    return turned

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
from av.stream import Disposition
from numpy.typing import NDArray

from detectors.thermal import RawScaler
from reid_core.counts import Counts
from reid_core.errors import SourceError
from reid_core.file_names import openable, readable_path
from reid_core.images import as_rgb
from reid_core.types import Image
from stream.footage.file_dates import copied_note
from stream.footage.losses import Losses, ends_early, sentence
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, sampled_digest
from stream.footage.upright import upright

_FULL_HD = 1920 * 1080
# A file may be a playlist that sends the demuxer elsewhere: nothing but files is followed.
_FILES_ONLY = {"protocol_whitelist": "file,crypto,data"}
_FAR = 1 << 62
_PROBED = 250
_MOST_ERRORS = 1000


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
            last = _last_pts(container, stream)
            created = container.metadata.get("creation_time")
            tick, average, named = stream.time_base, float(stream.average_rate or 0), stream.frames
            others = sum(_moves(one) for one in container.streams.video) - 1
        self.width = self.height = 0
        first = next(self._decoded(threading.Event()), None)
        if first is None:
            raise SourceError(f"The video {path} holds no frame that can be decoded.")
        frame, self._first_pts = first, first.pts
        image = _pixels(frame, _display_matrix(frame), self._path)
        self.height, self.width = image.shape[:2]
        check_size(self.width, self.height, str(path))
        self.problem = None
        length = 0.0
        if last is not None and self._first_pts is not None and tick is not None:
            length = float((last - self._first_pts) * tick) + 1 / self.fps
        # Without a clock of its own, a recording is taken to have ended when its file was last written.
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - int(length * 1e9)
        copied = copied_note(spec.camera, created, self.start_ns, length) if spec.start_ns is None else None
        if copied is not None:
            self.notes.append(copied)
        # Containers name counts that cannot be; nobody waits for those.
        self.total = named if 0 < named < 2 * (length * max(self.fps, average) + 1) else None
        if others > 0:
            streams = "another stream" if others == 1 else f"{others} other streams"
            self.notes.append(
                f"{spec.camera}: The video {readable_path(path)} holds {streams} of pictures: only the best "
                "one is read."
            )

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
        rotation: int | None = None
        matrix: NDArray[np.int32] | None = None
        for index, frame in enumerate(self._decoded(stop)):
            time_ns = self._time(frame, latest)
            latest = time_ns
            if frame.rotation != rotation:
                rotation, matrix = frame.rotation, _display_matrix(frame)
            if index >= first or _is_counts(frame):
                yield Shown(index, time_ns, _pixels(frame, matrix, self._path))

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
        good, losses, cut = 0, Losses(), False
        with container:
            for packet in _packets(container, stream, losses):
                if stop.is_set():
                    return
                if packet.size:
                    cut = packet.is_corrupt
                    losses.sent(packet.pts)
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    losses.failed()
                    continue
                for frame in frames:
                    if stop.is_set():
                        return
                    good += 1
                    losses.shown(frame.pts, bool(frame.key_frame))
                    yield frame
            with suppress(OSError):
                cut = cut or ends_early(self._path, stream.index_entries)
        self.problem = sentence(self._path, losses, good, cut or losses.at_the_end, self.total)

    def _open(self) -> tuple[Any, Any]:
        try:
            with openable(self._path) as name:
                container = av.open(name, options=_FILES_ONLY, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError):
            container = None
        stream = _best(container) if container is not None else None
        if container is None or stream is None:
            if container is not None:
                container.close()
            raise SourceError(
                f"The file {self._path} is not a video that can be decoded: damaged, cut short or no video."
            )
        return container, stream


def _packets(container: Any, stream: Any, losses: Losses) -> Iterator[Any]:
    """Packet after packet, past errors of the container; given up where it gives nothing but errors."""
    in_a_row = 0
    while True:
        try:
            for packet in container.demux(stream):
                in_a_row = 0
                yield packet
            return
        except av.FFmpegError:
            in_a_row += 1
            losses.failed()
            if in_a_row > _MOST_ERRORS:
                return


def _best(container: Any) -> Any:
    """The stream of most pixels, among equals the one that the container prefers; ``None`` without any."""
    preferred = container.streams.best("video")
    moving = [one for one in container.streams.video if _moves(one)]
    return max(
        moving, key=lambda one: ((one.width or 0) * (one.height or 0), one == preferred), default=preferred
    )


def _moves(stream: Any) -> bool:
    """Whether it is a video, and not its cover."""
    return not stream.disposition & Disposition.attached_pic


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
    # Of a file cut short, the end is not there: it is read from its beginning.
    for place in (_FAR, 0):
        # Not every form can be sought in: what is left is read to its end.
        with suppress(av.FFmpegError):
            container.seek(place, stream=stream, backward=True)
        with suppress(av.FFmpegError):
            found += [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        if found:
            break
    return max(found, default=None)


def _is_counts(frame: Any) -> bool:
    return len(frame.format.components) == 1 and frame.format.components[0].bits > 8


def _display_matrix(frame: Any) -> NDArray[np.int32] | None:
    """How a frame is to be shown, as `upright` takes it.

    A frame whose side data was looked at is freed by the garbage collector only, and a hundred of them fill
    memory before it comes: this is not for every frame.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else np.frombuffer(bytes(matrix), np.int32)


def _pixels(frame: Any, matrix: NDArray[np.int32] | None, path: Path) -> Image | Counts:
    if _is_counts(frame):
        pixels = frame.to_ndarray()
    else:
        pixels = frame.to_ndarray(format="bgr24", interpolation="BICUBIC")
    if matrix is None:
        return np.asarray(pixels)
    turned = upright(pixels, matrix)
    if turned is None:
        raise SourceError(f"The video {path} is to be shown at an angle that is no multiple of 90 degrees.")
    return turned

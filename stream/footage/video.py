"""Recorded video files."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from reid_core.errors import SourceError
from stream.footage.decoded import Developer, Shown, eight_bits, is_counts
from stream.footage.endings import START, ends_early
from stream.footage.file_dates import copied_note, made_at
from stream.footage.http_files import HttpFile
from stream.footage.local_file import LocalFile
from stream.footage.losses import Losses, sentence
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, digest_of

_FULL_HD = 1920 * 1080
# A file may be a playlist that sends the demuxer elsewhere: nothing but files is followed.
FILES_ONLY = {"protocol_whitelist": "file,crypto,data"}
"""Options of a container that is opened."""
_FAR = 1 << 62
_PROBED = 250
_MOST_ERRORS = 1000


class VideoSource(Source):
    """A recorded video, of a disk or of an HTTP server; its clock is that of the container's timestamps.

    Grey of more than 8 bits is raw thermal counts.
    """

    def __init__(self, spec: SourceSpec, file: Path | HttpFile) -> None:
        super().__init__(spec)
        self._file = LocalFile(file) if isinstance(file, Path) else file
        try:
            with self._file.reader() as reader:
                self.digest = digest_of(reader, self._file.size)
        except OSError as error:
            raise SourceError(f"The video {self._file} cannot be read: {error.strerror}.") from None
        with self._open() as (container, stream):
            # Said by the container: a frame that is too large must not be decoded to learn that it is.
            if stream.width and stream.height:
                check_size(stream.width, stream.height, str(self._file))
            self.fps = _rate(container, stream)
            last = _last_pts(container, stream)
            created = container.metadata.get("creation_time")
            tick, average, named = stream.time_base, float(stream.average_rate or 0), stream.frames
            others = sum(_moves(one) for one in container.streams.video) - 1
        self.width = self.height = 0
        first = next(self._decoded(threading.Event()), None)
        if first is None:
            raise SourceError(f"The video {self._file} holds no frame that can be decoded.")
        frame, self._first_pts = first, first.pts
        image = Developer(str(self._file)).pixels(frame)
        self.height, self.width = image.shape[:2]
        check_size(self.width, self.height, str(self._file))
        self.problem = None
        length = 0.0
        if last is not None and self._first_pts is not None and tick is not None:
            length = float((last - self._first_pts) * tick) + 1 / self.fps
        self._set_start(length, created)
        # Containers name counts that cannot be; nobody waits for those.
        self.total = named if 0 < named < 2 * (length * max(self.fps, average) + 1) else None
        if others > 0:
            streams = "another stream" if others == 1 else f"{others} other streams"
            self.notes.append(
                f"{spec.camera}: The video {self._file.shown} holds {streams} of pictures: only the best "
                "one is read."
            )

    @property
    def name(self) -> str:
        """Of the file alone."""
        return self._file.name

    def _set_start(self, length: float, created: str | None) -> None:
        """Take the start that was given; or the recording ended when its file was last written.

        Args:
            length: of the recording, seconds.
            created: when its container says that it was made.
        """
        if self.spec.start_ns is not None:
            self.start_ns = self.spec.start_ns
            return
        camera, written = self.spec.camera, self._file.modified_ns
        if written is None:
            written = time.time_ns()
            self.notes.append(
                f"The server does not say when the recording of {camera} was written, which is taken to end "
                f"now: give --start {camera}=TIME."
            )
        self.start_ns = written - int(length * 1e9)
        copied = copied_note(camera, created, self.start_ns, length)
        if copied is not None:
            self.notes.append(copied)
        if copied is not None or made_at(created) is None:
            self.written_ns = self._file.modified_ns

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`; those before ``first`` are decoded and passed over, which is exact."""
        yield from eight_bits(self.shown(stop, first), first)

    def shown(self, stop: threading.Event, first: int = 0) -> Iterator[Shown]:
        """The frames, raw counts unscaled, until the end or until ``stop`` is set.

        Args:
            stop: ends it early.
            first: frames in colour before this number are left out.
        """
        latest: int | None = None
        developer = Developer(str(self._file))
        for index, frame in enumerate(self._decoded(stop)):
            time_ns = self._time(frame, latest)
            latest = time_ns
            if index >= first or is_counts(frame):
                yield Shown(index, time_ns, developer.pixels(frame))

    def _time(self, frame: Any, latest: int | None) -> int:
        """Capture time: never before, and where there is no timestamp a frame's length behind, the latest."""
        if frame.pts is None or self._first_pts is None:
            return self.start_ns if latest is None else latest + round(1e9 / self.fps)
        tick = frame.time_base
        nanoseconds = (frame.pts - self._first_pts) * tick.numerator * 1_000_000_000
        time_ns: int = self.start_ns + round(Fraction(nanoseconds, tick.denominator))
        return time_ns if latest is None else max(latest, time_ns)

    def _decoded(self, stop: threading.Event) -> Iterator[Any]:
        """Frame after frame; what cannot be decoded is passed over, and told of when all is read."""
        good, losses, cut = 0, Losses(), False
        with self._open() as (container, stream):
            # Below full HD a decoder of several threads costs the detector more than it gains.
            stream.codec_context.thread_count = 1 if 0 < self.width * self.height <= _FULL_HD else 0
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
            with suppress(OSError), self._file.reader() as reader:
                cut = cut or ends_early(self._file.size, reader.read(START), stream.index_entries)
        self.problem = sentence(str(self._file), losses, good, cut or losses.at_the_end, self.total)

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        """The container and the stream that is read.

        Raises:
            SourceError: it is no video, or none that can be decoded.
        """
        try:
            with self._file.openable() as given:
                container = av.open(given, options=FILES_ONLY, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError):
            container = None
        stream = best_stream(container) if container is not None else None
        if container is None or stream is None:
            if container is not None:
                container.close()
            came = " The server broke off before its end." if self._file.missing else ""
            raise SourceError(
                f"The file {self._file} is not a video that can be decoded: damaged, cut short or no video."
                f"{came}"
            )
        with container:
            yield container, stream


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


def best_stream(container: Any) -> Any:
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

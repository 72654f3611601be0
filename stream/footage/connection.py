"""One connection to a camera on the network."""

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av

from reid_core.counts import Counts
from reid_core.redaction import redact
from reid_core.types import Image
from stream.footage.arrivals import Arrival, taken
from stream.footage.decoded import Developer

# Over UDP what is lost breaks pictures: where a camera speaks TCP as well, that is taken.
_OPTIONS = {"rtsp_flags": "prefer_tcp"}
_FULL_HD = 1920 * 1080
_MOST_ERRORS = 500


class Connection:
    """A camera's frames, from one connection until it breaks.

    Attributes:
        width: of a frame, pixels; 0 where it is not known before the first.
        height: of a frame, pixels.
        fps: frames per second, as it says; 0 where it does not.
        start_ns: capture time of the first frame, UTC nanoseconds.
        ready_ns: when what comes at once had come, UTC nanoseconds.
    """

    def __init__(self, location: str, seconds: float) -> None:
        """Connect, and wait until what comes at once has come.

        Args:
            location: its address.
            seconds: how long an answer is waited for.

        Raises:
            OSError: there is no answer, or none with pictures.
        """
        try:
            self._container: Any = av.open(
                location, options=_OPTIONS, metadata_errors="replace", timeout=seconds
            )
        except (av.FFmpegError, ValueError, RuntimeError):
            # What it says holds the address, with its password.
            raise ConnectionError("no answer") from None
        self._stream: Any = self._container.streams.best("video")
        if self._stream is None or self._stream.codec_context is None:
            self._container.close()
            raise ConnectionError("no pictures")
        context: Any = self._stream.codec_context
        self.width, self.height = context.width or 0, context.height or 0
        self.fps = float(self._stream.guessed_rate or self._stream.average_rate or 0)
        if self.width * self.height > _FULL_HD:
            # Threads that take a frame each give pictures late: only where one alone could not keep up.
            context.thread_type = "AUTO"
        else:
            context.thread_count = 1
        self._developer = Developer(redact(location))
        packets = taken(self._arrivals())
        first = next(packets, None)
        self._packets = itertools.chain([first] if first is not None else [], packets)
        known = first.time_ns if first is not None else None
        self.ready_ns = time.time_ns()
        self.start_ns = known if known is not None else self.ready_ns

    def frames(self) -> Iterator[tuple[int, Image | Counts]]:
        """Capture time, UTC nanoseconds, and pixels of each, until the connection breaks.

        What cannot be decoded is passed over. Pixels are uint8 ``H x W x 3`` RGB, or raw counts, ``H x W``.

        Raises:
            SourceError: it is to be shown at an angle that is no multiple of 90 degrees.
        """
        known: dict[int, int] = {}
        errors = 0
        for one in self._packets:
            if one.time_ns is not None and one.sent.pts is not None:
                known[one.sent.pts] = one.time_ns
            try:
                decoded = one.sent.decode()
            except av.FFmpegError:
                errors += 1
                if errors > _MOST_ERRORS:
                    return
                continue
            for frame in decoded:
                errors = 0
                time_ns = known.pop(frame.pts, 0) if frame.pts is not None else 0
                yield time_ns or time.time_ns(), self._developer.pixels(frame)

    def close(self) -> None:
        """End it."""
        self._container.close()

    def _arrivals(self) -> Iterator[Arrival[Any]]:
        with suppress(av.FFmpegError, RuntimeError):
            for packet in self._container.demux(self._stream):
                tick = float(packet.time_base or 0)
                sent, shown = (None if at is None else at * tick for at in (packet.dts, packet.pts))
                yield Arrival(packet, packet.size, shown if sent is None else sent, shown, time.time_ns())

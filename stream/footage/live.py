"""Live cameras: RTSP and other addresses, and webcams."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from reid_core.errors import SourceError
from reid_core.redaction import ENCODE_LOGIN, login_is_odd, redact
from stream.footage.connection import Connection
from stream.footage.decoded import Shown, eight_bits
from stream.footage.logins import refusal
from stream.footage.naming import SourceSpec, place_of
from stream.footage.sources import Source, SourceFrame
from stream.footage.webcam import Webcam

_RETRY_SECONDS = 1.0


class LiveSource(Source):
    """A camera. Frames are taken as they come; one that is away is asked again until it is given up.

    Attributes:
        reopened: how often it was away and came back.
    """

    def __init__(self, spec: SourceSpec, open_seconds: float, gone_seconds: float) -> None:
        super().__init__(spec)
        self.reopened = 0
        self._open_seconds = open_seconds
        self._gone_seconds = gone_seconds
        self._camera = self._open()
        if self._camera is None:
            # Among several cameras only the sentence is told, not the hint.
            how = f" {ENCODE_LOGIN}" if login_is_odd(spec.location) else ""
            silent = f"The camera {redact(spec.location)} does not answer.{how}"
            raise SourceError(refusal(str(spec.location), open_seconds) or silent)
        self.width, self.height = self._camera.width, self._camera.height
        self.fps = self._camera.fps if 0 < self._camera.fps <= 240 else 25.0
        self.start_ns = self._camera.start_ns
        self.digest = hashlib.sha256(f"{place_of(spec.location)}/{self.start_ns}".encode()).hexdigest()

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`, numbered from ``first`` on, each with the time at which it was taken."""
        return eight_bits(self.shown(stop, first))

    def shown(self, stop: threading.Event, first: int = 0) -> Iterator[Shown]:
        """The frames, raw counts unscaled, until the camera is given up or ``stop`` is set.

        Args:
            stop: ends it early.
            first: number of the first one.
        """
        index, latest, away_since = first, 0, None
        try:
            while not stop.is_set():
                ready_ns = self._camera.ready_ns if self._camera is not None else 0
                for time_ns, image in self._camera.frames() if self._camera is not None else ():
                    # What had gathered at a camera that comes back may have been seen before it went.
                    away_since, latest = None, max(time_ns, latest + 1)
                    yield Shown(index, latest, image, gathered=time_ns <= ready_ns)
                    index += 1
                    if stop.is_set():
                        return
                self._release()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since >= self._gone_seconds:
                    when = datetime.now(UTC).isoformat(timespec="seconds")
                    where = redact(self.spec.location)
                    self.problem = f"The camera {where} was lost and given up at {when}."
                    return
                stop.wait(_RETRY_SECONDS)
                self._camera = self._open()
                self.reopened += self._camera is not None
        finally:
            self._release()

    def _release(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _open(self) -> Connection | Webcam | None:
        location = str(self.spec.location)
        with suppress(OSError):
            if location.isdecimal():
                return Webcam(int(location))
            return Connection(location, self._open_seconds)
        return None

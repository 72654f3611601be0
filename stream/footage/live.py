"""Live cameras: RTSP and other addresses, and webcams."""

import hashlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np

from reid_core.errors import SourceError
from reid_core.redaction import ENCODE_LOGIN, login_is_odd, redact
from stream.footage.logins import refusal
from stream.footage.naming import SourceSpec, place_of
from stream.footage.sources import Source, SourceFrame

_RETRY_SECONDS = 1.0


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
            # Among several cameras only the sentence is told, not the hint.
            how = f" {ENCODE_LOGIN}" if login_is_odd(spec.location) else ""
            silent = f"The camera {redact(spec.location)} does not answer.{how}"
            raise SourceError(refusal(str(spec.location), open_seconds) or silent)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps <= 240 else 25.0
        self.start_ns = time.time_ns()
        self.digest = hashlib.sha256(f"{place_of(spec.location)}/{self.start_ns}".encode()).hexdigest()

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`, stamped with the time at which each arrived."""
        index, away_since = first, None
        try:
            while not stop.is_set():
                decoded, image = self._capture.read() if self._capture is not None else (False, None)
                if decoded:
                    away_since = None
                    yield SourceFrame(index, time.time_ns(), np.asarray(image, np.uint8), True)
                    index += 1
                    continue
                self._release()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since >= self._gone_seconds:
                    when = datetime.now(UTC).isoformat(timespec="seconds")
                    where = redact(self.spec.location)
                    self.problem = f"The camera {where} was lost and given up at {when}."
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
            capture = cv2.VideoCapture(str(location), cv2.CAP_FFMPEG, options)
        return capture if capture.isOpened() else None

"""A thread a source: frames decoded ahead, through the motion gate, into a bounded queue."""

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from detectors.motion import GatedFrame
from reid_core.errors import NightreidError
from reid_core.file_names import readable_text
from reid_core.types import Modality
from stream.chain.config import RunSettings
from stream.footage.gating import CameraGate
from stream.footage.sources import Source, SourceFrame
from stream.run.timing import StageClock

_QUEUE_BYTES = 64 << 20
_MOST_WAITING = 64
# A live camera's frames grow old while they wait: about a second's worth may.
_LIVE_WAITING = 25
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """The last thing a decoder has to say.

    Attributes:
        frames: number of frames read, those skipped on resuming included.
        problem: one sentence where the source ended before its end.
        failed: whether nothing could be read at all.
    """

    frames: int
    problem: str | None = None
    failed: bool = False


class Decoder:
    """Decodes one source ahead of whoever reads it.

    A recording waits for its reader. A live camera does not: when the reader is behind, frames are
    dropped and counted, before the motion gate sees them, so that the gate never compares with a frame
    that the detector was not shown.

    Attributes:
        source: what is decoded.
        dropped: frames of a live camera that gave way.
    """

    def __init__(
        self,
        source: Source,
        modality: Modality,
        settings: RunSettings,
        first: int,
        clock: StageClock,
        abandon: threading.Event,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            source: what to decode.
            modality: of its camera.
            settings: of the run.
            first: number of the frame to begin at.
            clock: where decoding and gating are timed.
            abandon: set from outside to end early; nothing more is handed on then, not even the end.
        """
        self.source = source
        self.dropped = 0
        self._gate = CameraGate(
            source.spec.camera, modality, settings.motion, settings.detector.look(modality).tile_below
        )
        self._first = first
        self._clock = clock
        self._abandon = abandon
        self._passed = 0
        ahead = _QUEUE_BYTES // max(1, source.width * source.height * 3)
        most = _LIVE_WAITING if source.spec.live else _MOST_WAITING
        self._queue: queue.Queue[GatedFrame | Ended] = queue.Queue(min(most, max(2, ahead)))
        self._thread = threading.Thread(target=self._run, name=f"decode {source.spec.camera}", daemon=True)

    def start(self) -> None:
        """Begin decoding."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the thread; one that hangs in a network read is left behind."""
        self._thread.join(seconds)

    def get(self, seconds: float) -> GatedFrame | Ended | None:
        """The next frame, or ``None`` if there is none within so many seconds."""
        try:
            return self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        frames, problem, failed = self._first, None, False
        try:
            pictures = self.source.frames(self._first, self._abandon)
            while (picture := self._timed(pictures)) is not None:
                if self.source.spec.live:
                    if self._crowded():
                        self.dropped += 1
                        continue
                    picture = replace(picture, index=frames)
                frames = picture.index + 1
                self._put(self._admit(picture))
            problem = readable_text(self.source.problem) if self.source.problem is not None else None
        except NightreidError as error:
            problem, failed = error.message, frames == 0
        except Exception as error:  # a decoder may fail in ways of its own; the other cameras go on
            problem, failed = f"The source {self.source.spec.camera} failed: {error}.", frames == 0
        self._put(Ended(frames, problem, failed))

    def _crowded(self) -> bool:
        """Whether a live camera's next frame gives way.

        Beyond half full every second, third, fourth one is kept only: frames that are missing evenly
        break no track, frames missing in a row do.
        """
        waiting, most = self._queue.qsize(), self._queue.maxsize
        self._passed += 1
        if waiting >= most or self._passed < 1 + 3 * max(0, 2 * waiting - most) // most:
            return True
        self._passed = 0
        return False

    def _timed(self, pictures: Iterator[SourceFrame]) -> SourceFrame | None:
        begun = time.perf_counter()
        picture = next(pictures, None)
        self._clock.add("decode", time.perf_counter() - begun, picture is not None)
        return picture

    def _admit(self, picture: SourceFrame) -> GatedFrame:
        with self._clock.timed("gate", 1):
            return self._gate.admit(picture)

    def _put(self, item: GatedFrame | Ended) -> None:
        while not self._abandon.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

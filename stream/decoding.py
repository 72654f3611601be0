"""A thread a source: pictures decoded ahead, through the motion gate, into a bounded queue."""

import queue
import threading
import time
from dataclasses import dataclass

from detectors.letterbox import tile
from detectors.motion import GatedFrame, MotionGate
from reid_core.errors import NightreidError, SourceError
from reid_core.types import Frame, Modality
from stream.config import RunSettings
from stream.sources import Picture, Source
from stream.timing import StageClock

_QUEUE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """The last thing a decoder has to say.

    Attributes:
        frames: number of frames read, those skipped on resuming included.
        problem: one sentence where the source ended before its end.
        failed: whether nothing could be read at all.
    """

    frames: int
    problem: str | None
    failed: bool


class Decoder:
    """Decodes one source ahead of whoever reads it.

    A recording waits for its reader; of a live camera the oldest frame gives way, and is counted.

    Args:
        source: what to decode.
        modality: of its camera.
        settings: of the run.
        first: number of the frame to begin at.
        clock: where decoding and gating are timed.
        stop: set from outside to end early.
    """

    def __init__(
        self, source: Source, modality: Modality, settings: RunSettings, first: int, clock: StageClock, stop: threading.Event
    ) -> None:
        self.source = source
        self.dropped = 0
        self._modality = modality
        self._tile_below = settings.detector.look(modality).tile_below
        self._gate = MotionGate(settings.motion)
        self._first = first
        self._clock = clock
        self._stop = stop
        ahead = _QUEUE_BYTES // max(1, source.width * source.height * 3)
        self._queue: queue.Queue[GatedFrame | Ended] = queue.Queue(min(64, max(2, ahead)))
        self._thread = threading.Thread(target=self._run, name=f"decode {source.spec.camera}", daemon=True)

    def start(self) -> None:
        """Begin decoding."""
        self._thread.start()

    def get(self, timeout: float | None = None) -> GatedFrame | Ended | None:
        """The next frame, or ``None`` if there is none within ``timeout`` seconds (``None``: wait)."""
        try:
            return self._queue.get(timeout=timeout) if timeout != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        frames, problem, failed = self._first, None, False
        try:
            pictures = self.source.pictures(self._first, self._stop)
            while True:
                begun = time.perf_counter()
                picture = next(pictures, None)
                self._clock.add("decode", time.perf_counter() - begun, picture is not None)
                if picture is None:
                    break
                begun = time.perf_counter()
                gated = self._admit(picture)
                self._clock.add("gate", time.perf_counter() - begun, 1)
                frames = picture.index + 1
                self._put(gated)
            problem = self.source.problem
        except NightreidError as error:
            problem, failed = error.message, frames == 0
        except Exception as error:  # a decoder may fail in ways of its own; the other cameras go on
            problem, failed = f"The source {self.source.spec.camera} failed: {error}.", frames == 0
        self._put(Ended(frames, problem, failed), last=True)

    def _admit(self, picture: Picture) -> GatedFrame:
        camera = self.source.spec.camera
        height, width = picture.image.shape[:2]
        regions = tuple(tile(height, width, self._tile_below))
        motion = self._gate.admit(picture.image, picture.index, regions)
        frame = None
        if motion.moved:
            frame = Frame(camera, self._modality, picture.index, picture.time_ns, picture.rgb())
        return GatedFrame(camera, picture.index, picture.time_ns, motion.moved, regions, frame, motion.cut)

    def _put(self, item: GatedFrame | Ended, last: bool = False) -> None:
        while True:
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                if self._stop.is_set() and not last:
                    return
                if last or self.source.spec.live:
                    # A live camera's oldest frame is worth least; at the end, after a stop, so are all.
                    if self._stop.is_set() or self.source.spec.live:
                        if self.get(0) is not None:
                            self.dropped += 1


def check_distinct(cameras: list[str]) -> None:
    """Make sure that no two sources claim to be the same camera.

    Raises:
        SourceError: two do.
    """
    for camera in cameras:
        if cameras.count(camera) > 1:
            raise SourceError(
                f"Two sources are called {camera!r}.", "Name them: --visible NAME=PATH --visible OTHER=PATH."
            )

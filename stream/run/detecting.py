"""The detection stage: frames of all cameras in order of capture time, in batches through the network."""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from detectors.detector import Look, PersonDetector
from detectors.motion import GatedFrame
from reid_core.types import Detections
from stream.chain.lane import Lane, Seen
from stream.footage.sources import Source
from stream.run.decoding import Decoder, Ended
from stream.run.timing import StageClock

_AHEAD = 4
_MOST_FRAMES = 64
_POLL_SECONDS = 0.02


@dataclass(slots=True, eq=False, kw_only=True)
class RecordingLane(Lane):
    """A lane whose frames are read and decoded in this process.

    Attributes:
        source: what is read.
        decoder: reads it.
    """

    source: Source
    decoder: Decoder


Item = tuple[RecordingLane, GatedFrame | Ended, Seen]
"""A frame with what its looks showed, or a recording's end."""

_Waiting = list[tuple[RecordingLane, GatedFrame | Ended, list[Look]]]
_Answer = tuple[list[Detections], float, float]


class DetectionStage:
    """Feeds the detector and hands its findings on, each lane's frames in their order.

    Recordings are merged by capture time, whichever thread is ahead, so that two runs over the same
    recordings hand everything on in the same order. Live cameras are taken as they come. Where the
    network takes several calls at once, the next batch is drawn while the one before is in it.

    Args:
        lanes: what is read.
        detector: finds the people.
        batch: looks in one call.
        clock: where detection is timed.
        abandon: set from outside to end early; nothing more is handed on then.
    """

    def __init__(
        self,
        lanes: Sequence[RecordingLane],
        detector: PersonDetector,
        batch: int,
        clock: StageClock,
        abandon: threading.Event,
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._batch = batch
        self._clock = clock
        self._abandon = abandon
        self._out: queue.Queue[list[Item] | None] = queue.Queue(_AHEAD)
        self._error: BaseException | None = None
        self._looking: deque[tuple[_Waiting, Future[_Answer]]] = deque()
        self._seen_until = 0.0
        self._thread = threading.Thread(target=self._run, name="detect", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the detector is let go of."""
        self._thread.join()

    def batches(self) -> Iterator[list[Item]]:
        """Batches until every source has ended, an empty one now and then while there is nothing.

        Raises:
            NightreidError: whatever was raised in the thread.
        """
        while True:
            try:
                got = self._out.get(timeout=5 * _POLL_SECONDS)
            except queue.Empty:
                if not self._thread.is_alive() and self._out.empty():
                    break
                yield []
                continue
            if got is None:
                break
            yield got
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._look()
        except BaseException as error:  # raised again where the batches are read
            self._error = error
        self._put(None)

    def _look(self) -> None:
        batch: _Waiting = []
        looks = 0
        at_once = self._detector.calls_at_once
        with ThreadPoolExecutor(at_once, thread_name_prefix="look") as calls:
            for lane, item in self._merged():
                if lane is not None and item is not None:
                    wanted = lane.looks(item) if isinstance(item, GatedFrame) else []
                    batch.append((lane, item, wanted))
                    looks += len(wanted)
                    if looks < self._batch and len(batch) < _MOST_FRAMES:
                        continue
                self._flush(batch, calls)
                # Nothing more is waiting: what there is goes out at once, lest live cameras lag.
                self._hand_on(at_once - 1 if lane is not None else 0)
                batch, looks = [], 0
            self._flush(batch, calls)
            self._hand_on(0)

    def _flush(self, batch: _Waiting, calls: ThreadPoolExecutor) -> None:
        if batch and not self._abandon.is_set():
            looks = [look for _, _, wanted in batch for look in wanted]
            self._looking.append((batch, calls.submit(self._call, looks)))

    def _call(self, looks: list[Look]) -> _Answer:
        begun = time.perf_counter()
        found = self._detector.look(looks) if looks else []
        return found, begun, time.perf_counter()

    def _hand_on(self, left: int) -> None:
        """Hand on the oldest batches until so many are left in the network."""
        while len(self._looking) > left:
            batch, call = self._looking.popleft()
            answer, begun, ended = call.result()
            # Calls overlap: what counts as busy is the time in which there was one.
            self._clock.add("detect", max(0.0, ended - max(begun, self._seen_until)), len(answer))
            self._seen_until = max(self._seen_until, ended)
            found = iter(answer)
            self._put(
                [
                    (lane, item, {(look.region, look.invert): next(found) for look in wanted})
                    for lane, item, wanted in batch
                ]
            )

    def _put(self, batch: list[Item] | None) -> None:
        while not self._abandon.is_set():
            try:
                self._out.put(batch, timeout=5 * _POLL_SECONDS)
                return
            except queue.Full:
                continue

    def _merged(self) -> Iterator[tuple[RecordingLane, GatedFrame | Ended] | tuple[None, None]]:
        """Everything the decoders have, recordings in order of capture time; ``(None, None)`` for a pause."""
        recorded = {i: lane for i, lane in enumerate(self._lanes) if not lane.source.spec.live}
        live = [lane for lane in self._lanes if lane.source.spec.live]
        heads: dict[int, GatedFrame] = {}
        while (recorded or live) and not self._abandon.is_set():
            busy = False
            # What is live first, all of it: recordings can wait.
            for lane in list(live):
                while lane in live and (item := lane.decoder.get(0)) is not None:
                    busy = True
                    yield lane, item
                    if isinstance(item, Ended):
                        live.remove(lane)
            for i in [i for i in recorded if i not in heads]:
                item = recorded[i].decoder.get(_POLL_SECONDS)
                if isinstance(item, GatedFrame):
                    heads[i] = item
                elif item is not None:
                    # Directly behind this recording's last frame, as that one was the first of all heads.
                    busy = True
                    yield recorded.pop(i), item
            if heads and len(heads) == len(recorded):
                busy = True
                first = min(heads, key=lambda i: (heads[i].time_ns, i))
                yield recorded[first], heads.pop(first)
            if live and not busy:
                yield None, None
                time.sleep(_POLL_SECONDS)

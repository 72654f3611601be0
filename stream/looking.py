"""The detector's thread: frames of all cameras in order of capture time, in batches through the network."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence

from detectors.detector import Look, PersonDetector
from detectors.motion import GatedFrame
from stream.decoding import Ended
from stream.lane import Lane, Seen
from stream.timing import StageClock

_AHEAD = 4
_MOST_FRAMES = 64
_POLL_SECONDS = 0.02

Item = tuple[Lane, GatedFrame | Ended, Seen]
"""A frame with what its looks showed, or a recording's end."""

_Waiting = list[tuple[Lane, GatedFrame | Ended, list[Look]]]


class Looker:
    """Feeds the detector and hands its findings on, each lane's frames in their order.

    Recordings are merged by capture time, whichever thread is ahead, so that two runs over the same
    recordings hand everything on in the same order. Live cameras are taken as they come.

    Args:
        lanes: what is read.
        detector: finds the people.
        batch: looks in one call.
        clock: where detection is timed.
        abandon: set from outside to end early; nothing more is handed on then.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
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
        for lane, item in self._merged():
            if lane is not None and item is not None:
                wanted = lane.looks(item) if isinstance(item, GatedFrame) else []
                batch.append((lane, item, wanted))
                looks += len(wanted)
                if looks < self._batch and len(batch) < _MOST_FRAMES:
                    continue
            # Full, or nothing more is waiting: what there is goes out at once, lest live cameras lag.
            self._flush(batch)
            batch, looks = [], 0
        self._flush(batch)

    def _flush(self, batch: _Waiting) -> None:
        if not batch or self._abandon.is_set():
            return
        looks = [look for _, _, wanted in batch for look in wanted]
        begun = time.perf_counter()
        found = iter(self._detector.look(looks)) if looks else iter(())
        self._clock.add("detect", time.perf_counter() - begun, len(looks))
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

    def _merged(self) -> Iterator[tuple[Lane, GatedFrame | Ended] | tuple[None, None]]:
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

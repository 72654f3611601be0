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


class Looker:
    """Feeds the detector and hands its findings on, each lane's frames in their order.

    Recordings are merged by capture time, whichever thread is ahead, so that two runs over the same
    recordings hand everything on in the same order. Live cameras are taken as they come.

    Args:
        lanes: what is read.
        detector: finds the people.
        batch: looks in one call.
        clock: where detection is timed.
        stop: set from outside to end early.
    """

    def __init__(
        self, lanes: Sequence[Lane], detector: PersonDetector, batch: int, clock: StageClock, stop: threading.Event
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._batch = batch
        self._clock = clock
        self._stop = stop
        self._out: queue.Queue[list[Item] | BaseException | None] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._run, name="detect", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def batches(self) -> Iterator[list[Item]]:
        """Settled batches until every source has ended; an error in the thread is raised here."""
        while True:
            got = self._out.get()
            if got is None:
                return
            if isinstance(got, BaseException):
                raise got
            yield got

    def _run(self) -> None:
        try:
            batch: list[tuple[Lane, GatedFrame | Ended, list[Look]]] = []
            looks = 0
            for lane, item in self._merged():
                if lane is None or item is None:
                    # Nothing is waiting: what there is goes out at once, so that live cameras do not lag.
                    self._flush(batch)
                    batch, looks = [], 0
                    continue
                wanted = lane.looks(item) if isinstance(item, GatedFrame) else []
                batch.append((lane, item, wanted))
                looks += len(wanted)
                if looks >= self._batch or len(batch) >= _MOST_FRAMES:
                    self._flush(batch)
                    batch, looks = [], 0
            self._flush(batch)
            self._out.put(None)
        except BaseException as error:
            self._out.put(error)

    def _flush(self, batch: list[tuple[Lane, GatedFrame | Ended, list[Look]]]) -> None:
        if not batch:
            return
        looks = [look for _, _, wanted in batch for look in wanted]
        begun = time.perf_counter()
        found = iter(self._detector.look(looks)) if looks else iter(())
        self._clock.add("detect", time.perf_counter() - begun, len(looks))
        self._out.put(
            [(lane, item, {(look.region, look.invert): next(found) for look in wanted}) for lane, item, wanted in batch]
        )

    def _merged(self) -> Iterator[tuple[Lane, GatedFrame | Ended] | tuple[None, None]]:
        """Everything the decoders have, recordings in order of capture time; ``(None, None)`` for a pause."""
        recorded = {i: lane for i, lane in enumerate(self._lanes) if not lane.source.spec.live}
        live = [lane for lane in self._lanes if lane.source.spec.live]
        heads: dict[int, GatedFrame] = {}
        while recorded or live:
            idle = True
            for i, lane in list(recorded.items()):
                if i in heads:
                    continue
                item = lane.decoder.get(None if not live else _POLL_SECONDS)
                if isinstance(item, GatedFrame):
                    heads[i] = item
                elif item is not None:
                    idle = False
                    yield lane, item
                    del recorded[i]
            if heads and len(heads) == len(recorded):
                first = min(heads, key=lambda i: (heads[i].time_ns, i))
                idle = False
                yield recorded[first], heads.pop(first)
            for lane in list(live):
                item = lane.decoder.get(0)
                if item is not None:
                    idle = False
                    yield lane, item
                    if not isinstance(item, GatedFrame):
                        live.remove(lane)
            if idle and live:
                yield None, None
                time.sleep(_POLL_SECONDS)

"""How long each stage of a run was busy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stream.run.result import StageTiming

UNITS = {
    "decode": "frames",
    "gate": "frames",
    "detect": "looks",
    "track": "frames",
    "embed": "crops",
    "write": "tracklets",
    "link": "tracklets",
    "caption": "tracklets",
}
"""The stages in order of flow, and what each handles."""


class StageClock:
    """Adds up the busy seconds and items of each stage; threads may add at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = dict.fromkeys(UNITS, 0.0)
        self._items = dict.fromkeys(UNITS, 0)

    def add(self, stage: str, seconds: float, items: int) -> None:
        """Add busy time and what was done in it."""
        with self._lock:
            self._seconds[stage] += seconds
            self._items[stage] += items

    @contextmanager
    def timed(self, stage: str, items: int) -> Iterator[None]:
        """Time a block."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - begun, items)

    def timings(self) -> tuple[StageTiming, ...]:
        """One for each stage that did anything, in order of flow."""
        return tuple(
            StageTiming(stage, self._seconds[stage], self._items[stage], unit)
            for stage, unit in UNITS.items()
            if self._items[stage]
        )

"""Where the time of training steps goes: seconds by stage, for whoever wants to know."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

WAITING = "waiting"
"""Until a batch is there: loading and augmentation, unless other processes prepare batches ahead."""
STAGES = (WAITING, "augmentation", "forward", "backward", "step")
"""``forward``: losses included. ``augmentation`` is a part of `WAITING`; the rest of that is loading: drawing
the batch, reading its images, its texts and whatever is kept of it."""

ItemT = TypeVar("ItemT")


class Stopwatch:
    """Seconds by stage; this one does not look at the time."""

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """For the time of a block."""
        return nullcontext()

    def waited(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """The same items, the time until each comes being `WAITING`."""
        yield from items


UNTIMED = Stopwatch()


class RunningStopwatch(Stopwatch):
    """Looks at the time.

    Args:
        settle: called before each look: waits for a GPU that works on.

    Attributes:
        seconds: by stage.
    """

    def __init__(self, settle: Callable[[], None] = lambda: None) -> None:
        self.seconds: dict[str, float] = {}
        self._settle = settle

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """For the time of a block."""
        self._settle()
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._settle()
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begun

    def waited(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """The same items, the time until each comes being `WAITING`."""
        coming = iter(items)
        while True:
            with self.timed(WAITING):
                try:
                    item = next(coming)
                except StopIteration:
                    return
            yield item

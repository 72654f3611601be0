"""A few things on their way from one thread to another: bounded in number and in bytes."""

import threading
from collections import deque
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class Handoff(Generic[ItemT]):
    """A queue with one giver and one taker; two things always fit.

    Args:
        most: how many may wait.
        most_bytes: what they may take.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._items: deque[tuple[ItemT, int]] = deque()
        self._bytes = 0
        self._closed = False

    def room(self, size: int, seconds: float) -> bool:
        """Wait for room for one more thing; whether there is.

        Args:
            size: of the thing, bytes.
            seconds: how long to wait.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._fits(size), seconds)

    def put(self, item: ItemT, size: int = 0) -> None:
        """Hand something over, whether there is room or not."""
        with self._changed:
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify_all()

    def close(self) -> None:
        """Say that nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def get(self, seconds: float) -> ItemT | None:
        """The next thing; ``None`` if none came within so many seconds, or none will, see `over`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, seconds) or not self._items:
                return None
            item, size = self._items.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return item

    @property
    def over(self) -> bool:
        """Whether everything was taken and nothing more will come."""
        with self._changed:
            return self._closed and not self._items

    def _fits(self, size: int) -> bool:
        waiting = len(self._items)
        return waiting < 2 or (waiting < self._most and self._bytes + size <= self._most_bytes)

"""Work that takes the processor: done by few threads beside the one that answers, with a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from console.api.errors import OverloadedError

T = TypeVar("T")


class Pool:
    """A few threads and what waits for them.

    Args:
        name: of the threads.
        threads: how many.
        waiting: how much may wait; what comes then is refused.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, name)
        self._free = threading.BoundedSemaphore(threads + waiting)

    async def run(self, do: Callable[[], T]) -> T:
        """What it gives.

        Raises:
            OverloadedError: too much waits already.
        """
        if not self._free.acquire(blocking=False):
            raise OverloadedError("Too many searches are waiting.")
        future = self._executor.submit(do)
        # Not before it has ended, even where nobody waits for the answer any more.
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let what runs end; what waits is not begun."""
        self._executor.shutdown(wait=True, cancel_futures=True)

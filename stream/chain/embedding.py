"""The embedder's thread: closed tracklets become what is kept of them, in the order in which they closed.

Detection goes on meanwhile. Whoever closes tracklets hands them in and takes what became of them where it
writes, so that neither a run nor a worker looks at fewer frames while somebody's crops are in the network.

Each tracklet is one call of the embedder, whatever else waits. How a network adds up may depend on how many
images it is given: on torch, the crops of a call of 16 differ in their last bits from the same crops in a
call of 5 (by 2.5e-7); on OpenVINO they did not where it was measured, which nothing promises for another
processor. A tracklet's vectors must not depend on who was seen beside it, and a larger call would gain
nothing: from 4 crops on, a crop takes the same time in any.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from reid_core.runtime import Embedder
from reid_core.types import Floats, Tracklet

T = TypeVar("T")


class Embedding(Generic[T]):
    """Embeds tracklets one after the other, in a thread that begins with the first of them.

    One thread hands in and closes; any may take results. They are in order: when one is there, so are all
    before it. Memory is bounded by ``waiting`` until a tracklet is embedded; from then on whoever holds its
    result bounds it.

    Args:
        embedder: crops to vectors.
        keep: what becomes of a tracklet and its ``(N, D)`` vectors; called in the thread.
        timed: around each call of the embedder, given its number of crops.
        waiting: how many tracklets may wait; whoever closes more waits for the embedder.
    """

    def __init__(
        self,
        embedder: Embedder,
        keep: Callable[[Tracklet, Floats], T],
        timed: Callable[[int], AbstractContextManager[None]],
        waiting: int,
    ) -> None:
        self._embedder = embedder
        self._keep = keep
        self._timed = timed
        self._queue: queue.Queue[tuple[Tracklet, Future[T]] | None] = queue.Queue(waiting)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embed", daemon=True)

    def submit(self, tracklet: Tracklet) -> "Future[T]":
        """Hand in a tracklet; waits while too many are waiting.

        Returns:
            what becomes of it. ``result()`` waits for it, and raises whatever the embedder did.
        """
        if self._thread.ident is None:
            self._thread.start()
        future: Future[T] = Future()
        self._queue.put((tracklet, future))
        return future

    def wait(self) -> None:
        """Wait until everything that was handed in is embedded, or has failed."""
        self._queue.join()

    def close(self) -> None:
        """End. The tracklet in hand is finished; what waits is given up, its results cancelled."""
        self._closed.set()
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            goes_on = self._next()
            self._queue.task_done()

    def _next(self) -> bool:
        taken = self._queue.get()
        if taken is None:
            return False
        tracklet, future = taken
        if self._closed.is_set():
            future.cancel()
            return True
        try:
            future.set_result(self._kept(tracklet))
        except BaseException as error:  # raised again where the result is taken
            future.set_exception(error)
        return True

    def _kept(self, tracklet: Tracklet) -> T:
        crops = [sighting.crop for sighting in tracklet.sightings]
        with self._timed(len(crops)):
            vectors = self._embedder.embed(crops, tracklet.modality)
        return self._keep(tracklet, vectors)

"""Graphs that grow beside what the gallery does: no search and no writer waits for one to be built."""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import faiss

from reid_core.gallery.graph import SAMPLE, Graph
from reid_core.gallery.index import VectorIndex

# Rows behind a graph, all of which are compared, before it grows again.
_BEHIND = 512
# Rows put into a new graph between two looks at whether to stop; into one that is in use, under its lock.
_PAGE, _FEW = 1024, 32
# So long a graph that grows leaves its lock to others.
_PAUSE_SECONDS = 0.002


class Grower:
    """Lets the graphs of indexes grow, in a thread of its own while there is something to do.

    Args:
        lock: of whoever uses the indexes.
        indexes: those in use now; called with the lock held.
    """

    def __init__(
        self, lock: AbstractContextManager[Any], indexes: Callable[[], Iterable[VectorIndex]]
    ) -> None:
        self._lock = lock
        self._indexes = indexes
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def look(self) -> None:
        """Begin, where a graph should grow; the caller holds the lock."""
        if self._thread is None and not self._stop.is_set() and self._due() is not None:
            self._thread = threading.Thread(target=self._run, name="graphs", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until all graphs hold what they should."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """Grow no more; a graph that is not whole is forgotten. Not with the lock held."""
        self._stop.set()
        self.wait()

    def _run(self) -> None:
        # Of this thread alone: the others are for those who wait.
        faiss.omp_set_num_threads(1)
        while True:
            with self._lock:
                index = self._due() if not self._stop.is_set() else None
                if index is None:
                    self._thread = None
                    return
            if index.graph is None:
                self._build(index)
            else:
                self._extend(index)

    def _due(self) -> VectorIndex | None:
        return next((index for index in self._indexes() if _is_due(index)), None)

    def _in_use(self, index: VectorIndex) -> bool:
        return any(index is other for other in self._indexes())

    def _build(self, index: VectorIndex) -> None:
        """A graph of the rows that are there now, put in its place when it is whole."""
        with self._lock:
            count = len(index)
            graph = Graph(index.vectors[:: max(1, count // SAMPLE)].copy())
        while len(graph) < count:
            with self._lock:
                if self._stop.is_set() or not self._in_use(index):
                    return
                page = index.vectors[len(graph) : min(len(graph) + _PAGE, count)].copy()
            graph.add(page)
        with self._lock:
            if self._in_use(index):
                index.graph = graph

    def _extend(self, index: VectorIndex) -> None:
        """Rows that came since, a few at a time: nobody searches a graph while it grows."""
        while not self._stop.wait(_PAUSE_SECONDS):
            with self._lock:
                graph = index.graph
                if graph is None or len(graph) == len(index) or not self._in_use(index):
                    return
                graph.add(index.vectors[len(graph) : len(graph) + _FEW])


def _is_due(index: VectorIndex) -> bool:
    inside = len(index.graph) if index.graph is not None else 0
    return len(index) > index.exact_up_to and len(index) - inside >= _BEHIND

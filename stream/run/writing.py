"""The writer's thread: closed tracklets, once embedded, written first-in-first-out."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from reid_core.gallery import Checkpoint, Gallery, IdentityPolicy, TrackletEntry
from reid_core.linker import Linker
from reid_core.runtime import Embedder
from reid_core.types import Floats, Modality, Tracklet
from reid_core.watching.service import Watching
from stream.chain.embedding import Embedding
from stream.chain.parts import tracklet_entry
from stream.run.timing import StageClock

# Tracklets that may wait: as many as are written in a few seconds when a run is stopped.
_WAITING = 64
_TOGETHER = 16
_POLL_SECONDS = 0.2

Entry = TrackletEntry | Checkpoint


class Writer:
    """Hands closed tracklets to the embedder and writes tracklets and checkpoints in order.

    A checkpoint is written behind every tracklet that was handed in before it, in one transaction with
    the last of them; so what is behind a checkpoint is always there.

    Args:
        gallery: where to.
        embedder: crops to vectors.
        space: in which the gallery compares them, named before the policy was made: scores are of it.
        policy: when visible tracklets become one identity.
        jpeg_quality: of the crops kept.
        clock: where embedding and writing are timed.
        linker: links infrared tracklets of live cameras as they close, if given.
        watching: looks out for watches as they close, if given.
    """

    def __init__(
        self,
        gallery: Gallery,
        embedder: Embedder,
        space: str,
        policy: IdentityPolicy,
        jpeg_quality: int,
        clock: StageClock,
        linker: Linker | None,
        watching: Watching | None = None,
    ) -> None:
        self._gallery = gallery
        self._space = space
        self._policy = policy
        self._jpeg_quality = jpeg_quality
        self._clock = clock
        self._linker = linker
        self._watching = watching
        self._embedding = Embedding(
            embedder, self._entry, lambda crops: clock.timed("embed", crops), _WAITING
        )
        self._queue: queue.Queue[Future[TrackletEntry] | Checkpoint | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, found: Tracklet | Checkpoint) -> None:
        """Hand in a tracklet or a checkpoint; waits while too many are waiting.

        Raises:
            NightreidError: embedding or writing failed; nothing handed in since is written.
        """
        self.check()
        entry = self._embedding.submit(found) if isinstance(found, Tracklet) else found
        while True:
            self.check()
            try:
                self._queue.put(entry, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def check(self) -> None:
        """Learn whether all is well.

        Raises:
            NightreidError: embedding or writing failed; nothing handed in since is written.
        """
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait until everything is written.

        Raises:
            NightreidError: embedding or writing failed.
        """
        self.join()
        self.check()

    def join(self) -> None:
        """Wait until everything is written or something has failed."""
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            self._thread.join()
        self._embedding.close()

    def _run(self) -> None:
        try:
            while True:
                entries, last = self._take()
                if entries:
                    self._write(entries)
                if last:
                    return
        except BaseException as error:  # handed to whoever puts next
            self._error = error

    def _take(self) -> tuple[list[Entry], bool]:
        """What is waiting, at least one thing and all of it embedded; and whether it was the last."""
        entries: list[Entry] = []
        while len(entries) < _TOGETHER:
            try:
                entry = self._queue.get(block=not entries)
            except queue.Empty:
                break
            if entry is None:
                return entries, True
            entries.append(entry.result() if isinstance(entry, Future) else entry)
        return entries, False

    def _write(self, entries: Sequence[Entry]) -> None:
        batch = [entry for entry in entries if isinstance(entry, TrackletEntry)]
        checkpoints = [entry for entry in entries if isinstance(entry, Checkpoint)]
        with self._clock.timed("write", len(batch)):
            self._gallery.add_tracklets(batch, self._space, self._policy, checkpoints)
        if self._linker is not None:
            tracklets = [entry.tracklet for entry in batch]
            infrared = [tracklet.id for tracklet in tracklets if tracklet.modality is Modality.INFRARED]
            with self._clock.timed("link", len(infrared)):
                self._linker.link(infrared)
        if self._watching is not None:
            self._watching.catch_up()

    def _entry(self, tracklet: Tracklet, vectors: Floats) -> TrackletEntry:
        # In the embedder's thread, and counted where it always was.
        with self._clock.timed("write", 0):
            return tracklet_entry(tracklet, vectors, self._jpeg_quality)

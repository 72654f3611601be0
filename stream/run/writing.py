"""The writer's thread: closed tracklets embedded and written first-in-first-out."""

import queue
import threading
from collections.abc import Sequence

from reid_core.gallery import Checkpoint, Gallery, IdentityPolicy
from reid_core.linker import Linker
from reid_core.runtime import Embedder
from reid_core.types import Floats, Modality, Tracklet
from stream.chain.parts import tracklet_entry
from stream.run.timing import StageClock

# Tracklets that may wait: as many as are written in a few seconds when a run is stopped.
_WAITING = 64
_TOGETHER = 16
_POLL_SECONDS = 0.2

Entry = Tracklet | Checkpoint


class Writer:
    """Embeds the crops of closed tracklets in batches and writes tracklets and checkpoints in order.

    A checkpoint is written behind every tracklet that was handed in before it, in one transaction with
    the last of them; so what is behind a checkpoint is always there.

    Args:
        gallery: where to.
        embedder: crops to vectors.
        policy: when visible tracklets become one identity.
        jpeg_quality: of the crops kept.
        clock: where embedding and writing are timed.
        linker: links infrared tracklets of live cameras as they close, if given.
    """

    def __init__(
        self,
        gallery: Gallery,
        embedder: Embedder,
        policy: IdentityPolicy,
        jpeg_quality: int,
        clock: StageClock,
        linker: Linker | None,
    ) -> None:
        self._gallery = gallery
        self._embedder = embedder
        self._policy = policy
        self._jpeg_quality = jpeg_quality
        self._clock = clock
        self._linker = linker
        self._queue: queue.Queue[Entry | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Hand in a tracklet or a checkpoint; waits while too many are waiting.

        Raises:
            NightreidError: writing failed; nothing handed in since is written.
        """
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
            NightreidError: writing failed; nothing handed in since is written.
        """
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait until everything is written.

        Raises:
            NightreidError: writing failed.
        """
        self.join()
        self.check()

    def join(self) -> None:
        """Wait until everything is written or writing has failed."""
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            self._thread.join()

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
        """What is waiting, at least one thing; and whether it was the last."""
        entries: list[Entry] = []
        while len(entries) < _TOGETHER:
            try:
                entry = self._queue.get(block=not entries)
            except queue.Empty:
                break
            if entry is None:
                return entries, True
            entries.append(entry)
        return entries, False

    def _write(self, entries: Sequence[Entry]) -> None:
        tracklets = [entry for entry in entries if isinstance(entry, Tracklet)]
        vectors = [self._embed(tracklet) for tracklet in tracklets]
        with self._clock.timed("write", len(tracklets)):
            batch = [
                tracklet_entry(tracklet, embedded, self._jpeg_quality)
                for tracklet, embedded in zip(tracklets, vectors, strict=True)
            ]
            checkpoints = [entry for entry in entries if isinstance(entry, Checkpoint)]
            self._gallery.add_tracklets(batch, self._embedder.model_id, self._policy, checkpoints)
        if self._linker is not None:
            infrared = [tracklet.id for tracklet in tracklets if tracklet.modality is Modality.INFRARED]
            with self._clock.timed("link", len(infrared)):
                self._linker.link(infrared)

    def _embed(self, tracklet: Tracklet) -> Floats:
        """Vectors of a tracklet's sightings: one batch, so that no other tracklet touches their last bits."""
        crops = [sighting.crop for sighting in tracklet.sightings]
        with self._clock.timed("embed", len(crops)):
            return self._embedder.embed(crops, tracklet.modality)

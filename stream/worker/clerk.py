"""The clerk: admits what workers staged, in the order in which it happened. One worker's at a time.

A staged tracklet is due once every camera that still moves has come as far as the capture time at which it
closed: then nothing earlier can come any more, whoever was faster. A camera holds nobody up whose stream has
ended, or that is silent for ``limits.idle_seconds`` with nothing of it waiting in Kafka; and nothing waits
for longer than ``limits.hold_seconds``. What comes behind its turn is admitted at once and counted.
"""

import logging
import threading
import time
from collections.abc import Sequence
from itertools import takewhile

from reid_core.gallery import Gallery
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.ledger import END, Ledger
from reid_core.gallery.staging import StagedRecord, Staging
from reid_core.runtime import Embedder
from reid_core.types import Modality
from stream.chain.parts import identity_policy, make_linker
from stream.kafka.blobs import BlobStore, BlobStoreAwayError
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.config import WorkerSettings

_LOG = logging.getLogger(__name__)
_TURN_SECONDS = 0.1
_BLIND_SECONDS = 2.0
_TOGETHER = 64
_PRUNE_SECONDS = 600.0


class Clerk:
    """Admits and links while it holds the lease.

    Args:
        gallery: to admit to.
        ledger: says which partitions nobody has looked into.
        embedder: whose calibrations decide.
        settings: of the worker.
        telemetry: told what happens.
        holder: name of this worker.
        blobs: to be kept from growing, if there is one.

    Attributes:
        error: what ended the thread, if it was no order to stop.
    """

    def __init__(
        self,
        gallery: Gallery,
        ledger: Ledger,
        embedder: Embedder,
        settings: WorkerSettings,
        telemetry: Telemetry,
        holder: str,
        blobs: BlobStore | None = None,
    ) -> None:
        self._blobs = blobs
        self._blob_seconds = 3600 * settings.blob_hours
        self._pruned = time.monotonic()
        self._gallery = gallery
        self._ledger = ledger
        self._limits = settings.limits
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._patience = Patience(self._stop, telemetry)
        name = f"clerk/{settings.group}"
        self._lease = Lease(gallery.database, name, holder, settings.limits.lease_seconds)
        self._staging = Staging(gallery, embedder.model_id, self._lease.guard)
        self._linker = make_linker(gallery, embedder, settings)
        self._model = embedder.model_id
        self._policy = identity_policy(embedder, settings)
        self._beats: dict[str, tuple[int, float]] = {}
        self._first_seen: dict[int, float] = {}
        self._looked = 0.0
        self._last_due = 0
        self._held = 0.0
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def lease(self) -> Lease:
        """Whose holder admits."""
        return self._lease

    @property
    def alive(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """End; what is staged stays for the next clerk."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stop.wait(_TURN_SECONDS):
                self._turn()
            self._lease.let_go()
        except Exception as error:
            if not (self._stop.is_set() and getattr(error, "transient", False)):
                self.error = error
                _LOG.error("The clerk stops: %s", error)

    def _turn(self) -> None:
        now = time.monotonic()
        if now - self._held >= self._limits.lease_seconds / 4:
            leading = self._lease.epoch is not None
            self._patience.until_done("database", self._lease.hold)
            self._held = now
            if (self._lease.epoch is not None) != leading:
                _LOG.info(
                    "This worker %s.",
                    "admits and announces now" if not leading else "no longer admits and announces",
                )
            self._telemetry.leads.set(self._lease.epoch is not None)
            behind = self._patience.until_done("database", lambda: self._gallery.index_lag(self._model))
            self._telemetry.index_lag.set(behind)
        if self._lease.epoch is None:
            return
        try:
            self._patience.until_done("database", self._admit_due)
        except LeaseLostError:
            _LOG.warning("Another worker has become the clerk.")
            self._held = 0.0
        if self._blobs is not None and now - self._pruned >= _PRUNE_SECONDS:
            self._pruned = now
            self._prune(self._blobs)

    def _prune(self, blobs: BlobStore) -> None:
        try:
            removed = blobs.remove_older(self._blob_seconds)
        except BlobStoreAwayError as error:
            _LOG.warning("Old blobs cannot be removed: %s", error)
        else:
            _LOG.info("%d old blobs removed.", removed)

    def _admit_due(self) -> None:
        self._look_again()
        now = time.monotonic()
        # How far they have come first: what is staged in between is behind that, or waits with the rest.
        come = self._come_to(now) if self._staging.waiting(1) else 0
        waiting = self._staging.waiting(_TOGETHER)
        self._telemetry.staged.set(len(waiting) if len(waiting) < _TOGETHER else self._staging.count())
        self._first_seen = {one.id: self._first_seen.get(one.id, now) for one in waiting}
        due = list(takewhile(lambda one: one.due_ns <= come, waiting))
        overdue = now - self._limits.hold_seconds
        due += [one for one in waiting[len(due) :] if self._first_seen[one.id] < overdue]
        self._admit(due)

    def _look_again(self) -> None:
        """Count nobody's silence from a time in which this clerk could not see: the database was away."""
        now = time.monotonic()
        if now - self._looked > _BLIND_SECONDS:
            self._beats, self._first_seen = {}, {}
        self._looked = now

    def _come_to(self, now: float) -> int:
        """The capture time that every camera has come to that still moves."""
        behind, unopened = self._ledger.behind()
        if unopened:
            # Somebody may be about to find an earlier tracklet in a partition that nobody has opened yet.
            return 0
        come = 1 << 62
        for stream in self._staging.streams():
            camera = stream.progress.camera
            beat, since = self._beats.get(camera, (-1, now))
            if beat != stream.beat:
                self._beats[camera] = (stream.beat, now)
                since = now
            waits = (stream.progress.topic, stream.progress.number) in behind
            moves = waits or now - since < self._limits.idle_seconds
            if not stream.progress.ended and moves:
                come = min(come, stream.progress.seen_ns)
        return come

    def _admit(self, due: Sequence[StagedRecord]) -> None:
        """Visible tracklets together, infrared ones one by one: a link is to the gallery as it is then."""
        visible: list[StagedRecord] = []
        for record in due:
            if record.due_ns < self._last_due:
                self._telemetry.late_tracklets.labels(record.camera).inc()
            self._last_due = max(self._last_due, record.due_ns)
            if record.modality is Modality.VISIBLE and record.kind != END:
                visible.append(record)
                continue
            self._write(visible)
            visible = []
            self._link(record)
        self._write(visible)

    def _write(self, records: Sequence[StagedRecord]) -> None:
        if records:
            with self._telemetry.timed("admit"):
                self._staging.admit(records, self._policy)

    def _link(self, record: StagedRecord) -> None:
        if record.kind == END:
            # Who came into view since may be somebody whom an earlier tracklet fits better.
            tracklets = self._linker.infrared_of(record.subject)
        else:
            tracklets = (record.subject,)
            if not record.admitted:
                self._write([record])
        with self._telemetry.timed("link"):
            links = self._linker.link(tracklets, lambda session: self._staging.settle(session, record))
        if record.kind != END:
            self._telemetry.links.labels(links[0].decision).inc()
            self._telemetry.latency.observe(time.time() - record.due_ns / 1e9)

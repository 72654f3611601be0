"""The clerk: admits what workers staged, in the order in which it happened. One worker's at a time.

A staged tracklet is due once everything has been read that was in Kafka when it was staged, and every camera
that still moves has come past the capture time at which it closed: then nothing earlier can come any more,
whoever was faster. A camera moves until its stream has ended, or until whoever holds its partition says that
it has been silent for ``limits.idle_seconds``. Nothing waits for longer than ``limits.hold_seconds`` in which
nothing waited in Kafka. What comes behind its turn is admitted at once and counted; infrared recordings that
have ended by then are ranked again once nothing else is due.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile

from reid_core.errors import NightreidError
from reid_core.gallery import Gallery
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.ledger import TRACKLET, Ledger
from reid_core.gallery.staging import StagedRecord, Staging
from reid_core.runtime import Embedder
from reid_core.types import Modality
from stream.chain.parts import identity_policy, make_linker
from stream.kafka.blobs import BlobStore, BlobStoreAwayError
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.config import WorkerSettings
from stream.worker.soundings import Place, Soundings

_LOG = logging.getLogger(__name__)
_TURN_SECONDS = 0.1
# What came to Kafka longer ago is read in time: no record waits.
_PROMPT_SECONDS = 5.0
_LONGEST_TURN_SECONDS = 2.0
_TOGETHER = 64
_NO_TIME = 1 << 62
_PRUNE_SECONDS = 600.0


class Clerk:
    """Admits and links while it holds the lease.

    Args:
        gallery: to admit to.
        ledger: says how far the partitions have been read.
        embedder: whose calibrations decide.
        settings: of the worker.
        soundings: where the partitions end.
        telemetry: told what happens.
        holder: name of this worker.
        blobs: to be kept from growing, if there is one.
        pruned: told how many old ones were removed.

    Attributes:
        error: what ended the thread, if it was no order to stop.
    """

    def __init__(
        self,
        gallery: Gallery,
        ledger: Ledger,
        embedder: Embedder,
        settings: WorkerSettings,
        soundings: Soundings,
        telemetry: Telemetry,
        holder: str,
        blobs: BlobStore | None = None,
        pruned: Callable[[int], None] | None = None,
    ) -> None:
        self._blobs = blobs
        self._tell_pruned = pruned
        self._blob_seconds = 3600 * settings.blob_hours
        self._pruned = time.monotonic()
        self._gallery = gallery
        self._ledger = ledger
        self._limits = settings.limits
        self._topics = settings.topics
        self._soundings = soundings
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._done = threading.Event()
        self._beat_seconds = settings.limits.lease_seconds / 4
        self._admits = False
        self._patience = Patience(self._stop, telemetry)
        name = f"clerk/{settings.group}"
        self._lease = Lease(gallery.database, name, holder, settings.limits.lease_seconds)
        self._space = gallery.comparing(embedder.model_id)
        self._staging = Staging(gallery, self._space, self._lease.guard)
        self._linker = make_linker(gallery, embedder, settings)
        self._policy = identity_policy(gallery, embedder, settings)
        # The highest number that was staged by then, and since when everything has been read that was in
        # Kafka at that time: the highest number of all of those.
        self._staged: deque[tuple[float, int]] = deque()
        self._preceded = 0
        # Seconds in which nothing waited in Kafka; what they were when a number was the highest that was
        # staged; and the highest of all that have waited for too long.
        self._waited = 0.0
        self._turned = soundings.now()
        self._seen: deque[tuple[float, int]] = deque()
        self._overdue = 0
        self._last_due = 0
        self._held = 0.0
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)
        self._beating = threading.Thread(target=self._beat, name="clerk's lease", daemon=True)

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
        self._beating.start()
        try:
            while not self._stop.wait(_TURN_SECONDS):
                self._turn()
            self._lease.let_go()
        except Exception as error:
            if not (self._stop.is_set() and getattr(error, "transient", False)):
                self.error = error
                _LOG.error("The clerk stops: %s", error)
        finally:
            self._done.set()

    def _beat(self) -> None:
        """Show that one is alive while tracklets are ranked, however long that takes.

        Not while old blobs are removed: others need not wait for that.
        """
        while not self._done.wait(self._beat_seconds):
            if not self._admits:
                continue
            try:
                self._lease.renew()
            except NightreidError as error:
                # The turn waits for the database and tells of it; whatever it writes makes sure of the lease.
                _LOG.debug("The clerk's lease is not renewed: %s", error)

    def _turn(self) -> None:
        now = time.monotonic()
        if now - self._held >= self._beat_seconds:
            before = self._lease.epoch
            self._patience.until_done("database", self._lease.hold)
            self._held = now
            if self._lease.epoch != before:
                # Also where it was another's in between, unnoticed.
                self._staging.begin()
            if (self._lease.epoch is None) != (before is None):
                _LOG.info(
                    "This worker %s.",
                    "admits and announces now" if before is None else "no longer admits and announces",
                )
            self._telemetry.leads.set(self._lease.epoch is not None)
            behind = self._patience.until_done("database", lambda: self._gallery.index_lag(self._space))
            self._telemetry.index_lag.set(behind)
        if self._lease.epoch is None:
            self._telemetry.trouble("order", None)
            return
        self._admits = True
        try:
            self._patience.until_done("database", self._admit_due)
        except LeaseLostError:
            _LOG.warning("Another worker has become the clerk.")
            self._held = 0.0
        finally:
            self._admits = False
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
            if self._tell_pruned is not None:
                self._tell_pruned(removed)

    def _admit_due(self) -> None:
        newest = self._staging.newest()
        if not newest:
            self._telemetry.staged.set(0)
            return
        # How far all has come first: what is staged in between is behind that, or waits with the rest.
        self._note(newest)
        come = self._come_to()
        waiting = self._staging.waiting(_TOGETHER)
        self._telemetry.staged.set(len(waiting) if len(waiting) < _TOGETHER else self._staging.count())
        due = list(takewhile(lambda one: self._is_preceded(one) and one.due_ns < come, waiting))
        # These may lie behind many that have not waited for as long.
        overdue = self._staging.waiting_up_to(min(self._overdue, self._preceded), _TOGETHER)
        due += [one for one in overdue if one not in due]
        self._admit(due)
        if not due:
            self._rank_again(min(come, waiting[0].due_ns) if waiting else come)

    def _note(self, newest: int) -> None:
        """Note what has been staged, and what of it nothing can precede that is not staged as well."""
        now = self._soundings.now()
        if newest > (self._staged[-1][1] if self._staged else self._preceded):
            self._staged.append((now, newest))
        latest = self._soundings.latest
        if self._staged and (latest is None or latest.moment <= self._staged[-1][0]):
            self._soundings.want()
        read = self._soundings.read_up_to(self._read())
        while self._staged and self._staged[0][0] < read:
            self._preceded = self._staged.popleft()[1]
        if now - read < _PROMPT_SECONDS:
            # A turn is long only where this clerk waited for something itself.
            self._waited += min(now - self._turned, _LONGEST_TURN_SECONDS)
        self._turned = now
        if newest > (self._seen[-1][1] if self._seen else self._overdue):
            if self._seen and self._seen[-1][0] == self._waited:
                self._seen.pop()  # a backlog, however long, takes no memory
            self._seen.append((self._waited, newest))
        while self._seen and self._seen[0][0] < self._waited - self._limits.hold_seconds:
            self._overdue = self._seen.popleft()[1]

    def _read(self) -> dict[Place, int]:
        """How far the partitions of the topics have been read."""
        latest = self._soundings.latest
        reached = self._ledger.reached(latest.topic_ids if latest is not None else {})
        read = {place: offset for place, offset in reached.items() if place[0] in self._topics}
        unknown = sorted(read.keys() - latest.ends.keys()) if latest is not None else []
        said = [
            f"Kafka does not say where partition {number} of {topic} ends; nothing is admitted until it does."
            for topic, number in unknown[:1]
        ]
        self._telemetry.trouble("order", said[0] if said else None)
        return read

    def _is_preceded(self, record: StagedRecord) -> bool:
        """Whether everything has been read that was in Kafka when it was staged."""
        return record.id <= self._preceded

    def _come_to(self) -> int:
        """The capture time that every camera has come to that still moves."""
        latest = self._soundings.latest
        if latest is None:
            return 0
        moving = [
            one for one in self._staging.streams() if one.moves and (one.topic, one.number) in latest.ends
        ]
        return min((one.seen_ns for one in moving), default=_NO_TIME)

    def _rank_again(self, come: int) -> None:
        """Rank a recording again whose links were made before all who came earlier were in the gallery."""
        for record in self._staging.to_rank_again(1):
            if self._is_preceded(record) and record.due_ns < come:
                self._link(record)

    def _admit(self, due: Sequence[StagedRecord]) -> None:
        """Visible tracklets together, infrared ones one by one: a link is to the gallery as it is then."""
        visible: list[StagedRecord] = []
        for record in due:
            if record.due_ns < self._last_due:
                self._telemetry.late_tracklets.labels(record.camera).inc()
            self._last_due = max(self._last_due, record.due_ns)
            if record.modality is Modality.VISIBLE and record.kind == TRACKLET:
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
        if record.kind != TRACKLET:
            # Who came into view since may be somebody whom an earlier tracklet fits better.
            tracklets = self._linker.infrared_of(record.subject)
        else:
            tracklets = (record.subject,)
            if not record.admitted:
                self._write([record])
        with self._telemetry.timed("link"):
            links = self._linker.link(tracklets, lambda session: self._staging.settle(session, record))
        if record.kind == TRACKLET and links:
            self._telemetry.links.labels(links[0].decision).inc()
            self._telemetry.latency.observe(time.time() - record.due_ns / 1e9)

"""A night-shift worker: a member of a consumer group that turns frames into sightings and links.

Three threads, and one for each follower. This module's is the consumer's: it polls, pauses where too much
waits, and has records decoded ahead. The shift (`stream.worker.shift`) looks at them and writes. The clerk
(`stream.worker.clerk`) admits what is staged, in one worker of the group at a time. Followers
(`stream.followers`) do what comes after; the announcer among them works where the clerk does.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from detectors.detector import PersonDetector
from reid_core.errors import NightreidError
from reid_core.gallery import Gallery
from reid_core.gallery.ledger import Ledger
from reid_core.models.language import TextEncoder
from reid_core.runtime import Embedder
from stream.chain.parts import make_watching
from stream.followers.starting import Followers
from stream.followers.surroundings import Surroundings
from stream.kafka.blobs import BlobStore
from stream.kafka.clients import (
    KafkaConsumer,
    Record,
    TopicPartition,
    consumer,
    kafka_errors,
    translated,
)
from stream.kafka.polling import DamagedRecordError, poll
from stream.kafka.topic_ids import TopicIds
from stream.kafka.wire import holds_raw_frame
from stream.service.patience import Patience
from stream.service.process import return_memory
from stream.service.status_server import StatusServer
from stream.service.telemetry import Telemetry
from stream.worker.assignments import ANSWER_MS, Assignments
from stream.worker.clerk import Clerk
from stream.worker.config import WorkerSettings
from stream.worker.housekeeping import Housekeeper
from stream.worker.partitions import Share
from stream.worker.records import (
    POLLED,
    Damaged,
    Item,
    Prepared,
    Taken,
    Waiting,
    cost_of,
    prepare,
)
from stream.worker.reporting import Reporter
from stream.worker.shift import Shift
from stream.worker.soundings import Soundings
from stream.worker.unconfirmed import Polled, Unconfirmed

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_REPORT_SECONDS = 1.0
_SOUND_SECONDS = 0.25
_RETURN_SECONDS = 60.0

FETCH = {"max_poll_records": POLLED, "fetch_max_bytes": 16 << 20, "max_partition_fetch_bytes": 4 << 20}
"""How much is fetched at a time; memory is bounded by it beside what waits."""


class Worker:
    """One worker.

    Args:
        gallery: to write to.
        detector: finds the people.
        embedder: turns crops into vectors.
        settings: of the worker.
        stop: set it to end in order.
        prepare_record: reads and decodes a record; for tests that need a decoder of their own.
        encoder: of captions, and of the descriptions of watches; without one, none of them fires.
    """

    def __init__(
        self,
        gallery: Gallery,
        detector: PersonDetector,
        embedder: Embedder,
        settings: WorkerSettings,
        stop: threading.Event,
        prepare_record: Callable[[Taken], Prepared] | None = None,
        encoder: TextEncoder | None = None,
    ) -> None:
        self._settings = settings
        self._stop = stop
        self.telemetry = Telemetry()
        self._patience = Patience(stop, self.telemetry)
        self._blobs = BlobStore(settings.blobs) if settings.blobs is not None else None
        self._prepare = prepare_record or self._read
        self._waiting = Waiting()
        self._soundings = Soundings()
        self._ledger = Ledger(gallery.database, settings.group)
        holder = settings.member or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._shift = Shift(
            gallery,
            self._ledger,
            detector,
            embedder,
            settings,
            self._waiting,
            self._prepare,
            self.telemetry,
            holder,
            self._soundings,
        )
        self._housekeeper = Housekeeper(gallery, settings, holder)
        self._clerk = Clerk(
            gallery,
            self._ledger,
            embedder,
            settings,
            self._soundings,
            self.telemetry,
            holder,
            self._blobs,
            self._housekeeper.note_blobs,
        )
        surroundings = Surroundings(
            gallery,
            self.telemetry,
            settings.kafka,
            settings.prefix,
            settings.group,
            settings.limits.record_bytes,
            captions=settings.captions,
            encoder=encoder,
            watching=make_watching(gallery, embedder, settings, encoder),
            webhooks=settings.webhooks,
            alert_keys=settings.alert_signing.keys("alert_signing"),
        )
        self._followers = Followers(
            surroundings, holder, settings.limits.lease_seconds, {"clerk": self._clerk.lease}
        )
        self._ids = TopicIds()
        self._unconfirmed = Unconfirmed(self._ids)
        self._assigned = Assignments(
            self._waiting, self._shift.claimed, self.telemetry, self._heartbeat_seconds, self._ids
        )
        self._reporter = Reporter(
            self._waiting,
            self._assigned,
            self._soundings,
            self.topics,
            self.telemetry,
            self._heartbeat_seconds,
            self._ids,
        )
        self._paused = False
        self._reported = 0.0
        self._returned = time.monotonic()

    @property
    def settled(self) -> int:
        """Frames gone through so far."""
        return self._shift.settled

    @property
    def _heartbeat_seconds(self) -> float:
        return min(3.0, self._settings.session_seconds / 4)

    @property
    def topics(self) -> list[str]:
        """The topics that frames are taken from."""
        return self._settings.topics

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            NightreidError: something that does not pass by waiting.
        """
        with ExitStack() as stack:
            if self._settings.metrics_port is not None:
                server = StatusServer(
                    self._settings.metrics_port,
                    self.telemetry.registry,
                    self.is_live,
                    self.readiness,
                    self._settings.metrics_host,
                )
                stack.enter_context(server)
                _LOG.info("Status at port %d: /metrics, /live, /ready.", server.port)
            pool = stack.enter_context(
                ThreadPoolExecutor(self._settings.limits.decoders, thread_name_prefix="decode")
            )
            self._shift.start()
            self._clerk.start()
            self._followers.start()
            self._housekeeper.start()
            try:
                self._consume(pool)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end()
        if self._shift.error is not None:
            raise self._shift.error
        if self._clerk.error is not None:
            raise self._clerk.error

    def is_live(self) -> bool:
        """Whether the worker gets anywhere, or waits for something that is away."""
        silent = time.monotonic() - self.telemetry.progressed
        return self._shift.alive and self._clerk.alive and silent < self._settings.limits.stuck_seconds

    def readiness(self) -> tuple[bool, list[str]]:
        """Whether the worker takes part in the work, and why it does not."""
        reasons = self.telemetry.troubles()
        if not self._assigned.changes.joined:
            reasons.append("The worker has not joined its group yet.")
        return not reasons, list(dict.fromkeys(reasons))

    # The consumer's thread

    def _consume(self, pool: ThreadPoolExecutor) -> None:
        try:
            client = self._patience.until_done("kafka", self._connect)
        except NightreidError as error:
            if self._stop.is_set() and error.transient:
                return
            raise
        try:
            while not self._stop.is_set() and self._shift.alive and self._clerk.alive:
                try:
                    with translated():
                        self._turn(client, pool)
                    self.telemetry.trouble("kafka", None)
                except NightreidError as error:
                    if not error.transient:
                        raise
                    _LOG.warning("kafka: %s", error)
                    self.telemetry.trouble("kafka", str(error))
                    self._stop.wait(1.0)
        finally:
            self._leave(client)

    def _connect(self) -> KafkaConsumer:
        settings = self._settings
        seconds = settings.session_seconds
        client = consumer(
            settings.kafka,
            group_id=settings.group,
            group_instance_id=settings.member,
            session_timeout_ms=int(seconds * 1000),
            heartbeat_interval_ms=int(self._heartbeat_seconds * 1000),
            partition_assignment_strategy=[CooperativeStickyAssignor()],
            **FETCH,
        )
        self._expect(client)
        client.subscribe(self.topics, listener=self._assigned.changes)
        return client

    def _expect(self, client: KafkaConsumer) -> None:
        """Let the ledger know which partitions there are, so that none is waited for in vain or forgotten."""
        with translated():
            partitions = [
                (topic, number)
                for topic in self.topics
                for number in sorted(client.partitions_for_topic(topic) or ())
            ]
        if not partitions:
            _LOG.warning("There are no topics %s yet.", " and ".join(self.topics))
        self._ledger.expect(partitions)

    def _turn(self, client: KafkaConsumer, pool: ThreadPoolExecutor) -> None:
        self._breathe(client)
        got: dict[TopicPartition, list[Record]] = {}
        damaged = None
        try:
            got = poll(client, _POLL_SECONDS)
        except DamagedRecordError as error:
            damaged = error
        # At once: what was polled does not come again, and anything below may fail for a while.
        for partition, records in got.items():
            share = self._assigned.shares.get(partition)
            # What came before the share was claimed is fetched again from where the ledger says.
            if share is not None and share.alive:
                self._unconfirmed.keep(Polled(share, records))
        if damaged is not None and (share := self._assigned.shares.get(damaged.place)) is not None:
            told = Damaged(share, damaged.offset, damaged.message)
            self._unconfirmed.keep(Polled(share, damaged=told))
        asked = self._unconfirmed.confirmed(self._assigned.shares, lambda: self._ids.ask(client, ANSWER_MS))
        for polled in asked:
            if polled.damaged is not None:
                self._waiting.put(polled.damaged)
            else:
                self._hand_over(polled.share, polled.records, pool)
        self._assigned.follow(client)
        self._assigned.begin_claimed(client, self._paused)
        since = time.monotonic() - self._reported
        if since >= (_SOUND_SECONDS if self._soundings.wanted else _REPORT_SECONDS):
            self._reported = time.monotonic()
            self._reporter.report(client, self._paused)
        if time.monotonic() - self._returned >= _RETURN_SECONDS:
            return_memory()
            self._returned = time.monotonic()

    def _breathe(self, client: KafkaConsumer) -> None:
        """Fetch nothing more while enough waits; the membership stays."""
        limits = self._settings.limits
        waiting = len(self._waiting) + len(self._unconfirmed)
        full = waiting >= limits.records or self._waiting.bytes >= limits.bytes
        if full != self._paused or full:
            partitions = [one for one in client.assignment() if one in self._assigned.shares]
            (client.pause if full else client.resume)(*partitions)
            self._paused = full
            self.telemetry.paused.set(full)

    def _hand_over(self, share: Share, records: Sequence[Record], pool: ThreadPoolExecutor) -> None:
        limits = self._settings.limits
        handed: list[tuple[Item, int]] = []
        room = limits.bytes - self._waiting.bytes
        for record in records:
            taken, cost = Taken(share, record, None), cost_of(record, limits.pixels)
            hold = share.hold
            alone = hold.careful_from <= record.offset < hold.careful_below
            if alone or cost > room or holds_raw_frame(record.headers):
                # Not decoded ahead: large frames that come together would take more than they may, and
                # those that are not compressed are handed over and back for longer than they are read.
                cost = len(record.value or b"")
            else:
                taken = Taken(share, record, pool.submit(self._prepare, taken))
            room -= cost
            handed.append((taken, cost))
        if handed:
            self._waiting.extend(handed)
            label = records[0].topic, str(records[0].partition)
            self.telemetry.records.labels(*label).inc(len(records))

    def _read(self, taken: Taken) -> Prepared:
        limits = self._settings.limits
        with self.telemetry.timed("decode"):
            return prepare(taken.record, self._blobs, limits.pixels, limits.bytes)

    # Ending

    def _leave(self, client: KafkaConsumer) -> None:
        """Write what is begun with before the partitions are given up."""
        if not self._shift.stop(self._settings.limits.stop_seconds):
            _LOG.warning("Work in progress did not finish in time; it is repeated from the last write.")
        # With a name of its own a worker stays a member: started again in time, it disturbs nobody.
        with suppress(kafka_errors.KafkaError, NightreidError):
            client.close(autocommit=False, timeout_ms=5000)

    def _end(self) -> None:
        self._shift.stop(self._settings.limits.stop_seconds)
        self._followers.stop(self._settings.limits.stop_seconds)
        self._clerk.stop(self._settings.limits.stop_seconds)
        self._housekeeper.stop(self._settings.limits.stop_seconds)

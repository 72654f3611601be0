"""What happened, from the outbox to Kafka: each event once, in order, whatever falls over in between.

Records go out in transactions of one producer id, so that whoever was announcing before is shut out. How far
it came is read back from the topics themselves: every record carries the number of its outbox row, and the
place to begin reading at is kept with the lease. So a fall between Kafka's commit and ours repeats nothing.
"""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reid_core.errors import NightreidError
from reid_core.gallery.database import Database
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import LINK_MADE, TRACKLET_CLOSED, Event, Outbox
from reid_core.types import Modality
from stream.kafka.clients import (
    KafkaProducer,
    TopicPartition,
    consumer,
    kafka_errors,
    let_go,
    producer,
    translated,
)
from stream.kafka.dead_letters import HEADERS as LETTER_HEADERS
from stream.kafka.dead_letters import DeadLetter, nightreid_version
from stream.kafka.polling import poll
from stream.kafka.topic_plan import DEAD_LETTERS
from stream.service.telemetry import Telemetry
from stream.worker.config import WorkerSettings
from stream.worker.records import unpack_record

_LOG = logging.getLogger(__name__)
_KINDS = frozenset({TRACKLET_CLOSED, LINK_MADE, RECORD_REFUSED})
_TOGETHER = 256
# What headers and framing may take of a record.
_ROOM = 32 * 1024
_TURN_SECONDS = 0.1
_AWAY_SECONDS = 2.0
_POLL_SECONDS = 0.5
_TIMEOUT_MS = 20_000
OUTBOX_HEADER = "outbox"
"""Header that carries the number of the outbox row."""

LEFT_OUT_HEADER = "dlq.left_out"
"""Header of a dead letter whose value was too large to be sent: its size in bytes."""

SCHEMA_HEADER = "schema"
SIGHTING_SCHEMA, LINK_SCHEMA = "nightreid.sighting/1.0", "nightreid.link/1.0"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A record to be published."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Announcer:
    """Publishes the outbox while its worker holds the lease.

    Args:
        database: of the gallery.
        lease: says whether it may, and remembers how far it came.
        settings: of the worker.
        telemetry: told what happens.
    """

    def __init__(
        self, database: Database, lease: Lease, settings: WorkerSettings, telemetry: Telemetry
    ) -> None:
        self._outbox = Outbox(database)
        self._lease = lease
        self._settings = settings
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._epoch: int | None = None
        self._producer: KafkaProducer | None = None
        self._position = 0
        self._ends: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="announce", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End; what is not announced stays for the next one."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.wait(_TURN_SECONDS):
            try:
                with translated():
                    self._turn()
                self._telemetry.trouble("announcing", None)
            except LeaseLostError:
                self._let_go()
            except NightreidError as error:
                # Whatever it was, nothing is lost: it is in the outbox, and what went out is read back.
                _LOG.warning("Announcing waits: %s", error)
                self._telemetry.trouble("announcing", str(error))
                self._let_go()
                self._stop.wait(_AWAY_SECONDS)
            except Exception:
                _LOG.exception("Announcing failed; it begins anew.")
                self._let_go()
                self._stop.wait(_AWAY_SECONDS)
        self._let_go()

    def _let_go(self) -> None:
        if self._producer is not None:
            let_go(self._producer)
        self._producer, self._epoch = None, None

    def _turn(self) -> None:
        epoch = self._lease.epoch
        if epoch is None:
            self._let_go()
            return
        if epoch != self._epoch or self._producer is None:
            self._let_go()
            self._take_over()
            self._epoch = epoch
        while not self._stop.is_set() and self._announce():
            pass

    def _take_over(self) -> None:
        """Shut out whoever announced before, and find out how far it came."""
        name = f"nightreid.{self._settings.prefix}{self._settings.group}"
        # Kafka asks that one request may take less than a delivery.
        brisk = self._settings.kafka.model_copy(update={"request_seconds": _TIMEOUT_MS / 2000})
        made = producer(
            brisk,
            transactional_id=name,
            linger_ms=5,
            delivery_timeout_ms=_TIMEOUT_MS,
            transaction_timeout_ms=_TIMEOUT_MS,
            max_request_size=self._settings.limits.record_bytes,
        )
        try:
            made.init_transactions()
            state = self._lease.state()
            self._position = int(state.get("position", 0))
            self._ends = dict(state.get("ends", {}))
            self._read_back()
        except BaseException:
            let_go(made)
            raise
        self._producer = made

    def _read_back(self) -> None:
        """Go on behind the last event that is on a topic."""
        client = consumer(self._settings.kafka, group_id=None, isolation_level="read_committed")
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in self._topics()
                for number in sorted(client.partitions_for_topic(topic) or ())
            ]
            if not partitions:
                return
            client.assign(partitions)
            first, last = client.beginning_offsets(partitions), client.end_offsets(partitions)
            for partition in partitions:
                name = _name(partition.topic, partition.partition)
                begin = self._ends.get(name, 0)
                kept = first[partition] <= begin <= last[partition]
                client.seek(partition, begin if kept else first[partition])
            left = set(partitions)
            while left and not self._stop.is_set():
                for partition, records in poll(client, _POLL_SECONDS).items():
                    for record in records:
                        self._position = max(self._position, _number(record.headers))
                        self._ends[_name(partition.topic, partition.partition)] = record.offset + 1
                left = {one for one in left if client.position(one) < last[one]}
        finally:
            let_go(client)

    def _topics(self) -> list[str]:
        frames = [f"dlq.frames.{modality}" for modality in Modality]
        return [f"{self._settings.prefix}{topic}" for topic in ("sightings", "links", *frames)]

    def _announce(self) -> bool:
        """Publish what is next in one transaction; returns whether there may be more."""
        events = self._outbox.after(self._position, _KINDS, _TOGETHER)
        full = len(events) == _TOGETHER
        waiting = self._outbox.count_after(self._position, _KINDS) if full else len(events)
        self._telemetry.outbox_lag.set(waiting)
        if not events:
            return False
        assert self._producer is not None
        self._producer.begin_transaction()
        try:
            sent = self._send(events)
            self._producer.commit_transaction()
        except kafka_errors.KafkaError:
            # The next take-over ends the transaction; nobody sees its records.
            let_go(self._producer, 0)
            self._producer = None
            raise
        for topic, future in sent:
            placed = future.get(timeout=1)
            name = _name(placed.topic, placed.partition)
            self._ends[name] = max(self._ends.get(name, 0), placed.offset + 1)
            self._telemetry.announced.labels(topic).inc()
        self._position = events[-1].id
        self._lease.put_state({"position": self._position, "ends": self._ends})
        letters = [int(event.payload["id"]) for event in events if event.kind == RECORD_REFUSED]
        self._outbox.forget_refused(letters)
        return len(events) == _TOGETHER

    def _send(self, events: Sequence[Event]) -> list[tuple[str, Any]]:
        assert self._producer is not None
        sent = []
        for event in events:
            one = self._announcement(event)
            if one is not None:
                one = self._sendable(one)
                headers = [*one.headers, (OUTBOX_HEADER, str(event.id).encode())]
                future = self._producer.send(one.topic, one.value, key=one.key, headers=headers)
                sent.append((one.topic, future))
        self._producer.flush(timeout=_TIMEOUT_MS / 1000)
        for _, future in sent:
            future.get(timeout=_TIMEOUT_MS / 1000)
        return sent

    def _sendable(self, one: Announcement) -> Announcement:
        """The same, without what makes it larger than Kafka takes: it must not stop the others."""
        most, size = self._settings.limits.record_bytes - _ROOM, _size(one)
        if size <= most:
            return one
        _LOG.warning("A record of %d bytes for %s goes without its value: it is too large.", size, one.topic)
        told = (LEFT_OUT_HEADER, str(len(one.value or b"")).encode())
        cut = replace(one, value=b"", headers=[*one.headers, told])
        if _size(cut) > most:
            # Its own headers are in front of those that say why it is a dead letter.
            cut = replace(cut, key=None, headers=cut.headers[-len(LETTER_HEADERS) - 1 :])
        return cut

    def _announcement(self, event: Event) -> Announcement | None:
        prefix = self._settings.prefix
        if event.kind == RECORD_REFUSED:
            return self._dead_letter(event)
        said = self._outbox.tracklet(event.subject)
        if said is None:
            return None
        key = str(said["camera"]).encode()
        if event.kind == TRACKLET_CLOSED:
            return Announcement(f"{prefix}sightings", key, _packed(said), _headers(SIGHTING_SCHEMA))
        link = self._outbox.link(event.subject, str(event.payload["model"]))
        # What was decided then counts; the candidates are those of now.
        decided = {name: event.payload[name] for name in ("decision", "identity", "model")}
        value = _packed({**said, **(link or {}), **decided})
        return Announcement(f"{prefix}links", key, value, _headers(LINK_SCHEMA))

    def _dead_letter(self, event: Event) -> Announcement | None:
        refused = self._outbox.refused(int(event.payload["id"]))
        if refused is None:
            return None
        key, headers, value = unpack_record(refused.record)
        letter = DeadLetter(
            topic=refused.topic,
            partition=refused.number,
            offset=refused.offset,
            key=key,
            value=value,
            headers=tuple(headers),
            reason=refused.reason,
            message=refused.message,
            attempts=refused.attempts,
            version=nightreid_version(),
            time_ns=event.created_ns,
        ).to_record()
        prefix = self._settings.prefix
        topic = f"{prefix}{DEAD_LETTERS}{refused.topic.removeprefix(prefix)}"
        return Announcement(topic, letter.key, letter.value, letter.headers)


def _size(one: Announcement) -> int:
    headers = sum(len(name.encode()) + len(value) for name, value in one.headers)
    return len(one.key or b"") + len(one.value or b"") + headers


def _headers(schema: str) -> list[tuple[str, bytes]]:
    return [(SCHEMA_HEADER, schema.encode())]


def _packed(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _name(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def _number(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """The outbox row that a record tells of; 0 where it is not one of ours."""
    for name, value in headers:
        if name == OUTBOX_HEADER and value is not None and value.isdigit():
            return int(value)
    return 0

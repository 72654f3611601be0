"""What happened, from the outbox to Kafka: each event once, in order, whatever falls over in between.

Records go out in transactions of one producer id, so that whoever was announcing before is shut out. How far
it came is read back from the topics themselves: every record carries the number of its outbox row, and the
place to begin reading at is kept with the mark. So a fall between Kafka's commit and ours repeats nothing.
`stream.followers.told_before` tells that from a gallery that was restored.
"""

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import ALERT_RAISED, Event, Outbox, forget_refused
from stream.followers.announcements import KINDS, Announcement
from stream.followers.follower import Mark, OutsideFollower
from stream.followers.surroundings import Surroundings
from stream.followers.told_before import Told, digest, go_on, headers_of, told_by
from stream.kafka.clients import (
    KafkaProducer,
    TopicPartition,
    consumer,
    kafka_errors,
    let_go,
    producer,
    translated,
)
from stream.kafka.dead_letters import begin_of
from stream.kafka.polling import poll
from stream.webhooks.signing import signed

_LOG = logging.getLogger(__name__)
# What headers and framing may take of a record.
_ROOM = 32 * 1024
_POLL_SECONDS = 0.5
_TIMEOUT_MS = 20_000
LEFT_OUT_HEADER = "dlq.left_out"
"""Header of a dead letter whose value was too large to be sent: its size in bytes."""


@dataclass(frozen=True, slots=True)
class _Work:
    """Records that are to be sent, taken out as they are; and which dead letters are among them."""

    records: deque[Announcement]
    letters: Sequence[int]


def announcer(surroundings: Surroundings) -> "Announcer":
    """The announcer of a worker."""
    return Announcer(surroundings)


class Announcer(OutsideFollower[_Work]):
    """Publishes the outbox while its worker is the clerk: both are known by one metric, and go together.

    Args:
        surroundings: of the worker.
    """

    name = "announcer"
    kinds = frozenset(KINDS)
    together = 256
    lease = "clerk"

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._outbox = Outbox(surroundings.gallery.database)
        self._telemetry = surroundings.telemetry
        self._producer: KafkaProducer | None = None
        self._ends: dict[str, int] = {}
        self._generation = 1

    def waits(self, events: int) -> None:
        """Tell how much is to be announced."""
        self._telemetry.outbox_lag.set(events)

    def let_go(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            let_go(self._producer)
        self._producer = None

    # Taking over

    def recover(self, mark: Mark) -> int:
        """Shut out whoever announced before, and find out how far it came."""
        with translated():
            around = self._surroundings
            # Kafka asks that one request may take less than a delivery.
            brisk = around.kafka.model_copy(update={"request_seconds": _TIMEOUT_MS / 2000})
            made = producer(
                brisk,
                transactional_id=f"nightreid.{around.prefix}{around.group}",
                linger_ms=5,
                delivery_timeout_ms=_TIMEOUT_MS,
                transaction_timeout_ms=_TIMEOUT_MS,
                max_request_size=around.record_bytes,
            )
            try:
                made.init_transactions()
                self._ends = dict(mark.notes.get("ends", {}))
                known = int(mark.notes.get("generation", 1))
                position, self._generation = go_on(
                    self._outbox, self.kinds, mark.position, known, self._read_back()
                )
            except BaseException:
                let_go(made)
                raise
            self._producer = made
            return position

    def _read_back(self) -> list[Told]:
        """What is on the topics behind where is known what is there."""
        found: list[Told] = []
        client = consumer(self._surroundings.kafka, group_id=None, isolation_level="read_committed")
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in self._topics()
                for number in sorted(client.partitions_for_topic(topic) or ())
            ]
            if not partitions:
                return found
            client.assign(partitions)
            first, last = client.beginning_offsets(partitions), client.end_offsets(partitions)
            for partition in partitions:
                begin = self._ends.get(_name(partition.topic, partition.partition), 0)
                kept = first[partition] <= begin <= last[partition]
                client.seek(partition, begin if kept else first[partition])
            left = set(partitions)
            while left and not self._surroundings.stop.is_set():
                for partition, records in poll(client, _POLL_SECONDS).items():
                    for record in records:
                        told = told_by(record.headers)
                        found += [told] if told is not None else []
                        self._ends[_name(partition.topic, partition.partition)] = record.offset + 1
                left = {one for one in left if client.position(one) < last[one]}
        finally:
            let_go(client)
        return found

    def _topics(self) -> list[str]:
        """Each once: several kinds of events may be told on one."""
        topics = dict.fromkeys(topic for kind in KINDS.values() for topic in kind.topics)
        return [f"{self._surroundings.prefix}{topic}" for topic in topics]

    # Announcing

    def prepare(self, events: Sequence[Event]) -> _Work:
        """Make the records that tell of events."""
        made = (self._made(event) for event in events)
        letters = [int(event.payload["id"]) for event in events if event.kind == RECORD_REFUSED]
        return _Work(deque(one for one in made if one is not None), letters)

    def deliver(self, work: _Work) -> Mapping[str, Any]:
        """Publish them in one transaction."""
        assert self._producer is not None
        with translated():
            self._producer.begin_transaction()
            try:
                sent = self._send(work.records)
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
        generation = {"generation": self._generation} if self._generation > 1 else {}
        return {"ends": self._ends, **generation}

    def commit(self, session: Session, work: _Work) -> None:
        """Keep no record of a dead letter that is on its topic."""
        forget_refused(session, work.letters)

    def _made(self, event: Event) -> Announcement | None:
        one = KINDS[event.kind].make(self._outbox, event, self._surroundings.prefix)
        if one is None:
            return None
        one = self._sendable(one)
        signature = self._signature(event, one.value or b"")
        return replace(one, headers=[*one.headers, *headers_of(event, self._generation), *signature])

    def _signature(self, event: Event, value: bytes) -> list[tuple[str, bytes]]:
        """What an alert's record is signed with, as a webhook's delivery is."""
        keys = self._surroundings.alert_keys
        if event.kind != ALERT_RAISED or not keys:
            return []
        made = signed(keys, digest(event), int(time.time()), value)
        return [(name, text.encode()) for name, text in made.items()]

    def _sendable(self, one: Announcement) -> Announcement:
        """The same, without what makes it larger than Kafka takes: it must not stop the others."""
        most, size = self._surroundings.record_bytes - _ROOM, _size(one)
        if size <= most:
            return one
        _LOG.warning("A record of %d bytes for %s goes without its value: it is too large.", size, one.topic)
        told = (LEFT_OUT_HEADER, str(len(one.value or b"")).encode())
        cut = replace(one, value=b"", headers=[*one.headers, told])
        if _size(cut) > most:
            # Its own headers are in front of those that say why it is a dead letter.
            cut = replace(cut, key=None, headers=cut.headers[begin_of(cut.headers) or 0 :])
        return cut

    def _send(self, records: deque[Announcement]) -> list[tuple[str, Any]]:
        assert self._producer is not None
        sent = []
        while records:
            # The client keeps it until it is there; here it would be kept twice.
            one = records.popleft()
            future = self._producer.send(one.topic, one.value, key=one.key, headers=one.headers)
            sent.append((one.topic, future))
        self._producer.flush(timeout=_TIMEOUT_MS / 1000)
        for _, future in sent:
            future.get(timeout=_TIMEOUT_MS / 1000)
        return sent


def _size(one: Announcement) -> int:
    headers = sum(len(name.encode()) + len(value) for name, value in one.headers)
    return len(one.key or b"") + len(one.value or b"") + headers


def _name(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"

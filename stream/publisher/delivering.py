"""From the buffer into Kafka: every record that is not dropped by policy, in order, until it is acknowledged.

The client library is handed a few records at a time and tries for ever. Where it gives one up all the
same, or gets nowhere for long, its connection is left behind and a new one sends everything again from the
first record that was not acknowledged: in order, and at worst twice. Readers tell by the numbers.
"""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import tenacity

from reid_core.errors import NightreidError
from stream.kafka.clients import (
    KafkaProducer,
    KafkaSettings,
    admin,
    explain_kafka,
    kafka_errors,
    producer,
    translated,
)
from stream.kafka.errors import BrokerAwayError, BrokerError
from stream.kafka.wire import sent_at
from stream.publisher.accounts import Accounts
from stream.publisher.outgoing import Outgoing, Record

_POLL_SECONDS = 0.1
# Longer than the library's own patience with one request, several times over.
_STALLED_SECONDS = 120.0
_CLOSING_SECONDS = 2.0
_FIRST_SECONDS = 0.25
_MOST_SECONDS = 5.0
# A record is given up by this publisher's policy or by nobody.
_FOR_EVER_MS = 10**12
# How long a topic nobody knows of may hold up a call, and with it the end of everything.
_TOPIC_MS = 5000
_RECORD_ROOM = 64 * 1024
# Whoever runs the broker may allow larger records meanwhile.
_REFUSED_SECONDS = 60.0

_TOO_LARGE = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)


class Deliverer:
    """Hands records to Kafka in a thread of its own.

    Args:
        outgoing: where they wait.
        kafka: how the brokers are reached.
        inline_bytes: what a frame in a record may take.
        topics: where the records go.
        accounts: told what became of each.
        note: told what a person should know.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        kafka: KafkaSettings,
        inline_bytes: int,
        topics: Iterable[str],
        accounts: Accounts,
        note: Callable[[str], None],
    ) -> None:
        self._outgoing = outgoing
        self._kafka = kafka
        self._inline_bytes = inline_bytes
        self._topics = frozenset(topics)
        self._accounts = accounts
        self._note = note
        self._ending = threading.Event()
        self._proven = False
        self._failure: Exception | None = None
        self._refusals: dict[str, tuple[int, float]] = {}
        self._thread = threading.Thread(target=self._run, name="deliver", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it is at work."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise what ended it, if anything did.

        Raises:
            NightreidError: Kafka will never take anything as it was asked.
        """
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End, whatever still waits."""
        self._ending.set()
        # A thread that waits for a broker to be reached is left behind.
        self._thread.join(_CLOSING_SECONDS + 2 * _POLL_SECONDS)

    def _run(self) -> None:
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._passes),
            wait=tenacity.wait_exponential_jitter(
                multiplier=_FIRST_SECONDS, max=_MOST_SECONDS, jitter=_FIRST_SECONDS
            ),
            stop=tenacity.stop_when_event_set(self._ending),
            sleep=tenacity.sleep_using_event(self._ending),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            while not self._ending.is_set():
                tries(self._session)
        except Exception as error:
            if not self._ending.is_set():
                self._failure = error

    def _tell(self, state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome is not None:
            self._note(f"{state.outcome.exception()} Retrying.")

    def _session(self) -> None:
        """Deliver over one connection, for as long as it holds.

        Raises:
            BrokerError: it broke, or none could be had, before anything was acknowledged.
        """
        if self._ending.is_set():
            return
        session = _Session(self._connect(), self._outgoing, self._accounts)
        self._accounts.connected()
        try:
            self._serve(session)
            # What is under way fails when the connection is closed: that is no news.
            error = session.error
        finally:
            session.close()
            self._outgoing.take_back()
        self._proven = self._proven or session.acknowledged > 0
        if session.refused is not None:
            self._refuse(session.refused)
            return
        if error is not None and session.acknowledged == 0:
            raise error
        if error is not None:
            self._note(f"{error} Reconnecting.")

    def _passes(self, error: BaseException) -> bool:
        """Whether to try again: what once took records will take them again."""
        return isinstance(error, NightreidError) and (error.transient or self._proven)

    def _connect(self) -> KafkaProducer:
        if not self._proven:
            self._check_topics()
        return producer(
            self._kafka,
            delivery_timeout_ms=_FOR_EVER_MS,
            max_block_ms=_TOPIC_MS,
            max_request_size=self._inline_bytes + _RECORD_ROOM,
            # One batch of a partition is under way at a time: a backlog goes in batches of many frames.
            batch_size=self._inline_bytes,
            metrics_enabled=False,
        )

    def _check_topics(self) -> None:
        """The producer would wait for a topic that does not exist as long as for a broker that is away."""
        with admin(self._kafka) as client, translated():
            missing = sorted(self._topics - set(client.list_topics()))
        if missing:
            raise BrokerError(
                f"Kafka has no topic {' and no topic '.join(missing)}.",
                "`nightreid topics create` creates them.",
            )

    def _serve(self, session: "_Session") -> None:
        while not self._ending.is_set() and not session.over:
            if session.stalled:
                session.error = BrokerAwayError("Kafka acknowledges nothing.")
                return
            record = self._outgoing.take(_POLL_SECONDS)
            if record is not None and self._is_refused(record):
                self._outgoing.refuse(record)
            elif record is not None:
                session.send(record)

    def _is_refused(self, record: Record) -> bool:
        """Whether the topic has refused a record that was no larger; each costs a connection."""
        size, when = self._refusals.get(record.topic, (0, 0.0))
        return 0 < size <= record.size and time.monotonic() - when < _REFUSED_SECONDS

    def _refuse(self, record: Record) -> None:
        """Drop a record that is too large, and from now on those that are no smaller."""
        if record.topic not in self._refusals:
            self._note(
                f"Kafka takes no record of {record.size} bytes in {record.topic}: such frames are dropped "
                f"and counted. `nightreid topics check` shows the topic's limit; lower the quality, or "
                f"name a blob store and lower inline_bytes."
            )
        self._refusals[record.topic] = (record.size, time.monotonic())


class _Session:
    """One connection: its producer, and what became of the records it was given.

    Attributes:
        error: why it can be used no more.
        refused: the record that was too large; the client cannot be used after that either.
        acknowledged: how many records arrived.
    """

    def __init__(
        self,
        client: KafkaProducer,
        outgoing: Outgoing,
        accounts: Accounts,
    ) -> None:
        self.error: NightreidError | None = None
        self.refused: Record | None = None
        self.acknowledged = 0
        self._client = client
        self._outgoing = outgoing
        self._accounts = accounts
        self._begun = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether it can be used no more."""
        return self.error is not None or self.refused is not None

    @property
    def stalled(self) -> bool:
        """Whether it has got nowhere for long."""
        silent = min(self._outgoing.silent_seconds, time.monotonic() - self._begun)
        return silent > _STALLED_SECONDS

    def send(self, record: Record) -> None:
        """Hand a record over."""
        try:
            future = self._client.send(
                record.topic,
                value=record.value,
                key=record.key,
                # By the clock that stamps the frames: how long they waited here is then no fault of it.
                headers=sent_at(record.headers, time.time_ns()),
                timestamp_ms=record.made_ms,
            )
        except Exception as error:
            self._break(record, error)
            return
        self._accounts.sent(record)
        future.add_callback(partial(self._arrived, record))
        future.add_errback(partial(self._failed, record))

    def close(self) -> None:
        """Let go of the connection; what is under way is under way."""
        self._stop_sending()
        try:
            self._client.close(timeout=_CLOSING_SECONDS)
        except kafka_errors.KafkaError:
            return

    def _arrived(self, record: Record, _metadata: Any) -> None:
        if self._outgoing.acknowledge(record):
            self.acknowledged += 1
            self._accounts.acknowledged(record)

    def _failed(self, record: Record, error: Exception) -> None:
        """Called by the library's thread, before it sends anything else."""
        # Records behind this one must not overtake it.
        self._stop_sending()
        self._break(record, error)

    def _break(self, record: Record, error: Exception) -> None:
        if self.over:
            # Of what fails first the library fails all the rest, with the same error.
            return
        if isinstance(error, _TOO_LARGE) and self._outgoing.refuse(record):
            self.refused = record
        else:
            self.error = _explained(error)

    def _stop_sending(self) -> None:
        # close() begins by waiting for everything that is under way, and where that does not arrive it
        # raises and leaves its thread at work.
        self._client._sender.force_close()


def _explained(error: Exception) -> NightreidError:
    if isinstance(error, NightreidError):
        return error
    if isinstance(error, kafka_errors.KafkaError):
        return explain_kafka(error)
    return BrokerAwayError(f"Kafka's client failed: {error}.")

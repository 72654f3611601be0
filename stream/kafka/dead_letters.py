"""The form of a dead letter: a record that will never be worked on, kept with the reason.

A dead letter is its record, key, value and headers unchanged, in the topic ``dlq.<topic>``, with the headers
of `HEADERS` behind its own, and that of its topic's id where that is known. What stands behind those in turn
was added on the way and is no part of either.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import NamedTuple, Self

from reid_core.gallery.refusals import packed_record
from stream.kafka.clients import Record
from stream.kafka.errors import DeadLetterError
from stream.kafka.wire import REPLAY_HEADER

HEADERS = {
    "dlq.topic": "topic of the record",
    "dlq.partition": "its partition, decimal",
    "dlq.offset": "its offset, decimal",
    "dlq.reason": "why it can never be processed: a stable code",
    "dlq.message": "one sentence",
    "dlq.attempts": "number of attempts, decimal",
    "dlq.version": "of nightreid",
    "dlq.time_ns": "when it became a dead letter, UTC nanoseconds since 1970, decimal",
}
"""Every header of a dead letter, in order, and what it holds."""

TOPIC_ID_HEADER = "dlq.topic_id"
"""Header behind those, where it is known: Kafka's own id of the topic, which one made anew has not."""

_LONGEST_MESSAGE = 2000
_MOST_NS = 1 << 62

Headers = tuple[tuple[str, bytes | None], ...]


class Outgoing(NamedTuple):
    """A record as a producer takes it."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class DeadLetter:
    """A record that will never be worked on.

    Attributes:
        topic: where the record is.
        partition: its partition.
        offset: its offset.
        key: of the record.
        value: of the record.
        headers: of the record.
        reason: stable code.
        message: one sentence.
        attempts: how often it was tried.
        version: of the nightreid that gave it up.
        time_ns: when, UTC nanoseconds.
        topic_id: Kafka's own of the topic; empty where it is not known.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: Headers = field(repr=False)
    reason: str
    message: str
    attempts: int
    version: str
    time_ns: int
    topic_id: str = ""

    @classmethod
    def of(cls, record: Record, reason: str, message: str, attempts: int = 1) -> Self:
        """The dead letter that a record becomes now, in this version."""
        return cls(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
            reason=reason,
            message=message,
            attempts=attempts,
            version=nightreid_version(),
            time_ns=time.time_ns(),
        )

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Read a record of a dead-letter topic.

        Raises:
            DeadLetterError: it is no dead letter.
        """
        begin = begin_of(record.headers)
        told = [] if begin is None else record.headers[begin : begin + len(HEADERS)]
        if begin is None or [name for name, _ in told] != list(HEADERS):
            raise no_letter(record, "its headers differ")
        behind = record.headers[begin + len(HEADERS) :][:1]
        topic, partition, offset, reason, message, attempts, version_, time_ns = (
            _text(value) for _, value in told
        )
        try:
            if not 0 <= int(time_ns) < _MOST_NS:
                raise ValueError
            return cls(
                topic=topic,
                partition=int(partition),
                offset=int(offset),
                key=record.key,
                value=record.value,
                headers=tuple(record.headers[:begin]),
                reason=reason,
                message=message,
                attempts=int(attempts),
                version=version_,
                time_ns=int(time_ns),
                topic_id=_text(behind[0][1]) if behind and behind[0][0] == TOPIC_ID_HEADER else "",
            )
        except ValueError:
            raise no_letter(record, "its headers do not hold the numbers they should") from None

    @property
    def place(self) -> str:
        """``topic/partition/offset`` of the record."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def to_record(self) -> Outgoing:
        """The record that goes into the dead-letter topic."""
        told = (
            self.topic,
            self.partition,
            self.offset,
            self.reason,
            self.message[:_LONGEST_MESSAGE],
            self.attempts,
            self.version,
            self.time_ns,
        )
        mine = [(name, str(text).encode(errors="replace")) for name, text in zip(HEADERS, told, strict=True)]
        if self.topic_id:
            mine.append((TOPIC_ID_HEADER, self.topic_id.encode()))
        return _sendable(self.key, self.value, self.headers, mine)

    def to_replay(self) -> Outgoing:
        """The record as it goes back to where it came from."""
        own = tuple(each for each in self.headers if each[0] != REPLAY_HEADER)
        return _sendable(self.key, self.value, own, [(REPLAY_HEADER, self.place.encode())])


def begin_of(headers: Sequence[tuple[str, bytes | None]]) -> int | None:
    """Where a dead letter's own headers begin, behind those of its record; ``None`` where it has none."""
    return max((at for at, (name, _) in enumerate(headers) if name == "dlq.topic"), default=None)


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


def _sendable(
    key: bytes | None, value: bytes | None, own: Headers, more: list[tuple[str, bytes]]
) -> Outgoing:
    # The client library sends no header without a value, and no record without both key and value; a
    # record like that comes from elsewhere, and must not hold up the letters behind it for ever.
    headers = [(name, text if text is not None else b"") for name, text in own]
    return Outgoing(key, b"" if key is None and value is None else value, headers + more)


def no_letter(record: Record, why: str) -> DeadLetterError:
    """Say that a record is no dead letter."""
    return DeadLetterError(
        f"The record {record.topic}/{record.partition}/{record.offset} is no dead letter: {why}."
    )


def pack_record(record: Record | None) -> bytes:
    """Key, headers and value as bytes, for a dead letter; ``None`` for a record that could not be read."""
    if record is None:
        return packed_record(None, (), None)
    return packed_record(record.key, record.headers, record.value)


@cache
def nightreid_version() -> str:
    """The version that is installed."""
    return version("nightreid")


def topic_of(place: str) -> str:
    """The topic in ``topic/partition/offset``.

    Raises:
        DeadLetterError: it has another form.
    """
    topic, *numbers = place.split("/")
    if not topic or len(numbers) != 2 or not all(each.isascii() and each.isdigit() for each in numbers):
        raise DeadLetterError(
            f"{place!r} is not of the form topic/partition/offset.", "`nightreid dlq list` prints it."
        )
    return topic

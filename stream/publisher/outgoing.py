"""What is encoded and not yet acknowledged: bounded in bytes, with a stated policy for when it is full.

The client library would take any number of records while the broker is away; so it is given only a few at
a time, and the rest waits here, where the bound and the policy apply.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

_POLL_SECONDS = 0.1
# What a record costs beside its bytes: the objects around them.
_OVERHEAD = 1024


class Policy(StrEnum):
    """What gives way when a camera's next frame does not fit."""

    WAIT = "wait"
    DROP_OLDEST = "drop-oldest"
    DROP_LATEST = "drop-latest"


class Cause(StrEnum):
    """Why a numbered frame did not reach Kafka."""

    OLDEST = "oldest"
    """It was the oldest when the buffer was full."""
    LATEST = "latest"
    """It was the latest when the buffer was full."""
    ENCODING = "encoding"
    """The encoders were behind its camera."""
    TOO_LARGE = "too-large"
    """It is larger than a record or the buffer may be, and there is no blob store."""
    REFUSED = "refused"
    """The broker takes no record of that size."""
    STORAGE = "storage"
    """The blob store did not take it."""
    FAILED = "failed"
    """It could not be encoded."""
    STOPPED = "stopped"
    """There was no room for it when everything was to end."""


@dataclass(slots=True, eq=False)
class Record:
    """One record on its way to Kafka.

    Attributes:
        topic: where it goes.
        key: decides on the partition.
        value: its body.
        headers: its headers.
        camera: whose it is.
        capture_ns: capture time of the frame.
        made_ms: when it was made, milliseconds since 1970.
        policy: of its camera.
        end: whether it ends a stream instead of holding a frame; such a one never gives way.
        sent: how often it was handed to the client library.
        size: what it counts, bytes.
    """

    topic: str
    key: bytes
    value: bytes = field(repr=False)
    headers: list[tuple[str, bytes]] = field(repr=False)
    camera: str
    capture_ns: int
    made_ms: int
    policy: Policy
    end: bool = False
    sent: int = 0
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Weigh it."""
        text = sum(len(name) + len(value) for name, value in self.headers)
        self.size = len(self.value) + len(self.key) + text + _OVERHEAD


class Outgoing:
    """Records that wait, and records in flight, oldest first; all of them within one bound.

    Args:
        most_bytes: the bound.
        most_in_flight: how much of it may be in flight at once; one record always may.
        most_waiting: how much of it records may fill whose policy is to wait, so that they leave room
            for those of cameras that cannot.
        dropped: told of each record that gave way, and why.
    """

    def __init__(
        self,
        most_bytes: int,
        most_in_flight: int,
        most_waiting: int,
        dropped: Callable[[Record, Cause], None],
    ) -> None:
        self.most_bytes = most_bytes
        self._most_in_flight = most_in_flight
        self._most_waiting = most_waiting
        self._dropped = dropped
        self._changed = threading.Condition()
        self._queue: deque[Record] = deque()
        self._in_flight: dict[Record, None] = {}
        self._queued_bytes = 0
        self._in_flight_bytes = 0
        self._progress = time.monotonic()

    def put(self, record: Record, stop: threading.Event) -> bool:
        """Take a record in as its policy says.

        Args:
            record: the next of its camera.
            stop: ends the waiting of a record whose policy that is.

        Returns:
            whether it was taken in; if not, it was dropped and told of.
        """
        if not record.end and record.size > self._limit(record):
            self._dropped(record, Cause.TOO_LARGE)
            return False
        with self._changed:
            while not record.end and not self._fits(record):
                if record.policy is Policy.WAIT:
                    if stop.is_set():
                        self._dropped(record, Cause.STOPPED)
                        return False
                    self._changed.wait(_POLL_SECONDS)
                elif record.policy is Policy.DROP_LATEST or not self._drop_oldest():
                    self._dropped(record, Cause.LATEST)
                    return False
            if not self._queue and not self._in_flight:
                self._progress = time.monotonic()
            self._queue.append(record)
            self._queued_bytes += record.size
            self._changed.notify_all()
        return True

    def take(self, seconds: float) -> Record | None:
        """The next record to hand over, in flight from now on.

        Args:
            seconds: how long to wait for one, and for room in flight.
        """
        with self._changed:
            if not self._changed.wait_for(self._can_take, seconds):
                return None
            record = self._queue.popleft()
            self._queued_bytes -= record.size
            self._in_flight[record] = None
            self._in_flight_bytes += record.size
            record.sent += 1
            return record

    def acknowledge(self, record: Record) -> bool:
        """Let go of a record that arrived; whether it was in flight still."""
        return self._let_go(record)

    def refuse(self, record: Record) -> bool:
        """Drop a record in flight that will never be taken; whether it was in flight still."""
        if not self._let_go(record):
            return False
        self._dropped(record, Cause.REFUSED)
        return True

    def take_back(self) -> int:
        """Put what is in flight back in front, in its order; returns how many records that were."""
        with self._changed:
            count = len(self._in_flight)
            self._queue.extendleft(reversed(self._in_flight))
            self._queued_bytes += self._in_flight_bytes
            self._in_flight.clear()
            self._in_flight_bytes = 0
            self._changed.notify_all()
        return count

    def wait_empty(self, seconds: float) -> bool:
        """Wait until everything is acknowledged; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._in_flight, seconds)

    @property
    def bytes(self) -> int:
        """What waits and what is in flight."""
        return self._queued_bytes + self._in_flight_bytes

    @property
    def bytes_in_flight(self) -> int:
        """What was handed to the client library and is not acknowledged."""
        return self._in_flight_bytes

    def __len__(self) -> int:
        """How many records wait or are in flight."""
        with self._changed:
            return len(self._queue) + len(self._in_flight)

    @property
    def silent_seconds(self) -> float:
        """How long ago something was acknowledged while something waited; 0 where nothing waits."""
        with self._changed:
            idle = not self._queue and not self._in_flight
            return 0.0 if idle else time.monotonic() - self._progress

    def _let_go(self, record: Record) -> bool:
        with self._changed:
            if record not in self._in_flight:
                return False
            del self._in_flight[record]
            self._in_flight_bytes -= record.size
            self._progress = time.monotonic()
            self._changed.notify_all()
        return True

    def _limit(self, record: Record) -> int:
        return self._most_waiting if record.policy is Policy.WAIT else self.most_bytes

    def _fits(self, record: Record) -> bool:
        return self.bytes + record.size <= self._limit(record)

    def _can_take(self) -> bool:
        if not self._queue:
            return False
        return not self._in_flight or self._in_flight_bytes + self._queue[0].size <= self._most_in_flight

    def _drop_oldest(self) -> bool:
        """Drop the oldest waiting frame that may be; whether there was one."""
        for place, record in enumerate(self._queue):
            if record.policy is Policy.DROP_OLDEST and not record.end:
                del self._queue[place]
                self._queued_bytes -= record.size
                self._dropped(record, Cause.OLDEST)
                return True
        return False

"""What a publisher has done so far: frames read, sent, acknowledged, and every one that was not."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from stream.publisher.outgoing import Cause, Outgoing, Record

_PREFIX = "nightreid_publisher"


class State(StrEnum):
    """What a camera is doing."""

    OPENING = "opening"
    READING = "reading"
    AWAY = "away"
    ENDED = "ended"
    BROKEN = "broken"


@dataclass(slots=True)
class CameraStatus:
    """One camera so far.

    Attributes:
        camera: its id.
        live: whether it is a camera rather than a recording.
        state: what it is doing.
        total: how many frames it has, as far as is known.
        read: frames read.
        limited: those left out because there were more of them than wanted.
        sent: those handed to Kafka's client.
        acknowledged: those that Kafka has.
        dropped: those that were numbered and given up, by cause.
        streams: how many streams it has begun.
        reconnects: how often it came back.
        delay_s: how old a live camera's last frame was when Kafka had it.
        message: one sentence where it is away or broke off.
        read_at: when the last frame was read, on the monotonic clock.
    """

    camera: str
    live: bool
    state: State = State.OPENING
    total: int | None = None
    read: int = 0
    limited: int = 0
    sent: int = 0
    acknowledged: int = 0
    dropped: dict[Cause, int] = field(default_factory=dict)
    streams: int = 0
    reconnects: int = 0
    delay_s: float | None = None
    message: str | None = None
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """A publisher so far.

    Attributes:
        cameras: each of them.
        waiting: records made and not acknowledged.
        waiting_bytes: what these take.
        silent_s: for how long Kafka has acknowledged nothing although something waits.
        sessions: how often Kafka was connected to.
        again: records that were handed over once more after a connection broke.
    """

    cameras: tuple[CameraStatus, ...]
    waiting: int
    waiting_bytes: int
    silent_s: float
    sessions: int
    again: int

    @property
    def acknowledged(self) -> int:
        """Frames acknowledged by Kafka."""
        return sum(camera.acknowledged for camera in self.cameras)

    @property
    def dropped(self) -> int:
        """Frames that were numbered and given up."""
        return sum(sum(camera.dropped.values()) for camera in self.cameras)


class Accounts:
    """Counts what every thread of a publisher reports.

    Args:
        cameras: their ids, and which of them are live.
    """

    def __init__(self, cameras: Iterable[tuple[str, bool]]) -> None:
        self._lock = threading.Lock()
        self._cameras = {camera: CameraStatus(camera, live) for camera, live in cameras}
        self._sessions = 0
        self._again = 0

    def opened(self, camera: str, total: int | None) -> bool:
        """A camera begins a stream; whether it was told of as being away."""
        with self._lock:
            one = self._cameras[camera]
            was_away = one.state is State.AWAY
            one.state, one.total, one.message = State.READING, total, None
            one.reconnects += one.streams > 0
            one.streams += 1
            return was_away

    def recorded(self, camera: str) -> None:
        """What was thought to be a camera is a recording."""
        with self._lock:
            self._cameras[camera].live = False

    def reopened(self, camera: str, times: int) -> None:
        """A camera came back within its stream."""
        with self._lock:
            self._cameras[camera].reconnects += times

    def stopped(self, camera: str, state: State, message: str | None) -> bool:
        """A camera ended, broke off or is away; whether that is news."""
        with self._lock:
            one = self._cameras[camera]
            is_news = one.state is not state
            one.state, one.message = state, message
            return is_news

    def read(self, camera: str, limited: bool) -> None:
        """A frame was read, and left out if there are more than wanted."""
        with self._lock:
            one = self._cameras[camera]
            one.read += 1
            one.limited += limited
            one.read_at = time.monotonic()

    def dropped(self, camera: str, cause: Cause) -> None:
        """A numbered frame was given up."""
        with self._lock:
            dropped = self._cameras[camera].dropped
            dropped[cause] = dropped.get(cause, 0) + 1

    def sent(self, record: Record) -> None:
        """A record was handed to Kafka's client."""
        with self._lock:
            if record.sent > 1:
                self._again += 1
            elif not record.end:
                self._cameras[record.camera].sent += 1

    def acknowledged(self, record: Record) -> None:
        """Kafka has a record."""
        with self._lock:
            if record.end:
                return
            one = self._cameras[record.camera]
            one.acknowledged += 1
            if one.live:
                one.delay_s = (time.time_ns() - record.capture_ns) / 1e9

    def connected(self) -> None:
        """Kafka answered."""
        with self._lock:
            self._sessions += 1

    def being_read(self, seconds: float) -> bool:
        """Whether any camera is read: a recording, or a live one whose last frame is no older."""
        since = time.monotonic() - seconds
        with self._lock:
            return any(
                one.state is State.READING and (not one.live or one.read_at >= since)
                for one in self._cameras.values()
            )

    def status(self, outgoing: Outgoing) -> PublishStatus:
        """Everything as of now."""
        with self._lock:
            cameras = tuple(replace(one, dropped=dict(one.dropped)) for one in self._cameras.values())
            sessions, again = self._sessions, self._again
        return PublishStatus(cameras, len(outgoing), outgoing.bytes, outgoing.silent_seconds, sessions, again)


class AccountsCollector(Collector):
    """The accounts as Prometheus reads them.

    Args:
        accounts: of the cameras.
        outgoing: the buffer.
    """

    def __init__(self, accounts: Accounts, outgoing: Outgoing) -> None:
        self._accounts = accounts
        self._outgoing = outgoing

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Every metric."""
        status = self._accounts.status(self._outgoing)
        yield from _camera_counters(status.cameras)
        dropped = CounterMetricFamily(
            f"{_PREFIX}_frames_dropped", "Numbered frames that were dropped.", labels=["camera", "cause"]
        )
        for one in status.cameras:
            for cause in Cause:
                dropped.add_metric([one.camera, cause], one.dropped.get(cause, 0))
        yield dropped
        up = GaugeMetricFamily(f"{_PREFIX}_camera_up", "Whether the camera is being read.", labels=["camera"])
        delay = GaugeMetricFamily(
            f"{_PREFIX}_delay_seconds", "Age of its last frame when Kafka acknowledged it.", labels=["camera"]
        )
        for one in status.cameras:
            up.add_metric([one.camera], one.state is State.READING)
            if one.delay_s is not None:
                delay.add_metric([one.camera], one.delay_s)
        yield up
        yield delay
        gauges = {
            "buffer_bytes": ("Encoded, not yet acknowledged.", status.waiting_bytes),
            "buffer_limit_bytes": ("Limit of the buffer.", self._outgoing.most_bytes),
            "buffer_records": ("Records encoded, not yet acknowledged.", status.waiting),
            "in_flight_bytes": (
                "Handed to Kafka's client, not yet acknowledged.",
                self._outgoing.bytes_in_flight,
            ),
            "silent_seconds": ("Time since Kafka acknowledged anything of what is queued.", status.silent_s),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value)
        sessions = "Connections made to Kafka."
        yield CounterMetricFamily(f"{_PREFIX}_kafka_sessions", sessions, value=status.sessions)
        again = "Records sent again after a connection broke."
        yield CounterMetricFamily(f"{_PREFIX}_records_again", again, value=status.again)


def _camera_counters(cameras: Iterable[CameraStatus]) -> Iterator[CounterMetricFamily]:
    texts = {
        "read": ("frames_read", "Frames read."),
        "limited": ("frames_limited", "Frames skipped by max_fps."),
        "sent": ("frames_sent", "Frames handed to Kafka's client."),
        "acknowledged": ("frames_acknowledged", "Frames acknowledged by Kafka."),
        "streams": ("streams", "Streams started."),
        "reconnects": ("reconnects", "Camera reconnects."),
    }
    for attribute, (name, text) in texts.items():
        family = CounterMetricFamily(f"{_PREFIX}_{name}", text, labels=["camera"])
        for one in cameras:
            family.add_metric([one.camera], getattr(one, attribute))
        yield family

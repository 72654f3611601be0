"""One camera's records back into one order: by their numbers, each once, with times that only go forward.

Rules, in the order in which they are tried:

* A record of a stream that is over is **late** and left out.
* A record that was replayed, of another stream than the current one, is **late** while that one is not over:
  a dead letter ends no stream of a camera that goes on. A stream that was itself begun by one it may end.
* A record of another stream than the current one begins that stream; the current one is over.
* A number below the next one is a **duplicate** or late and left out, unless the camera's clock went on
  while its numbers began anew: then the camera restarted without saying so, and the stream is split there
  into **epochs**.
* A number above the next one waits for those in between, for at most ``window`` records or ``lateness``
  seconds of capture time; then these are **missing**.
* A live camera whose clock is off the broker's by more than ``clock_tolerance`` at the first record of its
  stream, is in the broker's future, or jumps back, is **skewed**: from there on its clock is put right by the
  difference. (A record that comes late is no sign: it may have waited for a broker that was away. So what is
  compared is when it was sent, where the publisher says that, and when it was captured elsewhere.)
* A time that is not behind the one before becomes the nanosecond behind it: **backwards**.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reid_core.config import Settings
from stream.kafka.envelope import Envelope, Kind, Stream

_REMEMBERED = 16


class OrderSettings(Settings):
    """How far records may be out of order and clocks off.

    Attributes:
        window: records that may wait for a missing number.
        lateness_seconds: capture time that may pass while they wait.
        clock_tolerance_seconds: how far a live camera's clock may be off the broker's.
    """

    window: int = 8
    lateness_seconds: float = 2.0
    clock_tolerance_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record as it came out of a partition.

    Attributes:
        envelope: what it says.
        offset: where it lies.
        broker_ns: when the broker took it, UTC nanoseconds.
        content: whatever the caller wants back with it.
    """

    envelope: Envelope
    offset: int
    broker_ns: int
    content: Any = None


@dataclass(frozen=True, slots=True)
class Clock:
    """What is known of a camera's clock in front of a frame: enough to go on from there.

    Attributes:
        offset_ns: added to its times to put them right.
        last_ns: time of the frame before, put right; ``None`` at the first.
        capture_ns: the latest time that the camera itself gave; ``None`` at the first.
    """

    offset_ns: int = 0
    last_ns: int | None = None
    capture_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A recording begins, or is gone on with, here.

    Attributes:
        recording: its id.
        stream: of the camera, its start put right.
        width: of its frames.
        height: of its frames.
    """

    recording: str
    stream: Stream
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """A frame in its turn.

    Attributes:
        arrival: the record.
        recording: the recording it belongs to.
        index: its number there.
        time_ns: its time, UTC nanoseconds, behind that of the one before.
        low: nothing of the recording from this frame on lies in front of this offset.
        clock: of the camera, in front of this frame.
    """

    arrival: Arrival
    recording: str
    index: int
    time_ns: int
    low: int
    clock: Clock


@dataclass(frozen=True, slots=True)
class Over:
    """A recording is over.

    Attributes:
        recording: its id.
        stream: of the camera, as its records say.
        frames: how many frames it had.
        problem: one sentence where it did not end in order.
    """

    recording: str
    stream: Stream
    frames: int
    problem: str | None


Step = Begun | Ordered | Over


@dataclass(slots=True)
class _Numbering:
    """The current recording of the camera."""

    stream: Stream
    recording: str
    next: int
    begun_ns: int
    clock: Clock
    waiting: dict[int, Arrival] = field(default_factory=dict)


class Sequencer:
    """Puts one camera's records in order.

    Whoever restores one from its `state`, feeds it the records from the ``low`` of a frame on, and tells
    `resume` that frame's number and clock, gets from there on what he got before.

    Args:
        camera: the camera's id.
        settings: how far things may be off.
        state: what an earlier sequencer's `state` said, to go on from there.
        counts: counts late, duplicate, missing, skewed, backwards and restarts.
    """

    def __init__(
        self, camera: str, settings: OrderSettings, state: Mapping[str, Any], counts: "Counter[str]"
    ) -> None:
        self.camera = camera
        self._settings = settings
        self._counts = counts
        self._over: list[str] = list(state.get("over", ()))
        self._stream_id: str = state.get("stream", "")
        # Whether nothing but dead letters has come of it.
        self._replayed: bool = state.get("replayed", False)
        # Recording, the camera's time at its first record, what that was off by: of the current epoch.
        self._epoch: tuple[str, int, int] = tuple(state.get("epoch", ("", 0, 0)))
        self._now: _Numbering | None = None

    @property
    def state(self) -> dict[str, Any]:
        """What a sequencer must know to go on with the camera's records from here, also in mid-`accept`."""
        return {
            "stream": self._stream_id,
            "epoch": list(self._epoch),
            "over": list(self._over),
            "replayed": self._replayed,
        }

    @property
    def held(self) -> int | None:
        """The first offset of the records that wait; ``None`` where none does."""
        if self._now is None or not self._now.waiting:
            return None
        return min(arrival.offset for arrival in self._now.waiting.values())

    @property
    def clock(self) -> Clock:
        """The camera's, behind the last frame given out."""
        return self._now.clock if self._now is not None else Clock()

    def resume(self, recording: str, index: int, clock: Clock | None = None) -> None:
        """Say at which number a recording that has just begun is gone on with; those before are done.

        Args:
            recording: its id.
            index: the number.
            clock: the camera's, in front of that frame; that of the recording's beginning if not known.
        """
        if self._now is not None and self._now.recording == recording:
            self._now.next = index
            self._now.clock = clock or self._now.clock

    def accept(self, arrival: Arrival) -> Iterator[Step]:
        """Take in a record, and give out what is in turn with it.

        After a `Begun` the caller may call `resume` before it goes on.
        """
        stream = arrival.envelope.stream
        if stream.id in self._over or (arrival.envelope.replayed and not self._may_begin(stream.id)):
            self._counts["late"] += 1
            return
        begins = stream.id != self._stream_id
        self._replayed = arrival.envelope.replayed and (begins or self._replayed)
        if self._now is None or stream.id != self._now.stream.id:
            yield from self._begin(arrival)
        now = self._now
        if now is None:
            return
        if arrival.envelope.kind is Kind.END:
            yield from self._end(arrival)
            return
        if self._restarted(arrival):
            yield from self._split(arrival)
            now = self._now
            assert now is not None
        if arrival.envelope.capture_ns < now.begun_ns:
            self._counts["late"] += 1
            return
        seq = arrival.envelope.seq
        if seq < now.next or seq in now.waiting:
            self._counts["duplicate"] += 1
            return
        now.waiting[seq] = arrival
        yield from self._drain(all_of_it=False)

    def flush(self) -> Iterator[Step]:
        """Give up on what is missing: nothing more has come for a while."""
        yield from self._drain(all_of_it=True)

    def _may_begin(self, stream: str) -> bool:
        """Whether a replayed record of a stream ends none that goes on."""
        return self._replayed or self._stream_id in ("", stream, *self._over)

    def _begin(self, arrival: Arrival) -> Iterator[Step]:
        envelope = arrival.envelope
        former, self._stream_id = self._stream_id, envelope.stream.id
        if envelope.stream.id != former:
            if former and former not in self._over:
                self._remember(former)
            self._epoch = (envelope.stream.id, 0, self._skew(arrival))
        yield from self._close("The camera restarted before its stream had ended.")
        yield from self._open(arrival, envelope.stream.start_ns)

    def _open(self, arrival: Arrival, start_ns: int) -> Iterator[Step]:
        envelope = arrival.envelope
        recording, begun_ns, offset_ns = self._epoch
        stream = replace(envelope.stream, start_ns=max(0, start_ns + offset_ns))
        self._now = _Numbering(envelope.stream, recording, 0, begun_ns, Clock(offset_ns))
        yield Begun(recording, stream, envelope.width, envelope.height)

    def _restarted(self, arrival: Arrival) -> bool:
        """Whether the numbers began anew while the clock went on; frames that wait have been seen too."""
        now, envelope = self._now, arrival.envelope
        assert now is not None
        following = max([now.next, *(seq + 1 for seq in now.waiting)])
        times = [now.clock.capture_ns, *(one.envelope.capture_ns for one in now.waiting.values())]
        seen = [each for each in times if each is not None]
        fell = envelope.seq + self._settings.window < following
        return fell and bool(seen) and envelope.capture_ns > max(seen)

    def _split(self, arrival: Arrival) -> Iterator[Step]:
        self._counts["restarts"] += 1
        envelope = arrival.envelope
        name = hashlib.sha256(f"{envelope.stream.id}/{envelope.capture_ns}".encode()).hexdigest()[:36]
        self._epoch = (name, envelope.capture_ns, self._skew(arrival))
        yield from self._close("The camera's frame numbers restarted.")
        yield from self._open(arrival, envelope.capture_ns)

    def _end(self, arrival: Arrival) -> Iterator[Step]:
        now, envelope = self._now, arrival.envelope
        assert now is not None
        self._remember(now.stream.id)
        yield from self._drain(all_of_it=True)
        if envelope.seq > now.next and envelope.problem is None and now.next > 0:
            self._counts["missing"] += envelope.seq - now.next
        yield Over(now.recording, now.stream, max(now.next, envelope.seq), envelope.problem)
        self._now = None

    def _close(self, problem: str) -> Iterator[Step]:
        if self._now is not None:
            yield from self._drain(all_of_it=True)
            yield Over(self._now.recording, self._now.stream, self._now.next, problem)
            self._now = None

    def _remember(self, stream: str) -> None:
        self._over = [*self._over, stream][-_REMEMBERED:]

    def _drain(self, all_of_it: bool) -> Iterator[Step]:
        """What is in turn; and what waited long enough, with those in front of it missing."""
        now = self._now
        while now is not None and now.waiting:
            if now.next not in now.waiting and not all_of_it and not self._patience_is_over(now):
                return
            seq = min(now.waiting)
            self._counts["missing"] += seq - now.next
            low = min(arrival.offset for arrival in now.waiting.values())
            arrival = now.waiting.pop(seq)
            now.next = seq + 1
            before, now.clock = now.clock, self._told(now, arrival)
            assert now.clock.last_ns is not None
            yield Ordered(arrival, now.recording, seq, now.clock.last_ns, low, before)

    def _skew(self, arrival: Arrival) -> int:
        """What must be added to the camera's times, at the first record of its stream."""
        off = self._off(arrival)
        tolerance = self._settings.clock_tolerance_seconds * 1e9
        return off if arrival.envelope.stream.live and abs(off) > tolerance else 0

    def _off(self, arrival: Arrival) -> int:
        """By how much the broker's clock is ahead of the camera's, as far as a record tells."""
        captured, sent = arrival.envelope.capture_ns, arrival.envelope.sent_ns
        tolerance = self._settings.clock_tolerance_seconds * 1e9
        # Nothing is sent before it was captured: then the camera has another clock than its publisher.
        known = sent is not None and captured <= sent + tolerance
        return arrival.broker_ns - (sent if known and sent is not None else captured)

    def _patience_is_over(self, now: _Numbering) -> bool:
        times = [arrival.envelope.capture_ns for arrival in now.waiting.values()]
        waited = (max(times) - min(times)) / 1e9
        return len(now.waiting) > self._settings.window or waited > self._settings.lateness_seconds

    def _told(self, now: _Numbering, arrival: Arrival) -> Clock:
        """The camera's clock behind a frame, whose time is the clock's last."""
        capture_ns = arrival.envelope.capture_ns
        offset_ns, last_ns = now.clock.offset_ns, now.clock.last_ns
        time_ns = capture_ns + offset_ns
        tolerance = self._settings.clock_tolerance_seconds * 1e9
        jumped = last_ns is not None and time_ns < last_ns - tolerance
        if now.stream.live and (jumped or time_ns > arrival.broker_ns + tolerance):
            offset_ns = self._off(arrival)
            if last_ns is not None and capture_ns + offset_ns < last_ns - tolerance:
                # It is the camera's own clock that jumped, and not that of the publisher.
                offset_ns = arrival.broker_ns - capture_ns
            time_ns = capture_ns + offset_ns
        self._counts["skewed"] += offset_ns != 0
        if last_ns is not None and time_ns <= last_ns:
            self._counts["backwards"] += 1
            time_ns = last_ns + 1
        return Clock(offset_ns, time_ns, max(now.clock.capture_ns or 0, capture_ns))

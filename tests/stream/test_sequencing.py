"""One camera's records back into one order, and the same order again from wherever a worker begins anew."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.kafka.envelope import Kind
from stream.worker.sequencing import Arrival, Begun, Clock, Ordered, OrderSettings, Over, Sequencer
from tests.support.frames import SECOND, START_NS, Camera

SETTINGS = OrderSettings()
WINDOW = SETTINGS.window
HOUR = 3600 * SECOND
NEVER = 1 << 62
DELAY = SECOND // 20


@dataclass
class Follower:
    """Does with a sequencer what a worker does, and remembers what a worker would write.

    Attributes:
        given: recording, number and time of every frame.
        over: recordings that are over: frames and problem.
        begun: what began, in order.
        state: of the sequencer, as the worker last wrote it.
        points: for each frame where it may begin anew, see `Point`.
    """

    state: dict = field(default_factory=dict)
    settings: OrderSettings = SETTINGS
    done: set[str] = field(default_factory=set)
    resumed: "Point | None" = None
    given: list[tuple[str, int, int]] = field(default_factory=list)
    over: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    begun: list[Begun] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.sequencer = Sequencer("gate", self.settings, json.loads(json.dumps(self.state)), self.counts)
        self.points: list[Point] = []

    @property
    def oddities(self) -> dict[str, int]:
        return dict(+self.counts)

    def take(self, arrival: Arrival) -> None:
        for step in self.sequencer.accept(arrival):
            self._step(step, arrival.offset)
        if self.given and self.points and self.points[-1].fresh:
            self.state = self.sequencer.state
            self.points[-1].fresh = False

    def flush(self) -> None:
        for step in self.sequencer.flush():
            self._step(step, 0)

    def _step(self, step, offset: int) -> None:
        if isinstance(step, Begun):
            self.begun.append(step)
            if step.recording in self.done:
                self.sequencer.resume(step.recording, NEVER)
            elif self.resumed is not None and self.resumed.recording == step.recording:
                self.sequencer.resume(step.recording, self.resumed.index, self.resumed.clock)
            self.points = [Point(step.recording, 0, offset, None)]
        elif isinstance(step, Over):
            if step.recording not in self.done:
                self.over[step.recording] = (step.frames, step.problem)
                self.state = self.sequencer.state
            self.done = {*self.done, step.recording}
            self.points = []
        else:
            assert isinstance(step, Ordered)
            if step.recording not in self.done:
                self.given.append((step.recording, step.index, step.time_ns))
                self.points.append(Point(step.recording, step.index, step.low, step.clock, fresh=True))


@dataclass
class Point:
    """A frame at which a recording can be begun with anew."""

    recording: str
    index: int
    low: int
    clock: Clock | None
    fresh: bool = False


def arrivals(envelopes, delay=DELAY, first=0, clock=None):
    """Records in this order, each at the broker a little after it was captured by a right clock."""
    made, now = [], 0
    for offset, one in enumerate(envelopes, first):
        now = max(now, (clock(one) if clock else one.capture_ns) + delay)
        made.append(Arrival(one, offset, now))
    return made


def uneven(records):
    """A broker that is now faster and now slower."""
    return [replace(one, broker_ns=one.broker_ns + one.offset * 7919 % 97 * SECOND // 100) for one in records]


def follow(records, **state):
    follower = Follower(**state)
    for record in records:
        follower.take(record)
    return follower


def numbers(follower):
    return [index for _, index, _ in follower.given]


def times(follower):
    return [time_ns for _, _, time_ns in follower.given]


CAMERA = Camera()
LIVE = Camera(live=True)


def bare(seqs, camera=CAMERA):
    return [camera.bare(seq) for seq in seqs]


# The rules


def test_in_order_everything_is_given_out_at_once():
    follower = Follower()
    for number, record in enumerate(arrivals(bare(range(5)))):
        follower.take(record)
        assert numbers(follower) == list(range(number + 1))
    assert times(follower) == [CAMERA.capture_ns(seq) for seq in range(5)]
    assert {recording for recording, _, _ in follower.given} == {CAMERA.id}
    assert not follower.counts.total() and follower.sequencer.held is None


def test_a_recording_begins_with_its_first_record():
    [begun] = follow(arrivals(bare([3, 0]))).begun
    assert begun == Begun(CAMERA.id, CAMERA.stream, 60, 40)


def test_what_came_early_waits_for_what_lies_in_between():
    follower = follow(arrivals(bare([0, 2, 3]), first=70))
    assert numbers(follower) == [0] and follower.sequencer.held == 71
    follower.take(Arrival(CAMERA.bare(1), 90, START_NS))
    assert numbers(follower) == [0, 1, 2, 3] and follower.sequencer.held is None
    assert follower.counts["missing"] == 0
    # To begin anew at 1, 2 is needed, which lies in front of it.
    assert [(point.index, point.low) for point in follower.points[2:]] == [(1, 71), (2, 71), (3, 72)]


def test_a_window_full_of_others_is_the_end_of_patience():
    follower = follow(arrivals(bare([0, *range(2, 2 + WINDOW)])))
    assert numbers(follower) == [0] and follower.counts["missing"] == 0
    follower.take(Arrival(CAMERA.bare(2 + WINDOW), 50, START_NS))
    assert numbers(follower) == [0, *range(2, 3 + WINDOW)] and follower.counts["missing"] == 1
    follower.take(Arrival(CAMERA.bare(1), 51, START_NS))
    assert 1 not in numbers(follower) and follower.counts["duplicate"] == 1


def test_so_is_capture_time():
    slow = Camera(fps=1.0)
    follower = follow(arrivals(bare([0, 2, 3, 4], slow)))
    assert numbers(follower) == [0]
    follower.take(Arrival(slow.bare(5), 50, START_NS))
    assert numbers(follower) == [0, 2, 3, 4, 5] and follower.counts["missing"] == 1


def test_after_one_gap_the_next_is_waited_for_anew():
    follower = follow(arrivals(bare([0, *range(2, 7), *range(8, 12)])))
    assert numbers(follower) == [0, 2, 3, 4, 5, 6] and follower.counts["missing"] == 1
    follower.take(Arrival(CAMERA.bare(7), 50, START_NS))
    assert numbers(follower) == [0, *range(2, 12)] and follower.counts["missing"] == 1


def test_silence_ends_the_waiting():
    follower = follow(arrivals(bare([0, 2, 5])))
    follower.flush()
    assert numbers(follower) == [0, 2, 5] and follower.counts["missing"] == 3
    follower.flush()
    assert numbers(follower) == [0, 2, 5]


@pytest.mark.parametrize("again", [0, 4, 2])
def test_a_duplicate_is_left_out(again):
    follower = follow(arrivals(bare([0, 1, 2, 3, 4, again, 5])))
    assert numbers(follower) == list(range(6)) and follower.oddities == {"duplicate": 1}


def test_so_is_one_of_a_record_that_waits():
    first = arrivals(bare([0, 2]))
    follower = follow([*first, replace(first[1], offset=7), Arrival(CAMERA.bare(1), 8, START_NS)])
    assert numbers(follower) == [0, 1, 2] and follower.oddities == {"duplicate": 1}
    assert follower.points[2].low == 1, "the first of the two must be gone over again"


def test_the_end_closes_the_recording():
    follower = follow(arrivals([*bare([0, 1, 3]), CAMERA.end(4)]))
    assert numbers(follower) == [0, 1, 3] and follower.over == {CAMERA.id: (4, None)}
    assert follower.oddities == {"missing": 1}


def test_what_was_lost_in_front_of_the_end_is_counted():
    follower = follow(arrivals([*bare([0, 1]), CAMERA.end(6)]))
    assert follower.over == {CAMERA.id: (6, None)} and follower.oddities == {"missing": 4}


def test_a_stream_that_broke_off_says_why():
    follower = follow(arrivals([*bare([0, 1]), CAMERA.end(2, "The camera is gone.")]))
    assert follower.over == {CAMERA.id: (2, "The camera is gone.")} and not follower.counts.total()


def test_a_stream_that_never_showed_anything_is_over_too():
    follower = follow(arrivals([CAMERA.end(0, "It could not be opened.")]))
    assert follower.over == {CAMERA.id: (0, "It could not be opened.")} and follower.given == []


def test_behind_the_end_everything_is_late():
    follower = follow(arrivals([*bare(range(3)), CAMERA.end(3), *bare([1, 2, 3]), CAMERA.end(3)]))
    assert numbers(follower) == [0, 1, 2] and follower.oddities == {"late": 4} and len(follower.begun) == 1


def test_the_last_sixteen_streams_that_are_over_stay_so():
    cameras = [Camera(id=f"stream {one}", start_ns=START_NS + 60 * one * SECOND) for one in range(16)]
    ended = [record for camera in cameras for record in (camera.bare(0), camera.end(1))]
    follower = follow(arrivals([*ended, *(camera.bare(1) for camera in cameras)]))
    assert follower.oddities == {"late": 16} and len(follower.begun) == 16


def test_of_what_is_known_by_its_end_alone_nothing_is_missing():
    """Who takes over behind a stream's frames reads its end; what broke off says itself that it did."""
    follower = follow(arrivals([CAMERA.end(6)]))
    assert follower.over == {CAMERA.id: (6, None)} and not follower.counts.total()
    broken = follow(arrivals([*bare([0, 1]), CAMERA.end(6, "The camera is gone.")]))
    assert broken.over == {CAMERA.id: (6, "The camera is gone.")} and not broken.counts.total()


def test_another_stream_begins_another_recording():
    second = Camera(id="second", start_ns=START_NS + 60 * SECOND)
    records = arrivals([*bare(range(3)), *bare(range(2), second), *bare([3]), *bare([2], second)])
    follower = follow(records)
    assert [(recording, index) for recording, index, _ in follower.given] == [
        *((CAMERA.id, index) for index in range(3)),
        *(("second", index) for index in range(3)),
    ]
    assert follower.over == {CAMERA.id: (3, "The camera restarted before its stream had ended.")}
    assert follower.oddities == {"late": 1}


def test_what_waited_is_given_out_in_front_of_the_next_stream():
    follower = follow(arrivals([*bare([0, 2]), *bare([0], Camera(id="second"))]))
    assert [(recording, index) for recording, index, _ in follower.given] == [
        *((CAMERA.id, index) for index in (0, 2)),
        ("second", 0),
    ]
    assert follower.oddities == {"missing": 1}


# Dead letters that were sent again

FORMER, OLDER = Camera(id="former"), Camera(id="older")


def replayed(envelopes):
    return [replace(one, replayed=True) for one in envelopes]


def whole(camera, count=2):
    return [*bare(range(count), camera), camera.end(count)]


def test_a_replay_ends_no_stream_that_goes_on():
    again = replayed(whole(FORMER))
    records = arrivals([*bare(range(3)), *again, *bare(range(3, 6)), CAMERA.end(6)])
    follower = follow(records)
    assert follower.given == [(CAMERA.id, seq, CAMERA.capture_ns(seq)) for seq in range(6)]
    assert follower.over == {CAMERA.id: (6, None)} and follower.oddities == {"late": 3}
    # Nor one that another worker goes on with.
    other = follow(records[3:], state=follow(records[:3]).state)
    assert [one.recording for one in other.begun] == [CAMERA.id] and other.counts["late"] == 3


def test_behind_the_end_a_replayed_stream_is_processed():
    follower = follow(arrivals([*whole(CAMERA), *replayed(whole(FORMER)), *whole(Camera(id="next"))]))
    assert follower.over == {CAMERA.id: (2, None), "former": (2, None), "next": (2, None)}
    assert len(follower.given) == 6 and not follower.counts.total()


def test_replayed_streams_follow_one_another_also_where_one_has_no_end():
    records = arrivals(replayed([*bare(range(2), FORMER), *whole(OLDER)]))
    follower = follow(records)
    assert [(name, index) for name, index, _ in follower.given] == [
        *(("former", index) for index in range(2)),
        *(("older", index) for index in range(2)),
    ]
    assert follow(records[2:], state=follow(records[:2]).state).over == {"older": (2, None)}


def test_a_replayed_record_of_the_stream_that_goes_on_opens_the_door_to_no_other():
    follower = follow(arrivals([*bare(range(3)), *replayed([*bare([1]), *whole(FORMER)]), *bare([3])]))
    assert numbers(follower) == [0, 1, 2, 3] and follower.oddities == {"duplicate": 1, "late": 3}


def test_a_camera_that_goes_on_ends_a_replayed_stream():
    follower = follow(arrivals([*replayed(bare(range(2), FORMER)), *bare([0]), *replayed(bare([2], FORMER))]))
    assert [name for name, _, _ in follower.given] == ["former", "former", CAMERA.id]
    assert follower.oddities == {"late": 1}


# The camera restarts without saying so


def restarted(first=30, again=5, lost=0, pause=60 * SECOND, camera=LIVE):
    """A stream whose numbers begin anew while its clock goes on."""
    moved = camera.capture_ns(first) + pause
    return [*bare(range(first), camera)] + [
        camera.bare(seq, moved + seq * SECOND // 10) for seq in range(lost, again)
    ]


@pytest.mark.parametrize("lost", [0, 3])
def test_numbers_that_begin_anew_split_the_stream(lost):
    follower = follow(arrivals(restarted(lost=lost)))
    follower.flush()
    name = follower.begun[1].recording
    assert name != LIVE.id and 0 < len(name) <= 36
    assert [(recording, index) for recording, index, _ in follower.given] == [
        *((LIVE.id, index) for index in range(30)),
        *((name, index) for index in range(lost, 5)),
    ]
    assert follower.over == {LIVE.id: (30, "The camera's frame numbers restarted.")}
    assert follower.oddities == ({"restarts": 1} | ({"missing": lost} if lost else {}))
    assert follower.begun[1].stream.start_ns == restarted(lost=lost)[30].capture_ns


def test_it_may_happen_again_and_again():
    envelopes = restarted()
    later = [
        LIVE.bare(seq, LIVE.capture_ns(30) + 300 * SECOND + seq * SECOND // 10) for seq in (*range(30), 0, 1)
    ]
    later[30:] = [replace(one, capture_ns=one.capture_ns + 99 * SECOND) for one in later[30:]]
    follower = follow(arrivals([*envelopes, *later[:1], *later[1:]]))
    # Five frames are too few to tell numbers that begin anew from duplicates.
    assert follower.counts["restarts"] == 2 and len({one.recording for one in follower.begun}) == 3


def test_stragglers_of_before_the_restart_are_late():
    envelopes = restarted()
    follower = follow(arrivals([*envelopes[:32], LIVE.bare(31), LIVE.bare(4), *envelopes[32:]]))
    assert numbers(follower) == [*range(30), *range(5)] and follower.counts["late"] == 2


def test_old_numbers_with_old_times_are_duplicates():
    follower = follow(arrivals(bare([*range(30), *range(30)])))
    assert numbers(follower) == list(range(30)) and follower.oddities == {"duplicate": 30}


# Clocks


def test_times_only_go_forward():
    captures = [0, 5, 5, 3, 6]
    records = arrivals([CAMERA.bare(seq, START_NS + one) for seq, one in enumerate(captures)])
    follower = follow(records)
    assert [one - START_NS for one in times(follower)] == [0, 5, 6, 7, 8]
    assert follower.oddities == {"backwards": 3}


@pytest.mark.parametrize("off", [HOUR, -HOUR, 24 * HOUR, -400 * 24 * HOUR])
def test_a_live_camera_whose_clock_is_wrong_is_put_right(off):
    wrong = Camera(live=True, start_ns=START_NS + off)
    follower = follow(arrivals(bare(range(20), wrong), clock=lambda one: one.capture_ns - off))
    assert follower.oddities == {"skewed": 20}
    for seq, found in enumerate(times(follower)):
        assert abs(found - LIVE.capture_ns(seq)) <= 2 * DELAY
    assert abs(follower.begun[0].stream.start_ns - START_NS) <= 2 * DELAY


@pytest.mark.parametrize("off", [200 * SECOND, -200 * SECOND, 0])
def test_a_little_off_is_left_as_it_is(off):
    wrong = Camera(live=True, start_ns=START_NS + off)
    follower = follow(arrivals(bare(range(20), wrong), clock=lambda one: one.capture_ns - off))
    assert not follower.counts.total() and times(follower) == [wrong.capture_ns(seq) for seq in range(20)]


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_a_recording_may_be_of_any_time(off):
    """What was recorded yesterday is no clock that is wrong."""
    other = Camera(start_ns=START_NS + off)
    follower = follow(arrivals(bare(range(5), other), clock=lambda one: one.capture_ns - off))
    assert not follower.counts.total() and times(follower) == [other.capture_ns(seq) for seq in range(5)]


def jumping(seq, jumps):
    return sum(jump for at, jump in jumps if seq >= at)


@pytest.mark.parametrize(
    "jumps",
    [
        [(10, HOUR)],
        [(10, -HOUR)],
        [(10, HOUR), (20, -HOUR)],
        [(10, -HOUR), (20, HOUR)],
        [(10, HOUR), (15, -HOUR), (20, HOUR), (25, -HOUR)],
        [(10, -2 * HOUR), (15, HOUR), (20, HOUR)],
    ],
)
def test_a_clock_that_jumps_on_a_live_stream_is_put_right_and_nothing_is_dropped(jumps):
    envelopes = [LIVE.bare(seq, LIVE.capture_ns(seq) + jumping(seq, jumps)) for seq in range(30)]
    follower = follow(arrivals(envelopes, clock=lambda one: LIVE.capture_ns(one.seq)))
    assert numbers(follower) == list(range(30)) and len(follower.begun) == 1
    for seq, found in enumerate(times(follower)):
        assert abs(found - LIVE.capture_ns(seq)) <= 2 * DELAY
    assert times(follower) == sorted(set(times(follower)))
    off = sum(jumping(seq, jumps) != 0 for seq in range(30))
    assert off <= follower.counts["skewed"] <= 30 - jumps[0][0]


def test_a_record_that_waited_for_a_broker_keeps_its_time():
    """After an outage the records come late, with the right times."""
    records = arrivals(bare(range(40), LIVE))
    late = [replace(one, broker_ns=one.broker_ns + HOUR) for one in records[20:]]
    follower = follow([*records[:20], *late])
    assert not follower.counts.total() and times(follower) == [LIVE.capture_ns(seq) for seq in range(40)]


@pytest.mark.parametrize("off", [0, HOUR, -HOUR])
@pytest.mark.parametrize("waited", [0, 2 * HOUR])
def test_what_a_publisher_says_of_its_clock_tells_a_wrong_one_from_a_wait(off, waited):
    """It was started while the broker was away: the first record of the stream comes late as well."""
    wrong = Camera(live=True, start_ns=START_NS + off)
    sent = [replace(one, sent_ns=one.capture_ns + waited + DELAY) for one in bare(range(20), wrong)]
    follower = follow(arrivals(sent, clock=lambda one: one.sent_ns - off))
    assert follower.oddities == ({"skewed": 20} if off else {})
    for seq, found in enumerate(times(follower)):
        assert abs(found - LIVE.capture_ns(seq)) <= 2 * DELAY
    assert abs(follower.begun[0].stream.start_ns - START_NS) <= 2 * DELAY


@pytest.mark.parametrize("jumps", [[(10, HOUR)], [(10, -HOUR)], [(10, HOUR), (20, -HOUR)]])
@pytest.mark.parametrize("whose", ["publisher", "camera"])
def test_a_clock_that_jumps_is_put_right_whosever_it_is(jumps, whose):
    envelopes = [LIVE.bare(seq, LIVE.capture_ns(seq) + jumping(seq, jumps)) for seq in range(30)]
    sent = [
        replace(one, sent_ns=one.capture_ns if whose == "publisher" else LIVE.capture_ns(one.seq))
        for one in envelopes
    ]
    follower = follow(arrivals(sent, clock=lambda one: LIVE.capture_ns(one.seq)))
    assert numbers(follower) == list(range(30)) and len(follower.begun) == 1
    for seq, found in enumerate(times(follower)):
        assert abs(found - LIVE.capture_ns(seq)) <= 2 * DELAY


def test_a_camera_ahead_of_its_publisher_has_a_clock_of_its_own():
    wrong = Camera(live=True, start_ns=START_NS + HOUR)
    sent = [replace(one, sent_ns=LIVE.capture_ns(one.seq)) for one in bare(range(5), wrong)]
    follower = follow(arrivals(sent, clock=lambda one: one.sent_ns))
    assert follower.oddities == {"skewed": 5}
    for seq, found in enumerate(times(follower)):
        assert abs(found - LIVE.capture_ns(seq)) <= 2 * DELAY


def test_the_clock_is_told_as_it_was_in_front_of_each_picture():
    envelopes = [LIVE.bare(seq, LIVE.capture_ns(seq) + HOUR * (seq >= 3)) for seq in range(6)]
    follower = follow(arrivals(envelopes, clock=lambda one: LIVE.capture_ns(one.seq)))
    clocks = [point.clock for point in follower.points[1:]]
    assert clocks[0] == Clock() and clocks[3].offset_ns == 0 and clocks[4].offset_ns == DELAY - HOUR
    assert [one.last_ns for one in clocks[1:]] == times(follower)[:-1]
    assert clocks[5].capture_ns == envelopes[4].capture_ns
    assert follower.sequencer.clock.last_ns == times(follower)[-1]


# Any order


@st.composite
def shuffled(draw, most=60):
    """Numbers displaced by less than the window, some of them missing, some of them more than once."""
    count = draw(st.integers(1, most))
    keys = [seq + draw(st.integers(0, WINDOW - 1)) for seq in range(count)]
    dropped = draw(st.sets(st.integers(0, count - 1), max_size=count // 3))
    order = [seq for seq in sorted(range(count), key=lambda seq: (keys[seq], seq)) if seq not in dropped]
    for _ in range(draw(st.integers(0, 5))):
        if order:
            place = draw(st.integers(0, len(order) - 1))
            order.insert(draw(st.integers(place + 1, len(order))), order[place])
    return count, order, dropped


@given(shuffled())
def test_any_order_within_the_window_gives_each_picture_once_and_in_order(made):
    count, order, dropped = made
    follower = follow(arrivals([*bare(order), CAMERA.end(count)]))
    kept = [seq for seq in range(count) if seq not in dropped]
    assert numbers(follower) == kept
    assert times(follower) == [CAMERA.capture_ns(seq) for seq in kept]
    assert follower.counts["duplicate"] == len(order) - len(kept)
    assert follower.counts["missing"] == (len(dropped) if kept else 0)
    assert follower.over == {CAMERA.id: (count, None)}


@st.composite
def histories(draw):
    """Records of one camera through several streams, restarts and clocks that jump."""
    envelopes, real, moment = [], {}, START_NS
    for number in range(draw(st.integers(1, 3))):
        live = draw(st.booleans())
        wrong = draw(st.sampled_from([0, 0, HOUR, -HOUR]))
        camera = Camera(id=f"stream {number}", live=live, start_ns=moment + wrong)
        for _ in range(draw(st.integers(1, 2))):
            count, order, _ = draw(shuffled(25))
            jumps = draw(
                st.lists(
                    st.tuples(st.integers(1, 25), st.sampled_from([HOUR, -HOUR, -SECOND, SECOND])), max_size=2
                )
            )
            for seq in order:
                capture = moment + wrong + seq * SECOND // 10 + jumping(seq, jumps)
                one = camera.bare(seq, max(0, capture))
                real[len(envelopes)] = moment + seq * SECOND // 10
                envelopes.append(one)
            moment += count * SECOND // 10 + 30 * SECOND
        if draw(st.booleans()):
            real[len(envelopes)] = moment
            envelopes.append(camera.end(count))
    made, now = [], 0
    for offset, one in enumerate(envelopes):
        now = max(now, real[offset])
        made.append(Arrival(one, offset, now + DELAY))
    return uneven(made)


def fall(records, fell, at=None, further=NEVER):
    """What was taken in before and after a worker that fell behind so many records.

    Args:
        records: all there are.
        fell: how many it took in.
        at: which of the places where its recording may be begun anew is its checkpoint.
        further: another camera of the partition needs the records from here on.
    """
    before = follow(records[:fell])
    point = before.points[at] if at is not None and before.points else None
    held = before.sequencer.held
    resume = min([fell, further, *([held] if held is not None else []), *([point.low] if point else [])])
    after = follow(records[resume:], state=before.state, done=set(before.done), resumed=point)
    kept = [one for one in before.given if point is None or one[0] != point.recording or one[1] < point.index]
    return kept + after.given, {**before.over, **after.over}


def histories_by_hand():
    second = Camera(id="second", live=True, start_ns=START_NS + HOUR)
    wrong = Camera(id="wrong", live=True, start_ns=START_NS + 2 * HOUR)
    jumps = [
        LIVE.bare(seq, LIVE.capture_ns(seq) + jumping(seq, [(8, HOUR), (16, -HOUR)])) for seq in range(24)
    ]
    right = {id(one): LIVE.capture_ns(one.seq) for one in jumps}
    return {
        "restart": arrivals(restarted(first=14, again=12)),
        "restart whose first pictures are lost": arrivals(restarted(first=14, again=14, lost=3)),
        "two restarts": arrivals(
            [*restarted(first=12, again=12), *restarted(first=12, again=12, lost=1, pause=200 * SECOND)[12:]]
        ),
        "another stream, its first pictures lost": arrivals(
            [*bare(range(9), LIVE), *bare(range(4, 14), second), second.end(14)]
        ),
        "an end, and another stream": arrivals(
            [*bare(range(9), LIVE), LIVE.end(9), *bare([2], LIVE), *bare(range(2, 14), second)]
        ),
        "a restart while the first picture is waited for": arrivals(
            [LIVE.bare(seq) for seq in [1, *range(3, 10)]]
            + [LIVE.bare(seq, LIVE.capture_ns(seq) + 30 * SECOND) for seq in [1, *range(3, 15)]]
        ),
        "a clock that jumps": arrivals(jumps, clock=lambda one: right[id(one)]),
        "a clock that is wrong": arrivals(bare(range(12), wrong), clock=lambda one: one.capture_ns - HOUR),
        "times that stand still": arrivals([CAMERA.bare(seq, START_NS) for seq in range(12)]),
        "a gap, and what fills it too late": arrivals(bare([0, *range(2, 13), 1, 13, 14])),
        "pairs in the wrong order": arrivals(bare([1, 0, 3, 2, 5, 4, 8, 6, 7, 9])),
    }


@pytest.mark.parametrize("name", list(histories_by_hand()))
def test_wherever_a_worker_falls_the_next_one_goes_on(name):
    records = uneven(histories_by_hand()[name])
    whole = follow(records)
    assert len(whole.given) >= 10
    for fell in range(1, len(records) + 1):
        places = len(follow(records[:fell]).points)
        for at in [None, *range(places)]:
            if at is None and places:
                continue
            for further in (NEVER, fell // 2, 0):
                given_out, over = fall(records, fell, at, further)
                assert given_out == whole.given, (fell, at, further)
                assert over == whole.over, (fell, at, further)


@settings(max_examples=40)
@given(histories(), st.data())
def test_so_it_is_with_any_history(records, data):
    whole = follow(records)
    fell = data.draw(st.integers(0, len(records)), "records taken in before the fall")
    points = follow(records[:fell]).points
    at = data.draw(st.integers(0, len(points) - 1), "checkpoint") if points else None
    assert fall(records, fell, at) == (whole.given, whole.over)


def test_a_camera_that_restarts_behind_a_silence_is_noticed():
    """The worker has gone over to another process in between, and nothing is gone over again."""
    records = uneven(arrivals(restarted(first=30, again=12)))
    before, whole = follow(records[:30]), follow(records)
    rest = Point(LIVE.id, 30, 30, before.sequencer.clock)
    after = follow(records[30:], state=before.state, resumed=rest)
    assert before.given + after.given == whole.given and after.over == whole.over


@settings(max_examples=40)
@given(histories())
def test_time_and_number_go_forward_whatever_comes(records):
    follower = follow(records)
    follower.flush()
    last = {}
    for recording, index, time_ns in follower.given:
        assert last.get(recording, (-1, -1)) < (index, time_ns) and last.get(recording, (-1, -1))[1] < time_ns
        last[recording] = (index, time_ns)
    frames = sum(record.envelope.kind is Kind.FRAME for record in records)
    assert len(follower.given) + follower.counts["duplicate"] + follower.counts["late"] >= frames
    assert len(follower.given) <= frames


def test_the_state_does_not_grow():
    follower = Follower()
    offset = 0
    for number in range(100):
        camera = Camera(id=f"{number:064d}", live=True, start_ns=START_NS + number * HOUR)
        for envelope in (camera.bare(0), camera.bare(1)):
            follower.take(Arrival(envelope, offset, envelope.capture_ns))
            offset += 1
    assert len(json.dumps(follower.sequencer.state)) < 2500

"""The buffer between the cameras and Kafka: bounded, in order, and what gives way is told of."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.publisher.outgoing import Cause, Outgoing, Policy, Record

NEVER = threading.Event()


def record(number, policy=Policy.WAIT, size=10_000, camera="door", end=False):
    made = Record("frames", b"door", b"", [], camera, number, 0, policy, end)
    made.size = size
    return made


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def outgoing(dropped):
    """Room for ten records, of which three may be in flight."""
    return Outgoing(100_000, 30_000, 100_000, lambda one, cause: dropped.append((one.capture_ns, cause)))


def fill(outgoing, numbers, policy=Policy.WAIT):
    for number in numbers:
        assert outgoing.put(record(number, policy), NEVER)


def drain(outgoing):
    found = []
    while (one := outgoing.take(0)) is not None:
        found.append(one.capture_ns)
        assert outgoing.acknowledge(one)
    return found


def test_a_record_weighs_what_it_holds():
    made = Record("frames", b"key", b"x" * 5000, [("name", b"value")], "door", 0, 0, Policy.WAIT)
    assert 5012 < made.size < 7000


def test_records_leave_in_order_a_few_at_a_time(outgoing):
    fill(outgoing, range(5))
    taken = [outgoing.take(0) for _ in range(4)]
    assert [one and one.capture_ns for one in taken] == [0, 1, 2, None]
    assert outgoing.bytes == 50_000 and outgoing.bytes_in_flight == 30_000 and len(outgoing) == 5
    assert outgoing.acknowledge(taken[1])
    assert not outgoing.acknowledge(taken[1])
    assert outgoing.take(0).capture_ns == 3


def test_one_record_may_always_be_in_flight(outgoing):
    outgoing.put(record(0, size=90_000), NEVER)
    assert outgoing.take(0).capture_ns == 0


def test_what_is_taken_back_goes_again_first_and_in_its_order(outgoing):
    fill(outgoing, range(6))
    first = [outgoing.take(0) for _ in range(3)]
    outgoing.acknowledge(first[1])
    assert outgoing.take_back() == 2
    assert not outgoing.acknowledge(first[0]), "it is not in flight any more"
    assert drain(outgoing) == [0, 2, 3, 4, 5]
    assert (first[0].sent, first[1].sent) == (2, 1)
    assert outgoing.bytes == 0


def test_who_waits_is_let_in_when_there_is_room(outgoing, dropped):
    fill(outgoing, range(10))
    entered = threading.Event()
    waiting = threading.Thread(
        target=lambda: (outgoing.put(record(10), NEVER), outgoing.put(record(11), NEVER), entered.set())
    )
    waiting.start()
    assert not entered.wait(0.2)
    assert len(outgoing) == 10
    outgoing.acknowledge(outgoing.take(0))
    assert not entered.wait(0.2)
    outgoing.acknowledge(outgoing.take(0))
    assert entered.wait(2)
    waiting.join()
    assert drain(outgoing) == list(range(2, 12)) and dropped == []


def test_who_waits_leaves_when_everything_is_to_end(outgoing, dropped):
    fill(outgoing, range(10))
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert not outgoing.put(record(10), stop)
    assert dropped == [(10, Cause.STOPPED)] and len(outgoing) == 10


def test_the_oldest_that_is_not_under_way_gives_way(outgoing, dropped):
    fill(outgoing, range(10), Policy.DROP_OLDEST)
    for _ in range(2):
        outgoing.take(0)
    fill(outgoing, range(10, 13), Policy.DROP_OLDEST)
    assert dropped == [(2, Cause.OLDEST), (3, Cause.OLDEST), (4, Cause.OLDEST)]
    assert outgoing.bytes == 100_000
    outgoing.take_back()
    assert drain(outgoing) == [0, 1, *range(5, 13)]


def test_the_latest_gives_way(outgoing, dropped):
    fill(outgoing, range(10), Policy.DROP_LATEST)
    assert not outgoing.put(record(10, Policy.DROP_LATEST), NEVER)
    outgoing.acknowledge(outgoing.take(0))
    fill(outgoing, [11], Policy.DROP_LATEST)
    assert dropped == [(10, Cause.LATEST)]


def test_who_waits_is_never_dropped_for_who_does_not(outgoing, dropped):
    fill(outgoing, range(9))
    fill(outgoing, [9], Policy.DROP_OLDEST)
    fill(outgoing, [10], Policy.DROP_OLDEST)
    outgoing.take(0)
    assert dropped == [(9, Cause.OLDEST)]
    fill(outgoing, [11], Policy.DROP_OLDEST)
    assert not outgoing.put(record(12, Policy.DROP_OLDEST, size=20_000), NEVER)
    assert dropped[1:] == [(10, Cause.OLDEST), (11, Cause.OLDEST), (12, Cause.LATEST)]


def test_who_waits_leaves_room_for_who_cannot(dropped):
    outgoing = Outgoing(100_000, 30_000, 50_000, lambda one, cause: dropped.append((one.capture_ns, cause)))
    fill(outgoing, range(5))
    stop = threading.Event()
    stop.set()
    assert not outgoing.put(record(5), stop)
    fill(outgoing, range(6, 11), Policy.DROP_OLDEST)
    assert dropped == [(5, Cause.STOPPED)] and outgoing.bytes == 100_000


def test_an_end_is_neither_dropped_nor_kept_waiting(outgoing, dropped):
    outgoing.put(record(0, Policy.DROP_OLDEST, end=True), NEVER)
    fill(outgoing, range(1, 10), Policy.DROP_OLDEST)
    outgoing.put(record(10, Policy.DROP_LATEST, size=1000, end=True), NEVER)
    fill(outgoing, [11], Policy.DROP_OLDEST)
    assert dropped == [(1, Cause.OLDEST), (2, Cause.OLDEST)]
    assert drain(outgoing) == [0, *range(3, 12)]


def test_what_will_never_fit_is_dropped_at_once(outgoing, dropped):
    assert not outgoing.put(record(0, size=100_001), NEVER)
    assert dropped == [(0, Cause.TOO_LARGE)]


def test_what_kafka_refuses_gives_way(outgoing, dropped):
    fill(outgoing, range(2))
    taken = outgoing.take(0)
    assert outgoing.refuse(taken) and not outgoing.refuse(taken)
    assert dropped == [(0, Cause.REFUSED)] and drain(outgoing) == [1]


def test_silence_is_measured_only_while_something_waits(outgoing):
    assert outgoing.silent_seconds == 0
    time.sleep(0.1)
    fill(outgoing, range(2))
    assert outgoing.silent_seconds < 0.09
    time.sleep(0.1)
    assert outgoing.silent_seconds >= 0.1
    assert not outgoing.wait_empty(0.01)
    outgoing.acknowledge(outgoing.take(0))
    assert outgoing.silent_seconds < 0.09
    outgoing.acknowledge(outgoing.take(0))
    assert outgoing.silent_seconds == 0 and outgoing.wait_empty(0)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.sampled_from(["a", "b"]),
            st.sampled_from([Policy.DROP_OLDEST, Policy.DROP_LATEST]),
            st.integers(1, 60),
        ),
        st.tuples(st.just("take")),
        st.tuples(st.just("acknowledge"), st.integers(0, 5)),
        st.tuples(st.just("refuse"), st.integers(0, 5)),
        st.tuples(st.just("take back")),
    ),
    max_size=80,
)


@given(STEPS)
def test_every_record_arrives_in_order_or_is_told_of(steps):
    gone = []
    outgoing = Outgoing(100, 40, 100, lambda one, cause: gone.append(one.capture_ns))
    flying, arrived, policies = [], [], {}
    numbers = iter(range(1000))
    put = []
    for name, *details in steps:
        if name == "put":
            camera, policy, size = details
            # A camera has one policy.
            policy = policies.setdefault(camera, policy)
            put.append(next(numbers))
            outgoing.put(record(put[-1], policy, size, camera), NEVER)
        elif name == "take" and (one := outgoing.take(0)) is not None:
            flying.append(one)
        elif name in ("acknowledge", "refuse") and flying:
            one = flying.pop(details[0] % len(flying))
            if name == "acknowledge":
                assert outgoing.acknowledge(one)
                arrived.append(one)
            else:
                assert outgoing.refuse(one)
        elif name == "take back":
            outgoing.take_back()
            flying = []
        assert outgoing.bytes <= 100
        assert outgoing.bytes_in_flight <= 40 or len(flying) == 1
    outgoing.take_back()
    left = drain(outgoing)
    assert left == sorted(left)
    assert sorted([one.capture_ns for one in arrived] + left + gone) == put

"""What soundings tell of a backlog and of a silence, on a clock that stands while Kafka does not answer."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.worker.soundings import NEVER, Soundings

DAY, NIGHT = ("frames.visible", 0), ("frames.infrared", 0)


@pytest.fixture
def clock():
    return SimpleNamespace(now=100.0)


@pytest.fixture
def soundings(clock):
    return Soundings(lambda: clock.now)


def sound(soundings, clock, **ends):
    soundings.put(clock.now, {DAY: ends["day"], NIGHT: ends["night"]})
    return soundings.latest.moment


def test_all_is_read_up_to_the_last_sounding_whose_ends_are_passed(soundings, clock):
    moments = []
    for day, night in ((0, 5), (10, 5), (20, 9)):
        clock.now += 1
        moments.append(sound(soundings, clock, day=day, night=night))
    assert moments == [1.0, 2.0, 3.0]
    assert soundings.read_up_to({DAY: 0, NIGHT: 4}) == NEVER
    assert soundings.read_up_to({DAY: 9, NIGHT: 5}) == 1.0
    assert soundings.read_up_to({DAY: 10, NIGHT: 8}) == 2.0
    assert soundings.read_up_to({DAY: 30, NIGHT: 9}) == 3.0
    assert soundings.read_one_up_to(DAY, 19) == 2.0 and soundings.read_one_up_to(NIGHT, 8) == 2.0


def test_a_partition_that_nobody_has_read_from_waits_unless_it_is_empty(soundings, clock):
    sound(soundings, clock, day=7, night=0)
    assert soundings.read_up_to({DAY: 7}) == 0.0
    assert soundings.read_up_to({NIGHT: 0}) == NEVER


def test_a_partition_whose_end_is_not_told_is_waited_for(soundings, clock):
    soundings.put(clock.now, {DAY: 7})
    assert soundings.read_up_to({DAY: 7}) == 0.0
    assert soundings.read_up_to({DAY: 7, NIGHT: 3}) == NEVER
    assert soundings.read_one_up_to(NIGHT, 3) == NEVER


def test_the_clock_stands_while_nobody_answers(soundings, clock):
    before = sound(soundings, clock, day=0, night=0)
    clock.now += 600
    assert soundings.now() - before <= 2.0
    after = sound(soundings, clock, day=0, night=0)
    assert 0 < after - before <= 2.0
    clock.now += 1
    assert soundings.now() == after + 1


def test_another_one_is_wanted_until_it_is_there(soundings, clock):
    assert not soundings.wanted
    soundings.want()
    assert soundings.wanted
    sound(soundings, clock, day=0, night=0)
    assert not soundings.wanted


def test_a_long_backlog_is_remembered_in_little(soundings, clock):
    for second in range(4000):
        clock.now += 1
        sound(soundings, clock, day=second, night=0)
    assert len(soundings._kept) <= 64
    last = soundings.latest.moment
    assert soundings.read_up_to({DAY: 3999, NIGHT: 0}) == last
    # What is known of the middle is true, if not the most that could be known.
    assert 0 < soundings.read_up_to({DAY: 2000, NIGHT: 0}) <= 2001


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), min_size=1, max_size=40))
def test_the_clock_never_goes_back_nor_faster_than_time(steps):
    clock = SimpleNamespace(now=0.0)
    soundings = Soundings(lambda: clock.now)
    last, asked = soundings.now(), 0.0
    for seconds, answers in steps:
        clock.now += seconds
        if answers:
            soundings.put(asked, {DAY: 0})
            assert soundings.latest.moment <= soundings.now()
            asked = clock.now
        assert last <= soundings.now() <= clock.now + 1e-6
        last = soundings.now()

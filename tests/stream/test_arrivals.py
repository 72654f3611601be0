"""When the frames of a live camera were taken, by how they arrive."""

import itertools

import pytest

from stream.footage.arrivals import Arrival, taken

MS = 1_000_000


def arrivals(came, stamps=None, size=1000):
    """Frames that came at so many milliseconds; their timestamps, by default one each 40 ms."""
    stamps = [40 * place for place in range(len(came))] if stamps is None else stamps
    return [
        Arrival(place, size, None if stamp is None else stamp / 1000, stamp and stamp / 1000, at * MS)
        for place, (at, stamp) in enumerate(zip(came, stamps, strict=True))
    ]


def times(given):
    """When each was taken, milliseconds; when it arrived where it came as it was taken."""
    told = list(taken(given))
    assert [one.sent for one in told] == [one.sent for one in given]
    pairs = zip(told, given, strict=True)
    return [round((was.at_ns if one.time_ns is None else one.time_ns) / MS) for one, was in pairs]


def test_what_comes_at_once_behind_a_connect_is_led_back_from_what_was_waited_for():
    came = [5000] * 20 + [5000 + 40 * place for place in range(1, 30)]
    assert times(arrivals(came)) == [5000 - 40 * place for place in range(19, 0, -1)] + came[19:]


def test_a_reader_that_is_held_up_in_between_splits_nothing():
    came = [5000] * 10 + [5130] * 10 + [5170, *range(5210, 6000, 40)]
    assert set(itertools.pairwise(times(arrivals(came))[:20])) == {
        (at, at + 40) for at in range(5130 - 40 * 19, 5130, 40)
    }


def test_nothing_is_taken_behind_its_arrival():
    came = [5000, 5001, 5003, 5050, 5090, 5120, *range(5160, 6000, 40)]
    assert all(time <= at for time, at in zip(times(arrivals(came)), came, strict=True))


def test_behind_a_stall_too_what_waited_keeps_its_distances():
    came = [40 * place for place in range(50)]
    came += [came[-1] + 2000] * 50
    came += [came[-1] + 40 * place for place in range(1, 20)]
    assert times(arrivals(came)) == [40 * place for place in range(50 + 50 + 19)]


def test_a_stream_in_segments_keeps_its_distances():
    came = [6000 * (place // 150) for place in range(600)]
    assert set(itertools.pairwise(times(arrivals(came)))) == {
        (at, at + 40) for at in range(-149 * 40, 450 * 40, 40)
    }


@pytest.mark.parametrize("between", [16, 100, 1000, 10_000])
@pytest.mark.parametrize("stamped", [40, 0, None])
def test_timestamps_that_are_made_up_change_nothing_for_long(between, stamped):
    came = [between * place for place in range(400)]
    stamps = [None if stamped is None else stamped * place for place in range(400)]
    told = times(arrivals(came, stamps))
    settled = 3500 // between + 3
    assert told[settled:] == came[settled:]
    assert all(-250 <= time - at <= 0 for time, at in zip(told, came, strict=True))


def test_a_slow_camera_is_not_held_up():
    """Only its first frame waits for the one behind it."""
    given = arrivals([1000 * place for place in range(20)], [1000 * place for place in range(20)])
    seen = []

    def coming():
        for one in given:
            seen.append(one.sent)
            yield one

    told = [(one.sent, seen[-1]) for one in taken(coming())]
    assert told[0] == (0, 1) and told[2:] == [(place, place) for place in range(2, 20)]


def test_pictures_out_of_their_order_are_led_back_by_when_they_are_shown():
    shown = [0, 120, 40, 80, 240, 160, 200]
    given = [
        Arrival(place, 1, (40 * place - 80) / 1000, stamp / 1000, 9000 * MS)
        for place, stamp in enumerate(shown)
    ]
    told = [one.time_ns for one in taken(given)]
    assert [told[place] - told[0] for place in range(7)] == [stamp * MS for stamp in shown]
    assert max(told) == 9000 * MS


def test_timestamps_that_jump_tell_nothing():
    came = [5000] * 10 + [5400]
    told = times(arrivals(came, [40 * place + 3_600_000 * (place > 4) for place in range(11)]))
    assert told[:5] == [5000] * 5


def test_no_more_is_held_than_fits():
    given = arrivals([5000] * 2000, size=1 << 20)
    seen = 0

    def coming():
        nonlocal seen
        for one in given:
            seen += 1
            yield one

    for one in taken(coming()):
        assert seen - one.sent <= 34


def test_what_is_held_as_a_connection_breaks_is_given_out():
    assert times(arrivals([5000] * 3)) == [4920, 4960, 5000]
    assert times([]) == []

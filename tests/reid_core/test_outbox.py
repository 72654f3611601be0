"""What happened in a gallery is told in order, once behind each position, of the kinds that are asked for."""

import pytest

from reid_core.gallery import Gallery
from reid_core.gallery.outbox import Outbox, forget_refused, put_event
from reid_core.gallery.records import Refused
from reid_core.gallery.refusals import RECORD_REFUSED, put_refused


@pytest.fixture(scope="module")
def database():
    with Gallery.open("sqlite://") as gallery:
        yield gallery.database


@pytest.fixture(scope="module")
def outbox(database):
    with database.write() as session:
        for number, kind in enumerate(["a", "b", "a", "c", "b", "a"], 1):
            put_event(session, kind, str(number), {}, 5)
    return Outbox(database)


@pytest.mark.parametrize(
    ("position", "kinds", "limit", "then"),
    [
        (0, "ab", 99, "12356"),
        (0, "abc", 3, "123"),
        (3, "abc", 99, "456"),
        (2, "a", 1, "3"),
        (6, "abc", 99, ""),
        (0, "", 99, ""),
    ],
)
def test_events_of_some_kinds_behind_a_position_in_their_order(outbox, position, kinds, limit, then):
    assert "".join(event.subject for event in outbox.after(position, set(kinds), limit)) == then


def test_what_is_left_to_be_told_is_counted(outbox):
    assert [outbox.count_after(position, {"a"}) for position in (0, 1, 3, 6)] == [3, 2, 1, 0]
    assert outbox.count_after(0, {"a", "c"}) == 4 and outbox.count_after(0, set()) == 0
    assert outbox.end() == 6


def test_a_dead_letter_is_told_until_it_is_on_its_topic_and_the_others_stay(database, outbox):
    letters = [Refused("frames", 0, place, "damaged", "It is.", 1, b"record", 5, "id") for place in (7, 8)]
    with database.write() as session:
        for letter in letters:
            put_refused(session, letter)
    events = outbox.after(6, {RECORD_REFUSED}, 99)
    assert [outbox.refused(event) for event in events] == letters
    with database.write() as session:
        forget_refused(session, [events[0].payload["id"]])
        forget_refused(session, [])
    assert [outbox.refused(event) for event in events] == [None, letters[1]]

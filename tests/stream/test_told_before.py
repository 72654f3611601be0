"""How far an announcer came, as the topics tell: in this gallery, in one restored, in another one."""

import pytest

from reid_core.gallery import Gallery
from reid_core.gallery.outbox import Outbox, put_event
from stream.followers.told_before import Told, digest, go_on, headers_of, told_by

KINDS = {"test.told"}


class Desk:
    """A gallery in which things happen, and what its announcer has put on a topic."""

    def __init__(self, gallery):
        self.database, self.outbox = gallery.database, Outbox(gallery.database)
        self.topic = []

    def happen(self, subjects, kind="test.told"):
        with self.database.write() as session:
            for one in subjects:
                put_event(session, kind, one, {"name": one}, 5)

    def announce(self, position, generation=1):
        events = self.outbox.after(position, KINDS, 99)
        self.topic += [told_by(headers_of(event, generation)) for event in events]
        return max([position, *(event.id for event in events)])

    def go_on(self, position, generation=1):
        return go_on(self.outbox, KINDS, position, generation, self.topic)


@pytest.fixture
def opened():
    """``opened(topic=()) -> Desk`` of a gallery of its own."""
    galleries = []

    def make(topic=()):
        galleries.append(Gallery.open("sqlite://"))
        made = Desk(galleries[-1])
        made.topic = list(topic)
        return made

    yield make
    for each in galleries:
        each.close()


@pytest.fixture
def desk(opened):
    return opened()


def test_nothing_on_the_topics_leaves_everything_to_be_told(desk):
    desk.happen("abc")
    assert desk.go_on(0) == (0, 1) and desk.go_on(2) == (2, 1)


def test_what_was_told_and_not_noted_is_not_told_again(desk):
    desk.happen("ab")
    desk.happen("x", kind="test.other")
    desk.happen("cd")
    assert desk.announce(0) == 5
    for noted in (0, 2, 5):
        assert desk.go_on(noted) == (5, 1)


def test_what_is_noted_is_not_held_against_the_gallery_again(desk):
    desk.happen("ab")
    desk.announce(0)
    desk.topic += [Told(1, 1, "of a record that is gone")]
    assert desk.go_on(1) == (2, 1)


def test_records_of_earlier_versions_are_taken_by_their_number(desk):
    desk.happen("abc")
    desk.topic = [Told(number, 1, None) for number in (1, 2)]
    assert desk.go_on(0) == (2, 1)
    desk.topic += [Told(7, 1, None)]
    assert desk.go_on(0) == (2, 2)


@pytest.mark.parametrize("again", ["", "x", "xyz", "xyzuvw"], ids=["nothing", "less", "as much", "more"])
def test_after_a_restore_all_that_is_new_is_told(opened, again):
    """Whatever has happened again by the time the announcer looks."""
    lost = opened()
    lost.happen("abcdef")
    lost.announce(0)
    restored = opened(lost.topic)
    restored.happen("abc")
    restored.happen(again)
    assert restored.go_on(2) == (3, 2)
    # What happens behind it is told under the new generation, and a fall there repeats nothing.
    restored.happen("g")
    end = restored.announce(3, generation=2)
    assert restored.go_on(2) == (end, 2) and restored.go_on(end, 2) == (end, 2)


def test_what_happened_again_just_as_before_was_told(opened):
    lost = opened()
    lost.happen("abcdef")
    lost.announce(0)
    restored = opened(lost.topic)
    restored.happen("abcdef")
    assert restored.go_on(2) == (6, 1)


@pytest.mark.slow
def test_the_same_backup_may_be_restored_twice(opened):
    lost = opened()
    lost.happen("abcd")
    lost.announce(0)
    once = opened(lost.topic)
    once.happen("abxy")
    position, generation = once.go_on(2)
    once.announce(position, generation)
    assert [(one.number, one.generation) for one in once.topic[4:]] == [(3, 2), (4, 2)]
    twice = opened(once.topic)
    twice.happen("abz")
    assert twice.go_on(2) == (2, 3)


def test_a_later_backup_after_an_earlier_one(opened):
    """What it brings back was told in the first generation; what came between is strange to it."""
    lost = opened()
    lost.happen("abcd")
    lost.announce(0)
    once = opened(lost.topic)
    once.happen("ax")
    once.announce(*once.go_on(1))
    later = opened(once.topic)
    later.happen("abcd")
    assert later.go_on(4) == (4, 3)


def test_another_gallery_at_the_same_topics_tells_everything(opened):
    other = opened()
    other.happen("abcdefgh")
    other.announce(0)
    new = opened(other.topic)
    new.happen("vwxyz")
    assert new.go_on(0) == (0, 2)


def test_a_digest_is_of_all_that_an_event_says(desk):
    desk.happen("a")
    desk.happen("a")
    with desk.database.write() as session:
        put_event(session, "test.told", "b", {"name": "a"}, 5)
        put_event(session, "test.told", "a", {"name": "b"}, 5)
        put_event(session, "test.told", "a", {"name": "a"}, 6)
    first, again, *others = desk.outbox.after(0, KINDS, 9)
    assert digest(first) == digest(again) and len({digest(one) for one in (first, *others)}) == 4


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], None),
        ([("outbox", None)], None),
        ([("outbox", b"x")], None),
        ([("outbox", b"4"), ("generation", b"-1")], None),
        ([("outbox", b"4")], Told(4, 1, None)),
        # A dead letter's own headers are in front of the announcer's.
        ([("outbox", b"9"), ("generation", b"9"), ("outbox", b"4"), ("generation", b"2")], Told(4, 2, None)),
    ],
)
def test_what_a_record_says(headers, told):
    assert told_by(headers) == told

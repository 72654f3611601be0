"""Followers: each event once and in order, whoever holds the lease, whatever fails in between."""

from contextlib import contextmanager

import pytest
from sqlalchemy import insert, text

from reid_core.errors import DatabaseAwayError, DiskFullError, GalleryError, ModelError, StorageError
from reid_core.gallery import Gallery
from reid_core.gallery.lease import LeaseLostError
from reid_core.gallery.outbox import Outbox, put_event
from reid_core.gallery.schema import MetaRow
from stream.followers.following import ATTEMPTS, is_the_events
from tests.support.following import KIND, Desk, Elsewhere, Scribe

AWAY = DatabaseAwayError("It is away.")


@pytest.fixture
def desk(books):
    with Gallery.open(books) as gallery:
        yield Desk(gallery.database)


# Once and in order


def test_each_event_of_its_kinds_is_handled_once_in_order_a_few_at_a_time(desk):
    one = desk.scribe()
    desk.happen("abcdefg")
    desk.happen("x", kind="test.other")
    desk.happen("h")
    one.turn()
    assert desk.written == "abcdefgh"
    assert one.follower.batches == ["abc", "def", "gh"]
    desk.happen("i")
    one.turn()
    one.turn()
    assert desk.written == "abcdefghi"


def test_who_does_not_hold_the_lease_does_nothing(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("abc")
    two.turn()
    assert desk.written == "" and two.follower.batches == []
    one.turn()
    assert desk.written == "abc"


def test_who_takes_over_goes_on_behind_the_mark(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("abcd")
    one.turn()
    desk.happen("ef")
    assert two.takes_over()
    two.turn()
    assert desk.written == "abcdef" and two.follower.batches == ["ef"]


def test_what_happened_in_an_earlier_process_is_handled_too(desk):
    desk.happen("ab")
    desk.scribe().turn()
    assert desk.written == "ab"


def test_what_is_of_other_kinds_is_looked_through_once(desk, monkeypatch):
    one = desk.scribe()
    desk.happen("a")
    desk.happen("xyz", kind="test.other")
    looked, after = [], Outbox.after

    def counted(self, position, kinds, limit):
        if KIND in kinds:
            looked.append(position)
        return after(self, position, kinds, limit)

    monkeypatch.setattr(Outbox, "after", counted)
    for _ in range(5):
        one.turn()
    end = Outbox(desk.database).end()
    # What the scribe writes is an event too.
    assert len(looked) == 2 and looked[0] == 0
    desk.happen("b")
    one.turn()
    assert desk.written == "ab" and looked[2] == end


def test_the_mark_passes_what_is_of_other_kinds_now_and_then(desk):
    one = desk.scribe()
    desk.happen("a")
    one.turn()
    desk.happen("xyz", kind="test.other")
    one.turn()
    mark, end = one.lease.state()["position"], Outbox(desk.database).end()
    assert mark == desk.number("a") < end
    one.clock.now += 600
    one.lease.hold()
    one.turn()
    assert one.lease.state()["position"] == end
    desk.happen("b")
    one.turn()
    assert desk.written == "ab"


# Effect and mark


def test_an_effect_is_kept_with_the_mark_or_not_at_all(desk):
    one = desk.scribe()
    desk.happen("ab")
    one.follower.late, one.follower.fails = {"b"}, {"b": lambda: AWAY}
    assert one.turn() > 1
    assert desk.written == "" and one.lease.state() == {}
    one.follower.fails = {}
    one.turn()
    assert desk.written == "ab" and one.lease.state() == {"position": desk.number("b")}


def test_a_commit_whose_answer_is_lost_is_not_made_again(desk, monkeypatch):
    one = desk.scribe()
    desk.happen("abcd")
    write = desk.database.write

    @contextmanager
    def kept_but_unanswered():
        monkeypatch.setattr(desk.database, "write", write)
        with write() as session:
            yield session
        raise AWAY

    one.follower.meanwhile = lambda: monkeypatch.setattr(desk.database, "write", kept_but_unanswered)
    one.turn()
    assert desk.written == "abc"
    one.turn()
    assert desk.written == "abcd"


def test_who_loses_the_lease_in_the_middle_of_the_work_writes_nothing(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("abc")

    def meanwhile():
        assert two.takes_over()
        two.turn()

    one.follower.meanwhile = meanwhile
    one.turn()
    assert one.follower.batches == two.follower.batches == ["abc"]
    assert desk.written == "abc"
    assert one.metric("failures_total") == 0 and desk.set_aside == []


def test_nor_does_who_has_it_again_by_then(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("abcd")

    def meanwhile():
        assert two.takes_over()
        two.turn()
        assert one.takes_over()

    one.follower.meanwhile = meanwhile
    one.turn()
    assert desk.written == "abcd"
    desk.happen("e")
    one.turn()
    assert desk.written == "abcde"


def test_who_has_it_again_between_two_turns_begins_with_nothing_that_is_done(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("a")
    one.turn()
    desk.happen("b")
    assert two.takes_over()
    two.turn()
    assert one.takes_over()
    desk.happen("c")
    one.turn()
    assert one.follower.batches == ["a", "c"] and desk.written == "abc"


# Events that cannot be handled


def test_an_event_that_always_fails_is_set_aside_and_the_others_are_handled(desk):
    one = desk.scribe()
    desk.happen("abcdefghi")
    one.follower.fails = {"e": lambda: KeyError("identity")}
    waited = [one.turn() for _ in range(4)]
    assert desk.written == "abcdfghi"
    assert one.follower.batches == ["abc", "def", "d", "e", "e", "e", "f", "ghi"]
    assert sum(seconds > 1 for seconds in waited) == ATTEMPTS - 1, "there is a pause behind every vain try"
    [told] = desk.set_aside
    assert told == {
        "follower": "scribe",
        "event": desk.number("e"),
        "kind": KIND,
        "error": "KeyError: 'identity'",
        "subject": "e",
        "at": 7,
    }
    assert one.metric("set_aside_total") == 1 and one.metric("failures_total") == 1 + ATTEMPTS
    assert one.telemetry.troubles() == []


def test_an_event_that_fails_a_while_is_not_set_aside(desk):
    one = desk.scribe()
    desk.happen("ab")
    one.follower.fails = {"a": lambda: ModelError("No.")}
    for _ in range(ATTEMPTS - 1):
        one.turn()
    one.follower.fails = {}
    one.turn()
    assert desk.written == "ab" and desk.set_aside == []


def test_each_event_has_tries_of_its_own(desk):
    one = desk.scribe()
    desk.happen("ab")
    one.follower.fails = {"": lambda: KeyError("x")}
    for _ in range(2 * ATTEMPTS):
        one.turn()
    assert [told["subject"] for told in desk.set_aside] == ["a", "b"]
    assert one.follower.batches == ["ab", *["a"] * ATTEMPTS, *["b"] * ATTEMPTS]


def contradicts(session):
    session.execute(insert(MetaRow), [{"key": "chain", "value": "another"}])


def says_nothing_that_can_be_kept(session):
    put_event(session, "test.strange", "", {"strange": object()}, 0)


@pytest.mark.parametrize("write", [contradicts, says_nothing_that_can_be_kept])
def test_what_the_database_cannot_keep_is_the_events_fault(desk, write):
    class Careless(Scribe):
        def commit(self, session, work):
            super().commit(session, work)
            if "b" in work:
                write(session)

    one = desk.scribe(scribe=Careless())
    desk.happen("abc")
    for _ in range(ATTEMPTS):
        one.turn()
    assert desk.written == "ac" and [told["subject"] for told in desk.set_aside] == ["b"]


def test_it_is_not_set_aside_by_who_has_lost_the_lease(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("a")
    one.follower.fails = {"a": lambda: KeyError("x")}
    for _ in range(ATTEMPTS - 1):
        one.turn()
    two.takes_over()
    two.turn()
    one.turn()
    assert desk.written == "a" and desk.set_aside == []


def test_nor_by_who_has_it_again_by_then(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("ab")
    tries = []

    def fails():
        tries.append("a")
        if len(tries) == ATTEMPTS + 1:
            assert two.takes_over()
            two.turn()
            assert one.takes_over()
        return KeyError("x")

    one.follower.fails = {"a": fails}
    for _ in range(ATTEMPTS):
        one.turn()
    one.follower.fails = {}
    one.turn()
    assert len(tries) == ATTEMPTS + 1
    assert desk.written == "ab" and desk.set_aside == []


@pytest.mark.parametrize(
    "error", [AWAY, DiskFullError("Full."), StorageError("Gone.")], ids=lambda one: type(one).__name__
)
def test_what_is_no_events_fault_is_waited_out(desk, error):
    one = desk.scribe()
    desk.happen("abc")
    one.follower.fails = {"b": lambda: error}
    for _ in range(3 * ATTEMPTS):
        assert one.turn() > 1
        assert one.telemetry.troubles() == [str(error)]
    assert desk.written == "" and desk.set_aside == []
    assert set(one.follower.batches) == {"abc"}, "nobody is to blame, so that nothing is tried one by one"
    one.follower.fails = {}
    one.turn()
    assert desk.written == "abc" and one.telemetry.troubles() == []


def test_a_database_that_fails_for_good_is_waited_out(desk):
    class Stray(Scribe):
        table = "no_such_table"

        def commit(self, session, work):
            super().commit(session, work)
            session.execute(text(f"SELECT 1 FROM {self.table}"))

    one = desk.scribe(scribe=Stray())
    desk.happen("a")
    for _ in range(2 * ATTEMPTS):
        one.turn()
    assert desk.set_aside == [] and one.telemetry.troubles()
    assert desk.written == ""
    one.follower.table = "outbox"
    one.turn()
    assert desk.written == "a"


def test_whose_fault_an_error_is():
    assert is_the_events(ValueError("x")) and is_the_events(ModelError("x"))
    assert is_the_events(GalleryError("The gallery has no tracklet 'x'."))
    assert not is_the_events(LeaseLostError("x"))


# Elsewhere


@pytest.fixture
def elsewhere():
    return Elsewhere()


def there(elsewhere):
    return "".join(subject for _, subject in elsewhere.has)


def test_what_is_done_elsewhere_is_done_once_and_noted(desk, elsewhere):
    one = desk.teller(elsewhere)
    desk.happen("abcde")
    one.turn()
    assert there(elsewhere) == "abcde" and "".join(one.follower.committed) == "abcde"
    assert one.lease.state() == {"position": desk.number("e"), "there": 5}


def test_what_was_delivered_and_not_marked_is_found_out_there(desk, elsewhere):
    one = desk.teller(elsewhere)
    desk.happen("abcde")
    one.follower.fails = {"after": RuntimeError("The answer is lost.")}
    one.turn()
    assert there(elsewhere) == "ab" and one.lease.state() == {}
    one.turn()
    assert there(elsewhere) == "abcde" and one.lease.state()["position"] == desk.number("e")


def test_who_takes_over_is_told_what_was_noted(desk, elsewhere):
    one, two = desk.teller(elsewhere), desk.teller(elsewhere, "two")
    desk.happen("abc")
    one.turn()
    desk.happen("d")
    assert two.takes_over()
    two.turn()
    [mark] = two.follower.marks
    assert (mark.position, mark.notes) == (desk.number("c"), {"there": 3})
    desk.happen("e")
    one.turn()
    two.turn()
    assert there(elsewhere) == "abcde", "who was shut out has delivered nothing"


def test_who_is_the_holder_no_more_lets_go(desk, elsewhere):
    one, two = desk.teller(elsewhere), desk.teller(elsewhere, "two")
    one.turn()
    assert one.follower.voice
    two.takes_over()
    one.lease.hold()
    one.turn()
    assert one.follower.voice is None


def test_a_refusal_elsewhere_is_waited_out_whatever_it_is(desk, elsewhere):
    one = desk.teller(elsewhere)
    desk.happen("abc")
    one.follower.fails = {"before": KeyError("no such topic")}
    for _ in range(3 * ATTEMPTS):
        one.turn()
    assert one.telemetry.troubles() == ["'no such topic'"]
    one.follower.fails = {}
    one.turn()
    assert there(elsewhere) == "abc" and desk.set_aside == [] and one.telemetry.troubles() == []


def test_what_cannot_be_prepared_for_elsewhere_is_set_aside_and_the_notes_are_kept(desk, elsewhere):
    one = desk.teller(elsewhere)
    desk.happen("ab")
    one.turn()
    desk.happen("c")
    one.follower.poison = {"c"}
    for _ in range(ATTEMPTS):
        one.turn()
    assert one.lease.state() == {"position": desk.number("c"), "there": 2}
    assert there(elsewhere) == "ab" and [told["subject"] for told in desk.set_aside] == ["c"]


# Lag


def test_how_far_behind_it_is_is_told(desk):
    one = desk.scribe()
    one.turn()
    assert one.metric("lag_events") == one.metric("lag_seconds") == 0
    one.clock.now = 10
    desk.happen("abcde")
    one.follower.fails = {"d": lambda: AWAY}
    one.turn()
    one.clock.now = 40
    one.turn()
    # Three of five are handled; it has been behind since the turn that found nothing.
    assert one.metric("lag_events") == one.follower.waited == 2
    assert one.metric("lag_seconds") == 40
    one.follower.fails = {}
    one.turn()
    assert one.metric("lag_events") == one.metric("lag_seconds") == one.follower.waited == 0


def test_who_does_not_do_it_is_not_behind(desk):
    one, two = desk.scribe(), desk.scribe("two")
    desk.happen("abc")
    two.clock.now = 100
    two.turn()
    assert two.metric("lag_events") == two.metric("lag_seconds") == 0
    one.follower.fails = {"": lambda: AWAY}
    one.turn()
    one.clock.now = 7
    one.turn()
    assert one.metric("lag_events") == 3 and one.metric("lag_seconds") == 7

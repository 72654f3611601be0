"""The right to do one thing: taken over from who stopped moving, and refused to who lost it."""

import threading

import pytest
from sqlalchemy import create_engine, text

from reid_core.errors import GalleryInUseError
from reid_core.gallery import Gallery
from reid_core.gallery import database as opening
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.schema import MetaRow
from tests.support.gallery_world import all_rows
from tests.support.old_gallery import unpack


class Clock:
    """Each holder's own; they agree on nothing."""

    def __init__(self, now=0.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def database(books):
    with Gallery.open(books) as gallery:
        yield gallery.database


@pytest.fixture
def make(database):
    def made(holder, start=0.0, name="clerk", seconds=5.0):
        clock = Clock(start)
        return Lease(database, name, holder, seconds, clock), clock

    return made


def guarded(database, lease):
    """Write something under a lease's guard."""
    with database.write() as session:
        session.merge(MetaRow(key="written", value=str(lease.epoch)))
        session.flush()
        lease.guard(session)


def written(database):
    with database.read() as session:
        row = session.get(MetaRow, "written")
        return row.value if row is not None else None


def test_the_first_one_has_it_and_the_second_waits(make):
    (one, _), (two, _) = make("one"), make("two")
    assert (one.epoch, two.epoch) == (None, None)
    assert one.hold() and not two.hold()
    assert (one.epoch, two.epoch) == (1, None)


def test_things_of_other_names_are_others(make):
    (one, _), (other, _) = make("one"), make("two", name="auditor")
    assert one.hold() and other.hold() and one.hold()


def test_while_its_holder_moves_nobody_takes_it(make):
    (one, _), (two, clock) = make("one"), make("two", start=1e6)
    for _ in range(10):
        assert one.hold() and not two.hold()
        clock.now += 4.9
        assert not two.hold()
    assert one.epoch == 1


def test_who_is_silent_for_too_long_loses_it(make, database):
    (one, _), (two, clock) = make("one"), make("two", start=-50.0)
    one.hold()
    two.hold()
    clock.now += 4.9
    assert not two.hold()
    clock.now += 0.2
    assert two.hold() and two.epoch == 2
    with pytest.raises(LeaseLostError, match="taken over clerk"):
        guarded(database, one)
    assert written(database) is None, "what it wrote in that transaction is gone with it"
    guarded(database, two)
    assert written(database) == "2"


def test_silence_counts_from_when_one_began_to_look(make):
    (one, _), (late, clock) = make("one"), make("late", start=1e9)
    one.hold()
    assert not late.hold()
    clock.now += 4.9
    assert not late.hold()


def test_who_lost_it_hears_so_and_may_have_it_again(make):
    (one, clock_one), (two, clock_two) = make("one"), make("two")
    one.hold()
    two.hold()
    clock_two.now += 6
    two.hold()
    assert not one.hold() and one.epoch is None
    clock_one.now += 6
    assert one.hold() and one.epoch == 3
    assert not two.hold() and two.epoch is None


def test_nobody_wins_twice_when_two_wait(make, database):
    (one, _), *others = make("one"), make("two"), make("three")
    one.hold()
    for lease, clock in others:
        lease.hold()
        clock.now += 6
    assert [lease.hold() for lease, _ in others] == [True, False]


def test_who_renews_keeps_it_and_takes_it_from_nobody(make, database):
    (one, _), (two, clock) = make("one"), make("two")
    one.renew()
    assert one.epoch is None and two.hold()
    two.let_go()
    one.hold()
    for _ in range(3):
        assert not two.hold()
        clock.now += 4.9
        one.renew()
    clock.now += 6
    assert not two.hold(), "the last beat is seen only now"
    clock.now += 6
    assert two.hold()
    one.renew()
    clock.now += 6
    assert two.hold() and two.epoch == 3
    with pytest.raises(LeaseLostError):
        guarded(database, one)


def test_who_hands_it_back_leaves_it_to_the_next_at_once(make, database):
    (one, _), (two, _) = make("one"), make("two")
    one.hold()
    one.let_go()
    assert one.epoch is None
    with pytest.raises(LeaseLostError):
        guarded(database, one)
    assert two.hold() and two.epoch == 2


def test_who_has_it_no_more_cannot_hand_it_back(make):
    (one, _), (two, clock) = make("one"), make("two")
    one.hold()
    two.hold()
    clock.now += 6
    two.hold()
    one.let_go()
    (three, _) = make("three")
    assert not three.hold() and two.hold()


def test_who_never_had_it_may_write_nothing(make, database):
    lease, _ = make("one")
    with pytest.raises(LeaseLostError):
        guarded(database, lease)
    lease.let_go()
    with pytest.raises(LeaseLostError):
        lease.put_state({"position": 1})


def test_the_next_holder_knows_what_the_last_one_left(make):
    (one, _), (two, clock) = make("one"), make("two")
    assert one.state() == {}
    one.hold()
    one.put_state({"position": 7, "ends": {"links/0": 3}})
    one.hold()
    two.hold()
    clock.now += 6
    two.hold()
    assert two.state() == {"position": 7, "ends": {"links/0": 3}}
    with pytest.raises(LeaseLostError):
        one.put_state({"position": 8})
    assert two.state()["position"] == 7
    two.put_state({"position": 9})
    assert one.state() == {"position": 9}


def test_a_process_of_the_same_name_is_another_holder(make, database):
    (one, _), (again, clock) = make("one"), make("one")
    one.hold()
    assert not again.hold()
    clock.now += 6
    assert again.hold() and again.epoch == 2
    with pytest.raises(LeaseLostError):
        guarded(database, one)


def test_one_row_a_thing(make, books):
    (one, _), (two, clock) = make("one"), make("two")
    for _ in range(3):
        one.hold()
        two.hold()
        clock.now += 6
    assert len(all_rows(books)["leases"]) == 1


# Upgrades


def test_tables_do_not_change_under_a_worker_of_an_older_version(tmp_path, monkeypatch):
    url = f"sqlite:///{unpack(tmp_path)}"
    older = create_engine(url)
    with older.begin() as connection:
        connection.execute(text("INSERT INTO leases VALUES ('clerk/night', 'old-7', 1, 5, '{}')"))
    works = threading.Event()

    def work():
        while not works.wait(0.1):
            with older.begin() as connection:
                connection.execute(text("UPDATE leases SET beat = beat + 1"))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        with pytest.raises(GalleryInUseError, match=r"older version \(old-7\) is at work"):
            opening.Database(url)
    finally:
        works.set()
        thread.join()
    with older.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0003"
    # One that was killed still has the lease, and does not move.
    monkeypatch.setattr(opening, "_WATCHED_SECONDS", 0.5)
    opening.Database(url).close()
    with older.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != "0003"
    older.dispose()

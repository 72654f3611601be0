"""The followers of a worker: found by name, each with a lease, which is held however long the work takes."""

import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from reid_core.gallery.lease import Lease
from reid_core.gallery.outbox import put_event
from reid_core.registry import Registry
from stream.followers import FOLLOWERS, starting
from stream.followers.announcements import KINDS
from stream.followers.starting import Followers
from stream.followers.surroundings import Surroundings
from stream.kafka.settings import KafkaSettings
from stream.kafka.topic_plan import TopicSettings, plan
from stream.service.telemetry import Telemetry
from tests.conftest import command_environment
from tests.support import tally
from tests.support.crew import until

SECONDS = 0.4


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


@pytest.fixture
def registered(monkeypatch):
    """``registered(name=attribute of tests.support.tally)``: all followers that there are."""

    def register(**names):
        table = {name: f"tests.support.tally:{attribute}" for name, attribute in names.items()}
        monkeypatch.setattr(starting, "FOLLOWERS", Registry("follower", "nobody.followers", table))

    return register


@pytest.fixture
def make(gallery):
    """``make(holder, seconds=SECONDS) -> Followers``, ended after the test."""
    made = []

    def maker(holder, seconds=SECONDS):
        made.append(Followers(around(gallery), holder, seconds, {}))
        return made[-1]

    yield maker
    tally.SlowTally.go_on.set()
    for one in made:
        one.stop(10)


def around(gallery):
    return Surroundings(gallery, Telemetry(), KafkaSettings(), "", "night", 1 << 20)


def happen(gallery, *subjects):
    with gallery.database.write() as session:
        for subject in subjects:
            put_event(session, tally.KINDS[0], subject, {}, 0)


@pytest.mark.slow
def test_those_of_other_packages_are_found_by_their_entry_points(tmp_path):
    tally.worker_with_tally(tmp_path)
    environment = command_environment()
    environment["PYTHONPATH"] += f":{tmp_path / 'installed'}"
    code = "from stream.followers import FOLLOWERS; print(*FOLLOWERS.names, FOLLOWERS.get('tally').__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [*FOLLOWERS.names, "tally", "Tally"]


def test_the_announcer_goes_by_the_clerks_lease(gallery):
    with pytest.raises(UsageError, match="announcer goes by a lease clerk"):
        Followers(around(gallery), "one", SECONDS, {})
    lease = Lease(gallery.database, "clerk/night", "one", SECONDS)
    Followers(around(gallery), "one", SECONDS, {"clerk": lease})


def test_two_cannot_go_by_one_lease(registered, make):
    registered(one="Tally", two="Tally")
    with pytest.raises(UsageError, match="by one lease, follower/tally"):
        make("one")


def test_what_has_nothing_to_do_is_left_out(gallery, registered, make):
    registered(nobody="nobody", tally="Tally")
    happen(gallery, "a")
    make("one").start()
    until("it is done", lambda: tally.tallied(gallery.database), 10)


def test_a_lease_is_held_while_the_work_takes_longer_than_it_lasts(gallery, registered, make, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(tally.SlowTally, "begun", begun)
    monkeypatch.setattr(tally.SlowTally, "go_on", go_on)
    registered(tally="SlowTally")
    happen(gallery, "a")
    make("one").start()
    assert begun.wait(10)
    other = Lease(gallery.database, "follower/tally/night", "two", SECONDS)
    for _ in range(20):
        assert not other.hold()
        time.sleep(SECONDS / 4)
    go_on.set()
    until("it is done", lambda: tally.tallied(gallery.database), 10)
    assert [row[:3] for row in tally.tallied(gallery.database)] == tally.happened(gallery.database)


def test_who_stops_leaves_it_to_the_next_one_at_once(gallery, registered, make):
    registered(tally="Tally")
    one, two = make("one", 600.0), make("two", 600.0)
    one.start()
    happen(gallery, "a", "b")
    until("it is done", lambda: len(tally.tallied(gallery.database)) == 2, 10)
    one.stop(10)
    happen(gallery, "c")
    two.start()
    until("the next one has done it", lambda: len(tally.tallied(gallery.database)) == 3, 10)
    assert [row[:3] for row in tally.tallied(gallery.database)] == tally.happened(gallery.database)


def test_what_is_announced_goes_to_topics_that_are_made():
    made = {topic.name for topic in plan(TopicSettings())}
    told = Counter(topic for kind in KINDS.values() for topic in kind.topics)
    assert set(told) <= made
    # Who a tracklet is, and who it has become since.
    assert {topic for topic, kinds in told.items() if kinds > 1} == {"sightings"}

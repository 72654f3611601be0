"""Who is held stays, whatever people correct and confirm meanwhile; and nobody else does."""

import numpy as np
import pytest

from reid_core.audit.trail import Trail
from reid_core.erasure.choosing import plan
from reid_core.erasure.holds import HeldError, NewHold, check_free, held, hold
from reid_core.erasure.service import Erasing
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.corrections import Author, merge, undo
from reid_core.gallery.hours import DAY_NS
from reid_core.gallery.schema import StagedRow, TrackletRow
from reid_core.gallery.staging import pack_entry
from reid_core.gallery.streams import TRACKLET
from reid_core.gallery.writing import sighting_id
from reid_core.retention.enforcing import Retention
from reid_core.retention.rules import CameraRules, RetentionRules
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.labels import Verdict, judge_link
from reid_core.types import Candidate, Decision, Link, Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

KIM = Author("kim", 7)
HANDS = Hands(Person("1", "kim"), 7)
NOW = 100 * DAY_NS


class World:
    """Four people by day, each seen by night too; the last one by night is linked to nobody.

    ``day`` and ``night`` are their tracklets, in this order.
    """

    def __init__(self, url, folder):
        self.gallery = Gallery.open(url, erasures=folder / "erasures")
        generator = np.random.default_rng(3)
        lobby, yard = Scene(self.gallery), Scene(self.gallery, "yard", Modality.INFRARED)
        people = unit(generator, 4)
        day = [lobby.entry(100 * turn, near(one, generator, 2)) for turn, one in enumerate(people)]
        night = [yard.entry(100 * turn, near(one, generator, 2)) for turn, one in enumerate(people)]
        self.gallery.add_tracklets([*day, *night], MODEL, IdentityPolicy(0.8))
        self.day, self.night = ([one.tracklet.id for one in entries] for entries in (day, night))
        self.late = yard.entry(1000, unit(generator, 2))
        for turn in range(4):
            self.link(turn, Decision.LINKED if turn < 3 else Decision.UNKNOWN)

    def link(self, turn, decision):
        candidates = tuple(
            Candidate(rank, self.identity(name), 0.9 / rank, None, name, sighting_id(name, 1))
            for rank, name in enumerate((self.day[turn], *self.day[:turn], *self.day[turn + 1 :]), 1)
        )
        self.gallery.put_links([Link(self.night[turn], MODEL, decision, candidates)])

    def identity(self, tracklet):
        with self.gallery.database.read() as session:
            return session.get(TrackletRow, tracklet).identity_id

    def hold(self, **named):
        with self.gallery.database.write() as session:
            return hold(session, NewHold("court order", "counsel", **named), NOW)

    def merge(self, kept, other):
        with self.gallery.database.write() as session:
            return merge(session, self.identity(kept), self.identity(other), KIM)

    def judge(self, turn, meant, verdict=Verdict.CONFIRMED):
        with self.gallery.database.write() as session:
            judge_link(session, self.night[turn], self.identity(self.day[meant]), MODEL, verdict, HANDS)

    def held(self):
        """Numbers of who is held, by day and by night."""
        with self.gallery.database.read() as session:
            found = held(session, [*self.day, *self.night])
        return tuple([turn for turn in range(4) if names[turn] in found] for names in (self.day, self.night))

    def erase(self, **named):
        with self.gallery.database.read() as session:
            wanted = plan(session, **named)
        return Erasing(self.gallery).erase(wanted, "officer", whole=False)


@pytest.fixture
def world(books, tmp_path):
    world = World(books, tmp_path)
    yield world
    world.gallery.close()


def test_a_hold_of_somebody_linked_by_night_holds_nobody_else(world):
    world.hold(identity=world.identity(world.day[0]))
    assert world.held() == ([0], [0])
    done = world.erase(identities=[world.identity(world.day[1])])
    assert set(done.gone.tracklets) == {world.day[1], world.night[1]}
    trail = Trail(world.gallery.database, bytes(range(32)), clock=lambda: NOW)
    retention = Retention(world.gallery, trail, "system:x", "x", clock=lambda: NOW)
    retention.change(RetentionRules(days=CameraRules(tracklets=1)))
    retention.enforce()
    assert {one.id for one in world.gallery.tracklets()} == {world.day[0], world.night[0]}


def test_a_hold_follows_its_identity_through_merges(world):
    first = world.identity(world.day[0])
    world.hold(identity=first)
    world.merge(world.day[1], world.day[0])
    assert world.held() == ([0, 1], [0, 1])
    last = world.merge(world.day[2], world.day[1])
    # Links name the new identity by now.
    assert world.held() == ([0, 1, 2], [0, 1, 2])
    with pytest.raises(HeldError):
        world.erase(identities=[world.identity(world.day[0])], linked=False)
    with pytest.raises(HeldError):
        world.erase(tracklets=[world.night[0]])
    with world.gallery.database.write() as session:
        undo(session, last, KIM)
    assert world.held() == ([0, 1], [0, 1])
    with world.gallery.database.write() as session:
        undo(session, None, KIM)
    assert world.identity(world.day[0]) == first and world.held() == ([0], [0])


def test_a_hold_covers_whom_a_person_confirmed_last(world):
    world.hold(identity=world.identity(world.day[0]))
    world.judge(3, meant=0)
    assert world.held() == ([0], [0, 3])
    with pytest.raises(HeldError):
        world.erase(tracklets=[world.night[3]])
    world.judge(3, meant=0, verdict=Verdict.REJECTED)
    assert world.held() == ([0], [0])
    world.judge(3, meant=0)
    world.judge(3, meant=1, verdict=Verdict.REJECTED)
    assert world.held() == ([0], [0, 3])
    world.judge(3, meant=1)
    assert world.held() == ([0], [0])
    # Whosever the anchor is by now is meant.
    world.merge(world.day[0], world.day[1])
    assert world.held() == ([0, 1], [0, 1, 3])


def test_what_is_staged_of_a_held_camera_is_not_erased(world):
    one = world.late.tracklet
    start, end = (int(one.times_ns[place]) for place in (0, -1))
    with world.gallery.database.write() as session:
        session.add(
            StagedRow(
                kind=TRACKLET,
                subject=one.id,
                camera_id="yard",
                modality="infrared",
                due_ns=end,
                admitted=False,
                content=pack_entry(world.late, MODEL),
            )
        )
    world.hold(camera="lobby")
    world.hold(camera="yard", until_ns=start)
    world.hold(camera="yard", since_ns=end + 1)
    with world.gallery.database.read() as session:
        assert held(session, [one.id]) == set()
    world.hold(camera="yard", since_ns=end, until_ns=end + 1)
    with world.gallery.database.read() as session:
        with pytest.raises(HeldError):
            check_free(session, [one.id])
        [chosen] = plan(session, tracklets=[one.id]).tracklets
    assert chosen.staged and chosen.held
    with pytest.raises(HeldError):
        world.erase(tracklets=[one.id])

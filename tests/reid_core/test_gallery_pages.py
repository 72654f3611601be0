"""Light records in pages: all of it, in order, and never more than was asked for."""

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.paging import TrackletFilter, every
from reid_core.types import Decision, Link, Modality
from tests.support.gallery_world import MODEL, OTHER_MODEL, Scene, near

PEOPLE = np.eye(16, dtype=np.float32)[:3]


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


@pytest.fixture
def world(gallery):
    """Three people twice in the lobby and once at the gate, and six times in the yard at night."""
    draw = np.random.default_rng(61)
    lobby, gate, yard = Scene(gallery), Scene(gallery, "gate"), Scene(gallery, "yard", Modality.INFRARED)
    entries = []
    for i in range(6):
        entries.append(lobby.entry(100 * i, near(PEOPLE[i % 3], draw, 2)))
        entries.append(yard.entry(100 * i, near(PEOPLE[i % 3], draw, 1)))
        if i < 3:
            entries.append(gate.entry(1000 + 100 * i, near(PEOPLE[i], draw, 1)))
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
    names = [entry.tracklet.id for entry in entries if entry.tracklet.modality is Modality.INFRARED]
    gallery.put_links([Link(name, MODEL, Decision.UNKNOWN) for name in names])
    gallery.put_links([Link(name, OTHER_MODEL, Decision.UNKNOWN) for name in names[:2]])
    return gallery


FILTERS = [
    None,
    TrackletFilter(cameras=frozenset({"lobby", "yard"})),
    TrackletFilter(recordings=frozenset({"recording of gate"})),
    TrackletFilter(modality=Modality.INFRARED),
    # Of frames 100 to 109 and 200 to 209, each 40 ns: the second is begun, the third not.
    TrackletFilter(cameras=frozenset({"lobby"}), since_ns=4360, until_ns=8001),
    TrackletFilter(cameras=frozenset()),
    TrackletFilter(modality=Modality.VISIBLE, since_ns=40000),
]


def passes(one, where):
    return where is None or (
        (where.recordings is None or one.recording in where.recordings)
        and (where.cameras is None or one.camera in where.cameras)
        and (where.modality is None or one.modality is where.modality)
        and (where.since_ns is None or one.end_ns >= where.since_ns)
        and (where.until_ns is None or one.start_ns < where.until_ns)
    )


@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_hold_everything_once_in_order(world, where, size):
    expected = [one for one in world.tracklets() if passes(one, where)]
    tracklets = list(every(lambda after: world.tracklet_page(where, after, size)))
    assert [one.id for one in tracklets] == [one.id for one in expected]
    mine = {one.identity for one in expected}
    identities = list(every(lambda after: world.identity_page(where, after, size)))
    assert [(one.id, one.position, one.tracklets) for one in identities] == [
        (one.id, one.position, len(one.tracklets)) for one in world.identities() if one.id in mine
    ]
    names = {one.id for one in expected}
    for model in (MODEL, OTHER_MODEL):
        links = list(every(lambda after, model=model: world.link_page(model, where, after, size)))
        assert links == [link for link in world.links(model) if link.tracklet in names]
    page = world.tracklet_page(where, size=size)
    assert len(page.items) == min(size, len(expected))
    assert (page.next is None) == (len(expected) <= size)


def test_a_summary_says_what_the_tracklet_does(world):
    for one, full in zip(world.tracklet_page().items, world.tracklets(), strict=True):
        for name in ("position", "recording", "camera", "modality", "start_ns", "end_ns", "identity"):
            assert getattr(one, name) == getattr(full, name)
        assert (one.first_frame, one.last_frame) == (full.frames[0], full.frames[-1])
        assert one.length == len(full.frames) and one.close_reason is full.close_reason


def test_what_arrives_between_pages_comes_behind_them(world):
    before = [one.id for one in world.tracklets()]
    first = world.tracklet_page(size=8)
    added = Scene(world, "gate").entry(0, PEOPLE[:1])
    world.add_tracklets([added], MODEL, IdentityPolicy(None))
    second = world.tracklet_page(after=first.next, size=100)
    assert [one.id for one in (*first.items, *second.items)] == [*before, added.tracklet.id]


def test_identities_are_numbered_as_they_arrived(world):
    people = world.identities()
    assert len(people) == 3
    expected = {one.id: number for number, one in enumerate(people, start=1)}
    assert world.identity_numbers(expected) == expected
    assert world.identity_numbers([people[2].id, people[2].id, "nobody"]) == {people[2].id: 3}
    assert world.identity_numbers([]) == {}


def test_links_cameras_and_recordings_can_be_named(world):
    assert {one.id for one in world.cameras({"gate", "nowhere"})} == {"gate"}
    assert [one.id for one in world.recordings(["recording of yard"])] == ["recording of yard"]
    assert world.cameras(()) == () and world.recordings(()) == ()
    assert world.links(MODEL, ["recording of yard"]) == world.links(MODEL)
    assert world.links(MODEL, ["recording of lobby"]) == ()


def test_a_page_of_nothing_is_refused(world):
    for read in (world.tracklet_page, world.identity_page, lambda size: world.link_page(MODEL, size=size)):
        with pytest.raises(UsageError, match="at least 1 record"):
            read(size=0)

"""Links of stored infrared tracklets: written once, together, and only where they may be."""

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.outbox import LINK_MADE, Outbox, put_event
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.types import Decision, Modality
from tests.support.gallery_world import MODEL, Scene, all_rows, near

PEOPLE = np.eye(16, dtype=np.float32)[:3]
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


@pytest.fixture
def generator():
    return np.random.default_rng(51)


@pytest.fixture
def night(gallery, generator):
    """Three people by day; at night two of them, and a second camera that saw the third."""
    day, yard = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
    roof = Scene(gallery, "roof", Modality.INFRARED)
    entries = [day.entry(40 * i, near(one, generator, 2)) for i, one in enumerate(PEOPLE)]
    entries += [roof.entry(0, near(PEOPLE[2], generator, 2))]
    entries += [yard.entry(40 * i, near(PEOPLE[i], generator, 2)) for i in (1, 0)]
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
    return yard


@pytest.fixture
def linker(gallery):
    return Linker(gallery, Matcher(gallery, MODEL, CALIBRATION))


def made(gallery):
    return [one.subject for one in Outbox(gallery.database).after(0, [LINK_MADE], 99)]


def test_a_recordings_infrared_tracklets_are_linked_in_order_of_arrival(gallery, night, linker):
    names = linker.infrared_of(night.recording)
    assert names == tuple(night.entry(40 * i, PEOPLE[:1]).tracklet.id for i in (1, 0))
    links = linker.link(names)
    assert [one.tracklet for one in links] == list(names) == made(gallery)
    assert gallery.links() == links and {one.decision for one in links} == {Decision.LINKED}
    identities = [identity.id for identity in gallery.identities()]
    assert [one.identity for one in links] == [identities[1], identities[0]]
    assert linker.infrared_of("recording of lobby") == linker.infrared_of("nowhere") == ()


def test_more_tracklets_than_a_page_holds(gallery, linker):
    roof = Scene(gallery, "roof", Modality.INFRARED)
    entries = [roof.entry(20 * i, PEOPLE[:1]) for i in range(230)]
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
    assert linker.infrared_of(roof.recording) == tuple(one.tracklet.id for one in entries)


def test_linking_again_changes_no_row(books, gallery, night, linker):
    names = linker.infrared_of(night.recording)
    linker.link(names)
    before = all_rows(books)
    linker.link(names)
    linker.link(())
    assert all_rows(books) == before


def test_a_link_that_changed_is_told_again(gallery, night, linker, generator):
    [one, other] = linker.infrared_of(night.recording)
    linker.link([one, other])
    # Somebody comes who looks just as the first does.
    gate = Scene(gallery, "gate")
    twin = gallery.vectors(one, MODEL).vectors
    gallery.add_tracklets([gate.entry(0, twin)], MODEL, IdentityPolicy(None))
    [link, _] = linker.link([one, other])
    assert link.identity == gallery.tracklet(gate.entry(0, twin).tracklet.id).identity
    assert made(gallery)[:3] == [one, other, one]


def test_what_belongs_with_the_links_is_written_with_them(gallery, night, linker):
    names = linker.infrared_of(night.recording)
    linker.link(names, lambda session: put_event(session, "done", "yard", {}, 0))
    assert len(gallery.links()) == 2
    linker.link((), lambda session: put_event(session, "done", "roof", {}, 0))
    assert [one.subject for one in Outbox(gallery.database).after(0, ["done"], 9)] == ["yard", "roof"]


def test_whose_turn_it_is_no_more_writes_nothing(books, gallery, night, linker):
    first, second = (Lease(gallery.database, "clerk", name, 0.0) for name in ("one", "two"))
    assert first.hold() and second.hold()
    before = all_rows(books)
    with pytest.raises(LeaseLostError):
        linker.link(linker.infrared_of(night.recording), first.guard)
    assert all_rows(books) == before
    linker.link(linker.infrared_of(night.recording), second.guard)
    assert len(gallery.links()) == 2


def test_one_that_was_erased_meanwhile_is_left_out(gallery, night, linker):
    there = linker.infrared_of(night.recording)
    links = linker.link(["erased meanwhile", *there])
    assert tuple(one.tracklet for one in links) == there
    assert len(gallery.links()) == len(there)


def test_all_infrared_tracklets_are_linked_page_by_page_and_again_without_a_change(
    gallery, books, night, linker, monkeypatch
):
    monkeypatch.setattr("reid_core.linker._TOGETHER", 2)
    told = []
    assert linker.link_all(told.append) == 3 and told == [2, 3]
    assert {link.tracklet for link in gallery.links()} == set(made(gallery))
    assert len(made(gallery)) == 3
    before = all_rows(books)
    assert linker.link_all() == 3 and all_rows(books) == before


def test_an_empty_gallery_has_nothing_to_link(gallery, linker):
    told = []
    assert linker.link_all(told.append) == 0 and told == []

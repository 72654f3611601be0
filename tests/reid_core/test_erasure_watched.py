"""What watches, proposals, deliveries and workers' staged tracklets hold of somebody who is erased."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from reid_core.erasure.choosing import plan
from reid_core.erasure.service import Erasing
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.delivery_rows import DeliveryRow
from reid_core.gallery.label_rows import ProposalRow
from reid_core.gallery.schema import StagedRow
from reid_core.gallery.staging import Staging, pack_entry
from reid_core.gallery.streams import TRACKLET, Staged, stage
from reid_core.gallery.watch_rows import WatchRow
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.proposals import approve, propose
from reid_core.types import Modality
from reid_core.watching.deliveries import any_due, claim, queue
from reid_core.watching.proposing import packed
from reid_core.watching.watch import NewWatch
from tests.support.gallery_world import MODEL
from tests.support.watched import PEOPLE, Square

POLICY = IdentityPolicy(0.8)


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        yield gallery


@pytest.fixture
def square(gallery):
    return Square(gallery)


def erase(gallery, *tracklets):
    with gallery.database.read() as session:
        chosen = plan(session, tracklets=tracklets)
    return Erasing(gallery).erase(chosen, "officer", whole=False)


def proposed(gallery, vector=None, **asked):
    """The number of a proposed watch."""
    new = NewWatch(author="", space=MODEL, pictured=Modality.VISIBLE, vector=vector, **asked)
    with gallery.database.write() as session:
        return propose(session, "watch.add", packed(new), {}, Hands(Person("1", "kim"), 5, "a reason"))


def left(gallery, row):
    with gallery.database.read() as session:
        return set(session.scalars(select(row.id)))


def test_a_proposed_picture_of_them_goes_and_one_of_others_stays(gallery, square):
    [gone], [_stays] = square.comes("lobby", 0), square.comes("gate", 1)
    theirs = proposed(gallery, PEOPLE[0] * 0.8 + PEOPLE[5] * 0.6)
    others = proposed(gallery, PEOPLE[1] * 0.8 + PEOPLE[0] * 0.6)
    words = proposed(gallery, text="red coat")
    done = erase(gallery, gone)
    assert left(gallery, ProposalRow) == {others, words} and theirs not in (others, words)
    assert done.counts["proposals"] == 1


def test_a_proposed_picture_that_would_find_them_at_its_score_goes(gallery, square):
    [gone], [_stays] = square.comes("lobby", 0), square.comes("gate", 1)
    mostly_another = PEOPLE[1] * 0.8 + PEOPLE[0] * 0.6
    loose, strict = proposed(gallery, mostly_another, score=0.5), proposed(gallery, mostly_another, score=0.7)
    erase(gallery, gone)
    assert left(gallery, ProposalRow) == {strict} and loose != strict


def test_they_are_told_by_cameras_of_the_same_light(gallery, square):
    square.comes("gate", 1)
    [gone] = square.comes("yard", 0)
    # By day another one is more like it; by night there is nobody else.
    theirs = proposed(gallery, PEOPLE[1] * 0.8 + PEOPLE[0] * 0.6)
    erase(gallery, gone)
    assert theirs not in left(gallery, ProposalRow)


def test_a_watch_that_found_them_goes_with_what_it_was_proposed_as(gallery, square):
    square.comes("gate", 1)
    number = proposed(gallery, PEOPLE[1] * 0.8 + PEOPLE[0] * 0.6)
    with gallery.database.write() as session:
        watch = approve(session, number, Person("2", "lee"), 6).watch
        session.get_one(WatchRow, watch).score = 0.5
    [gone] = square.comes("lobby", 0)
    square.looks().catch_up()
    assert square.fired(watch) == [gone]
    erase(gallery, gone)
    assert left(gallery, WatchRow) == left(gallery, ProposalRow) == set()


def test_what_was_to_be_told_of_them_is_told_nobody(gallery, square):
    square.watch("a red coat, a green coat", score=0.2)
    square.watch("green coat", score=0.2)
    [gone], [_stays] = square.comes("lobby", 0), square.comes("gate", 1)
    square.looks().catch_up()
    by_tracklet = {one.tracklet: one.number for one in square.alerts()}
    theirs = by_tracklet.pop(gone)
    (others,) = by_tracklet.values()
    with gallery.database.write() as session:
        queue(session, "desk", theirs, "m1", 1)
        queue(session, "desk", others, "m2", 2)
        queue(session, "phone", theirs, "m3", 1)
    assert erase(gallery, gone).counts["deliveries"] == 2
    with gallery.database.write() as session:
        assert not any_due(session, "phone", 10)
        assert claim(session, "desk", 10, 100).alert == others
        # A follower that read of the alert before it was gone.
        queue(session, "phone", theirs, "m3", 3)
        assert set(session.scalars(select(DeliveryRow.alert_id))) == {others}


@pytest.mark.parametrize("camera", ["lobby", "yard"])
def test_whoever_was_erased_is_not_staged_again(gallery, square, camera):
    entry = square.cameras[camera].entry(9000, PEOPLE[:1])
    gallery.add_tracklets([entry], MODEL, POLICY)
    name = entry.tracklet.id
    erase(gallery, name)
    with gallery.database.write() as session:
        stage(session, staged(entry))
        assert session.scalar(select(StagedRow.id).where(StagedRow.subject == name)) is None


@pytest.mark.parametrize("camera", ["lobby", "yard"])
def test_whoever_was_erased_is_refused_at_admission(gallery, square, camera):
    entry = square.cameras[camera].entry(9000, PEOPLE[:1])
    another = square.cameras[camera].entry(9500, PEOPLE[1:2])
    entry, another = replace(entry, crops=(b"their crop",)), replace(another, crops=(b"another crop",))
    gallery.add_tracklets([entry], MODEL, POLICY)
    erase(gallery, entry.tracklet.id)
    # The same footage has the same ids, whatever becomes of its crops; under another camera's name it has
    # other ids and the same crops.
    made_anew = replace(entry, crops=(b"their crop, made anew",))
    renamed = replace(entry, tracklet=replace(entry.tracklet, id=str(uuid.UUID(int=7))))
    with gallery.database.write() as session:
        for one in (made_anew, renamed, another):
            # Past the check at staging, as whoever had staged it before the erasure came from another place.
            values = {
                **{name: getattr(staged(one), name) for name in ("kind", "subject", "modality", "due_ns")},
                "camera_id": camera,
                "admitted": False,
                "content": staged(one).content,
            }
            session.execute(insert(StagedRow).values(values))
    staging = Staging(gallery, MODEL, lambda session: None)
    staging.admit(staging.waiting(9), POLICY)
    assert [one.id for one in gallery.tracklets()] == [another.tracklet.id]
    assert gallery.sightings(another.tracklet.id)[0].crop == b"another crop"


def staged(entry):
    tracklet = entry.tracklet
    due_ns, content = int(tracklet.times_ns[-1]), pack_entry(entry, MODEL)
    return Staged(TRACKLET, tracklet.id, tracklet.camera, str(tracklet.modality), due_ns, content)

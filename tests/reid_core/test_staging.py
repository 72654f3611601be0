"""What workers close waits for its turn, and comes into the gallery as if one of them had found it all."""

from contextlib import suppress
from dataclasses import fields, replace

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from reid_core.errors import GalleryError, ModelMismatchError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.lease import LeaseLostError
from reid_core.gallery.ledger import END, TRACKLET, Advance, Batch, Ledger, Staged, StreamProgress
from reid_core.gallery.schema import StagedRow
from reid_core.gallery.staging import Staging, pack_entry, unpack_entry
from reid_core.types import Candidate, Decision, Link, Modality
from tests.support.galleries import gallery_rows
from tests.support.gallery_world import MODEL, OTHER_MODEL, Scene, all_rows, near, unit

POLICY = IdentityPolicy(0.9)
generator = np.random.default_rng(3)
ANNA, BERT = unit(generator, 2)


def allow(session):
    pass


def forbid(session):
    raise LeaseLostError("Another worker has taken over the clerk.")


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as gallery:
        yield gallery


@pytest.fixture
def day(gallery):
    return Scene(gallery, "gate")


@pytest.fixture
def night(gallery):
    return Scene(gallery, "night", Modality.INFRARED)


@pytest.fixture
def staging(gallery):
    return Staging(gallery, MODEL, allow)


def stage(gallery, *staged):
    ledger = Ledger(gallery.database, "g")
    hold = ledger.claim("t", 0, "w", (0, 9), 9)
    ledger.save(Batch([Advance("t", 0, hold.epoch, hold.next, hold.next, 0, True, True)], list(staged)))


def settle(gallery, staging, record, links):
    gallery.put_links(links, lambda session: staging.settle(session, record))


def of(entry, due_ns):
    one = entry.tracklet
    return Staged(TRACKLET, one.id, one.camera, str(one.modality), due_ns, pack_entry(entry, MODEL))


def link(entry, identity=None):
    candidate = Candidate(1, identity or "x" * 36, 0.5, None, entry.tracklet.id, "s" * 36)
    decision = Decision.LINKED if identity else Decision.NOT_CALIBRATED
    return Link(entry.tracklet.id, MODEL, decision, (candidate,))


# In their turn


def test_in_order_of_capture_time_visible_first_then_by_camera_then_as_they_came(
    gallery, day, night, staging
):
    yard = Scene(gallery, "yard")
    vectors = near(ANNA, generator, 1)
    made = {
        "late": of(day.entry(0, vectors), 90),
        "infrared": of(night.entry(0, vectors), 50),
        "yard": of(yard.entry(0, vectors), 50),
        "gate": of(day.entry(20, vectors), 50),
        "gate again": of(day.entry(40, vectors), 50),
        "early": of(day.entry(60, vectors), 10),
    }
    stage(gallery, *made.values(), Staged(END, "recording", "night", "infrared", 50))
    names = {one.subject: name for name, one in made.items()} | {"recording": "end"}
    waiting = staging.waiting(10)
    assert [names[one.subject] for one in waiting] == [
        *("early", "gate", "gate again", "yard", "infrared", "end", "late")
    ]
    assert [one.due_ns for one in waiting] == [10, 50, 50, 50, 50, 50, 90]
    assert [one.modality for one in waiting][3:6] == [Modality.VISIBLE, Modality.INFRARED, Modality.INFRARED]
    assert staging.waiting(2) == waiting[:2] and staging.count() == 7
    assert not any(one.admitted for one in waiting)


def test_all_streams_are_told_of(gallery, day, staging):
    assert staging.streams() == ()
    ledger = Ledger(gallery.database, "g")
    hold = ledger.claim("t", 0, "w", (0, 9), 9)
    progress = StreamProgress("gate", "t", 0, 77, False, {"stream": "s"})
    for one in (progress, replace(progress, resting=True)):
        ledger.save(Batch([Advance("t", 0, hold.epoch, 0, 0, 0, True, True)], streams=[one]))
        assert staging.streams() == (one,)


# Admitted


def test_what_is_admitted_is_what_one_process_would_have_written(books, gallery, day, staging, tmp_path):
    entries = [
        day.entry(20 * n, near(vector, generator, 3)) for n, vector in enumerate((ANNA, BERT, ANNA, BERT))
    ]
    stage(gallery, *(of(entry, 100 - n) for n, entry in enumerate(entries)))
    staging.admit(staging.waiting(3), POLICY)
    staging.admit(staging.waiting(3), POLICY)
    assert staging.count() == 0
    other = f"sqlite:///{tmp_path / 'one.db'}"
    with Gallery.open(other) as alone:
        Scene(alone, "gate")
        alone.add_tracklets(entries[::-1], MODEL, POLICY)
    found = gallery_rows(books)
    assert found == gallery_rows(other)
    assert (len(found["tracklets"]), len(found["identities"]), len(found["vectors"])) == (4, 2, 12)


def test_a_visible_one_is_done_with_and_an_infrared_one_stays_for_its_link(gallery, day, night, staging):
    visible, infrared = day.entry(0, near(ANNA, generator, 2)), night.entry(0, near(ANNA, generator, 2))
    stage(gallery, of(visible, 1), of(infrared, 2))
    staging.admit(staging.waiting(9), POLICY)
    [left] = staging.waiting(9)
    assert left.subject == infrared.tracklet.id and left.admitted
    assert {one.id for one in gallery.tracklets()} == {visible.tracklet.id, infrared.tracklet.id}
    with gallery.database.read() as session:
        assert session.scalars(select(StagedRow.content)).all() == [b""]
    made = link(infrared)
    settle(gallery, staging, left, [made])
    assert staging.count() == 0
    assert [one.decision for one in gallery.links()] == [Decision.NOT_CALIBRATED]


def test_what_is_admitted_again_changes_nothing(books, gallery, day, night, staging):
    """A clerk that could not hear whether its transaction was committed does it again."""
    entries = [day.entry(0, near(ANNA, generator, 2)), night.entry(0, near(ANNA, generator, 2))]
    stage(gallery, *(of(entry, n) for n, entry in enumerate(entries)))
    waiting = staging.waiting(9)
    staging.admit(waiting, POLICY)
    before = all_rows(books)
    staging.admit(waiting, POLICY)
    assert all_rows(books) == before
    settle(gallery, staging, waiting[1], [link(entries[1])])
    before = all_rows(books)
    staging.admit(waiting, POLICY)
    settle(gallery, staging, waiting[1], [link(entries[1])])
    assert all_rows(books) == before


def test_an_end_settles_links_again(gallery, night, staging):
    entry = night.entry(0, near(ANNA, generator, 2))
    stage(gallery, of(entry, 1), Staged(END, night.recording, "night", "infrared", 2))
    staging.admit(staging.waiting(1), POLICY)
    settle(gallery, staging, staging.waiting(1)[0], [link(entry)])
    [end] = staging.waiting(9)
    assert (end.kind, end.subject) == (END, night.recording)
    settle(gallery, staging, end, [])
    assert staging.count() == 0 and len(gallery.links()) == 1


def test_who_is_not_clerk_any_more_writes_nothing(books, gallery, day, night):
    visible, infrared = day.entry(0, near(ANNA, generator, 2)), night.entry(0, near(ANNA, generator, 2))
    stage(gallery, of(visible, 1), of(infrared, 2))
    former = Staging(gallery, MODEL, forbid)
    before = all_rows(books)
    waiting = former.waiting(9)
    with pytest.raises(LeaseLostError):
        former.admit(waiting, POLICY)
    with pytest.raises(LeaseLostError):
        settle(gallery, former, waiting[1], [link(infrared)])
    assert all_rows(books) == before
    # Its search index has not kept what was not written either.
    Staging(gallery, MODEL, allow).admit(waiting, POLICY)
    assert len(gallery.search(ANNA[None], MODEL, 10).ids[0]) == 4


def test_one_that_cannot_be_written_takes_those_with_it_back(books, gallery, day, staging):
    good, bad = day.entry(0, near(ANNA, generator, 2)), day.entry(20, near(BERT, generator, 2))
    stage(gallery, of(good, 1))
    content = pack_entry(bad, MODEL)[:-3]
    values = {"kind": TRACKLET, "subject": bad.tracklet.id, "camera_id": "gate", "modality": "visible"}
    with gallery.database.write() as session:
        session.execute(insert(StagedRow).values(**values, due_ns=2, admitted=False, content=content))
    before = all_rows(books)
    with pytest.raises(GalleryError, match="damaged"):
        staging.admit(staging.waiting(9), POLICY)
    assert all_rows(books) == before


def test_vectors_of_another_model_are_not_admitted(books, gallery, day):
    stage(gallery, of(day.entry(0, near(ANNA, generator, 2)), 1))
    other = Staging(gallery, OTHER_MODEL, allow)
    before = all_rows(books)
    with pytest.raises(ModelMismatchError):
        other.admit(other.waiting(9), POLICY)
    assert all_rows(books) == before


# Packed


@pytest.fixture(scope="module")
def entry(module_tmp):
    with Gallery.open(f"sqlite:///{module_tmp('packed') / 'x.db'}") as gallery:
        return Scene(gallery, "Tür", Modality.INFRARED).entry(7, unit(generator, 3), length=25)


def test_a_tracklet_is_unpacked_as_it_was_packed(entry):
    found = unpack_entry(pack_entry(entry, MODEL), MODEL)
    assert found.crops == entry.crops
    assert found.vectors.dtype == np.float32 and np.array_equal(found.vectors, entry.vectors)
    for name in (one.name for one in fields(entry.tracklet)):
        before, after = getattr(entry.tracklet, name), getattr(found.tracklet, name)
        if isinstance(before, np.ndarray):
            assert np.array_equal(before, after), name
        elif name != "sightings":
            assert before == after, name
    for before, after in zip(entry.tracklet.sightings, found.tracklet.sightings, strict=True):
        assert np.array_equal(before.box, after.box)
        for name in ("frame", "time_ns", "confidence", "quality"):
            assert getattr(before, name) == getattr(after, name)


def test_the_same_tracklet_is_the_same_bytes(entry):
    assert pack_entry(entry, MODEL) == pack_entry(unpack_entry(pack_entry(entry, MODEL), MODEL), MODEL)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_are_told_as_such(entry, data):
    packed = pack_entry(entry, MODEL)
    kind = data.draw(st.sampled_from(["cut", "spoilt", "field", "random"]))
    if kind == "cut":
        packed = packed[: data.draw(st.integers(0, len(packed) - 1))]
    elif kind == "spoilt":
        at = data.draw(st.integers(0, len(packed) - 1))
        packed = packed[:at] + data.draw(st.binary(min_size=1, max_size=2)) + packed[at + 1 :]
    elif kind == "field":
        said = msgpack.unpackb(packed)
        name = data.draw(st.sampled_from(sorted(said)))
        other = st.none() | st.integers() | st.binary(max_size=9) | st.text(max_size=9) | st.lists(st.none())
        said[name] = data.draw(other.filter(lambda value: not isinstance(value, int) or abs(value) < 1 << 60))
        packed = msgpack.packb(said)
    else:
        packed = data.draw(st.binary(max_size=60))
    with suppress(GalleryError, ModelMismatchError):
        unpack_entry(packed, MODEL)

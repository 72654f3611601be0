"""Identities put right by people: what changes, what is told, what is remembered, and that it is undone."""

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, corrections, writing
from reid_core.gallery.constraints import placed, said_of
from reid_core.gallery.history import corrections_of
from reid_core.gallery.naming import the_identity
from reid_core.gallery.outbox import IDENTITY_CHANGED, LINK_MADE
from reid_core.matcher import Matcher
from reid_core.types import CloseReason
from tests.support.galleries import gallery_rows
from tests.support.gallery_world import MODEL, OTHER_MODEL, near
from tests.support.hall import ANNA, BEN, CARL, POLICY, Hall


@pytest.fixture
def hall(books):
    with Gallery.open(books) as gallery:
        yield Hall(gallery, books)


def test_a_merge_moves_links_and_is_told_and_undone(hall):
    assert hall.links()[hall.dark[1]] == (hall.ben, [hall.ben, *hall.links()[hall.dark[1]][1][1:]])
    before, links = hall.rows(), len(hall.told(LINK_MADE))
    number = hall.do(corrections.merge, hall.anna, hall.ben, reason="same coat")
    assert hall.who() == {
        hall.anna: {*hall.tracklets[0::3], *hall.tracklets[1::3]},
        hall.carl: {*hall.tracklets[2::3]},
    }
    # Both nights are linked to the one who is left, who is a candidate once.
    assert hall.links() == {one: (hall.anna, [hall.anna, hall.carl]) for one in hall.dark}
    assert [c.rank for c in hall.gallery.links()[0].candidates] == [1, 2]
    assert hall.told(IDENTITY_CHANGED) == [
        (one, {"identity": hall.anna, "before": hall.ben, "correction": number})
        for one in hall.tracklets[1::3]
    ]
    # Anna's link has lost a candidate, Ben's names another identity: both are told of.
    assert len(hall.told(LINK_MADE)) == links + 2
    with hall.gallery.database.read() as session:
        with pytest.raises(UsageError, match=f"{hall.ben} is gone: correction 1 merged it into {hall.anna}"):
            the_identity(session, hall.ben)
        [kept] = corrections_of(session, hall.anna, ())
    assert (kept.kind, kept.actor, kept.reason, kept.time_ns) == ("merge", "kim", "same coat", 7)
    assert hall.do(corrections.undo, number) == number
    assert hall.rows() == before
    with pytest.raises(UsageError, match="undone already, by kim"):
        hall.do(corrections.undo, number)


@pytest.mark.parametrize("what", ["the best", "a lower one", "two that are one", "a move", "a split"])
def test_links_ranked_before_a_correction_name_who_it_is_now(hall, what):
    """Another process corrects while a worker ranks: what is written is as if it had been written before."""
    anna, ben, carl, moved = hall.anna, hall.ben, hall.carl, hall.gallery.links()[0].candidates[0].tracklet
    with Gallery.open(hall.url) as worker:
        matcher = Matcher(worker, MODEL, hall.calibration)
        ranked = [matcher.match(one) for one in hall.dark]
        assert [one.identity for one in ranked] == [anna, ben]
        match what:
            case "the best":
                hall.do(corrections.merge, carl, anna)
            case "a lower one":
                hall.do(corrections.merge, carl, ben)
            case "two that are one":
                hall.do(corrections.merge, anna, ben)
            case "a move":
                hall.do(corrections.move, moved, carl)
            case "a split":
                hall.do(corrections.split, anna, [moved])
        now, told = hall.gallery.links(), hall.told(LINK_MADE)
        worker.put_links(ranked)
        assert worker.links() == now
        there = {one.id for one in worker.identities()}
    assert {each.identity for one in now for each in one.candidates} <= there
    assert hall.told(LINK_MADE) == told, "equal ones stay untouched"


def test_a_split_and_a_move_are_undone_in_reverse(hall):
    before = hall.rows()
    one = hall.do(corrections.split, hall.anna, [hall.tracklets[3][:8]])
    founded = next(name for name, members in hall.who().items() if members == {hall.tracklets[3]})
    assert hall.who()[hall.anna] == {hall.tracklets[0]}
    # The night's best sighting is of either: the link follows it.
    best = hall.gallery.links()[0].candidates[0]
    assert best.identity == {hall.tracklets[0]: hall.anna, hall.tracklets[3]: founded}[best.tracklet]
    between = hall.rows()
    two = hall.do(corrections.move, hall.tracklets[3], hall.carl)
    assert founded not in hall.who() and hall.tracklets[3] in hall.who()[hall.carl]
    with pytest.raises(UsageError, match=f"Correction {two} stands on correction {one}"):
        hall.do(corrections.undo, one)
    hall.do(corrections.undo, None)
    assert hall.rows() == between
    hall.do(corrections.undo, one)
    assert hall.rows() == before


def test_searches_and_admission_go_by_what_was_corrected(hall):
    gallery, draw = hall.gallery, np.random.default_rng(9)
    hall.do(corrections.merge, hall.anna, hall.ben)
    for start, person in ((600, BEN), (700, ANNA)):
        entry = hall.day.entry(start, near(person, draw, 2, 0.02))
        nominees = gallery.nominate([entry], MODEL)
        assert gallery.add_tracklets([entry], MODEL, POLICY) == (hall.anna,)
        assert hall.anna in nominees[entry.tracklet.id].identities
    assert gallery.count_identities(MODEL) == 2


def test_nominees_of_before_a_correction_count_no_more(hall):
    """Nine others are nearer than Anna and than Ben, and not than both of them together."""
    gallery, others = hall.gallery, []
    for number in range(9):
        weight = 0.6 + number / 1000
        person = weight * (ANNA + BEN) + np.sqrt(1 - 2 * weight**2) * np.eye(16)[3 + number]
        others.append(hall.day.entry(600 + 20 * number, person[None].astype(np.float32)))
    assert len(set(gallery.add_tracklets(others, MODEL, POLICY))) == 9
    entry = hall.day.entry(900, np.stack([ANNA, BEN]))
    nominees = gallery.nominate([entry], MODEL)[entry.tracklet.id]
    assert not {hall.anna, hall.ben} & {*nominees.identities}
    hall.do(corrections.merge, hall.anna, hall.ben)
    with gallery.writing(MODEL) as (session, store):
        assert writing.add_tracklet(session, store, entry, POLICY, nominees) == hall.anna


def test_what_was_taken_out_and_comes_again_is_who_people_said(hall):
    """The recording of the gate is run again: its tracklets come anew."""
    gallery = hall.gallery
    hall.do(corrections.move, hall.tracklets[3], hall.carl)
    hall.do(corrections.split, hall.ben, [hall.tracklets[4]])
    hall.do(corrections.keep_apart, hall.carl, hall.ben)
    assert gallery.remove_tracklets(hall.gate.recording, CloseReason.TIMEOUT) == 3
    *again, third = gallery.add_tracklets(hall.entries[3:], MODEL, POLICY)
    # Ben's at the gate would join Ben by himself, and is nobody's yet.
    assert again[0] == hall.carl == third and again[1] not in (hall.anna, hall.ben, hall.carl)
    assert gallery.tracklet(hall.tracklets[3]).evidence["reason"] == "people said so"
    with gallery.database.read() as session:
        assert said_of(session, hall.tracklets[4]).apart == {hall.ben}
        assert placed(session, hall.tracklets) >= {hall.tracklets[3], hall.tracklets[4]}
    gallery.remove_tracklets(hall.gate.recording, CloseReason.TIMEOUT)
    hall.do(corrections.undo, 3)
    hall.do(corrections.undo, 2)
    hall.do(corrections.undo, 1)
    assert gallery.add_tracklets(hall.entries[3:], MODEL, POLICY) == (hall.anna, hall.ben, hall.carl)


def test_a_founder_that_was_moved_founds_another_identity(hall):
    """Its first identity is still there, of others."""
    gallery = hall.gallery
    hall.do(corrections.split, hall.anna, [hall.tracklets[0]])
    gallery.remove_tracklets(hall.day.recording, CloseReason.TIMEOUT)
    (again, *_) = gallery.add_tracklets(hall.entries[:1], MODEL, POLICY)
    assert again != hall.anna and hall.who()[hall.anna] == {hall.tracklets[3]}


def test_corrections_outlive_another_model(hall):
    gallery = hall.gallery
    hall.do(corrections.merge, hall.anna, hall.ben)
    draw = np.random.default_rng(3)
    gallery.reembed(lambda crops, _: near(CARL, draw, len(crops), 0.01), OTHER_MODEL)
    assert set(hall.who()) == {hall.anna, hall.carl}
    gallery.remove_tracklets(hall.gate.recording, CloseReason.TIMEOUT)
    again = hall.gate.entry(400, near(CARL, draw, 2, 0.01))
    assert gallery.add_tracklets([again], OTHER_MODEL, POLICY) == (hall.anna,)


@pytest.mark.parametrize(
    ("what", "arguments", "said"),
    [
        (corrections.merge, ("anna", "anna"), "cannot be merged with itself"),
        (corrections.merge, ("anna", "ffff"), "has no identity 'ffff'"),
        (corrections.split, ("anna", ["t1"]), "is not of identity"),
        (corrections.split, ("anna", ["t0", "t3"]), "not none, and not all"),
        (corrections.move, ("t0", "anna"), "already"),
        (corrections.move, ("dark", "anna"), "is infrared"),
        (corrections.undo, (None,), "no correction to undo"),
        (corrections.undo, (4,), "no correction 4"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(hall, what, arguments, said):
    names = {
        "anna": hall.anna,
        "dark": hall.dark[0],
        **{f"t{i}": one for i, one in enumerate(hall.tracklets)},
    }

    def real(one):
        return [real(each) for each in one] if isinstance(one, list) else names.get(one, one)

    before = gallery_rows(hall.url)
    with pytest.raises(UsageError, match=said):
        hall.do(what, *map(real, arguments))
    assert gallery_rows(hall.url) == before


def test_no_vector_and_no_crop_is_kept_with_a_correction(hall):
    hall.do(corrections.merge, hall.anna, hall.ben)
    [row] = gallery_rows(hall.url)["corrections"]
    assert "sighting" in row and "JFIF" not in row and len(row) < 4000

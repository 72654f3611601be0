"""What two people have to agree on: proposed by one, done when another one approves what is still there."""

import pytest

from reid_core.errors import SecondPersonError, StaleError, UsageError
from reid_core.gallery import Gallery, corrections
from reid_core.gallery.history import the_correction
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.labels import labels_of
from reid_core.reviewing.proposals import ProposalState, approve, decline, proposals, propose
from reid_core.reviewing.revisions import revision
from tests.support.gallery_world import MODEL
from tests.support.hall import Hall

KIM, LEE = Person("u1", "Kim"), Person("u2", "Lee")


@pytest.fixture
def hall(books):
    with Gallery.open(books) as gallery:
        yield Hall(gallery, books)


def asked(hall, action, subject, seen=None, person=KIM):
    with hall.gallery.database.write() as session:
        return propose(session, action, subject, seen or {}, Hands(person, 5, "same coat"))


def agreed(hall, number, person=LEE):
    with hall.gallery.database.write() as session:
        return approve(session, number, person, 8)


def merging(hall):
    return "identity.merge", {"identity": hall.anna, "other": hall.ben}


def test_nothing_is_done_until_another_person_agrees(hall):
    before = hall.who()
    number = asked(hall, *merging(hall))
    assert hall.who() == before
    with pytest.raises(SecondPersonError):
        agreed(hall, number, Person("u1", "Kim under another name"))
    assert hall.who() == before
    outcome = agreed(hall, number)
    assert outcome.identity == hall.anna and set(hall.who()) == {hall.anna, hall.carl}
    with hall.gallery.database.read() as session:
        done = the_correction(session, outcome.correction)
        (told,) = proposals(session)
    assert (done.actor, done.reason, done.time_ns) == ("Kim, agreed by Lee", "same coat", 8)
    assert (told.state, told.by, told.decider) == (ProposalState.APPROVED, KIM, LEE)
    with pytest.raises(StaleError, match="approved already, by Lee"):
        agreed(hall, number, Person("u3", "Max"))


def test_a_confirmation_names_both(hall):
    subject = {"tracklet": hall.dark[0], "identity": hall.anna, "model": MODEL}
    agreed(hall, asked(hall, "link.confirm", subject))
    with hall.gallery.database.read() as session:
        (label,) = labels_of(session, hall.dark)[hall.dark[0]]
    assert (label.first, label.second) == (KIM, LEE)


def test_what_has_changed_since_is_not_done(hall):
    number = asked(hall, *merging(hall))
    hall.do(corrections.move, hall.tracklets[1], hall.carl)
    before = hall.who()
    with pytest.raises(StaleError, match="has changed meanwhile"):
        agreed(hall, number)
    # It is still open: it can be declined.
    assert hall.who() == before
    with hall.gallery.database.write() as session:
        decline(session, number, KIM, 9)
    with hall.gallery.database.read() as session:
        assert [one.state for one in proposals(session)] == [ProposalState.DECLINED]
        assert proposals(session, ProposalState.OPEN) == ()


def test_what_was_not_seen_as_it_is_is_not_proposed(hall):
    with hall.gallery.database.read() as session:
        seen = {"identity": revision(session, hall.anna), "other": None}
    first = asked(hall, *merging(hall), seen)
    assert asked(hall, *merging(hall), seen, Person("u3", "Max")) == first, "it waits already"
    hall.do(corrections.move, hall.tracklets[0], hall.carl)
    with pytest.raises(StaleError):
        asked(hall, *merging(hall), seen)
    with pytest.raises(UsageError, match="no action"):
        asked(hall, "identity.paint", {})
    with pytest.raises(UsageError, match="no identity"):
        asked(hall, "identity.merge", {"identity": hall.anna, "other": "nobody"})


def test_a_split_and_a_move_are_done_when_two_agree(hall):
    split = {"identity": hall.anna, "tracklets": [hall.tracklets[3]]}
    outcome = agreed(hall, asked(hall, "identity.split", split))
    assert hall.who()[outcome.identity] == {hall.tracklets[3]}
    back = {"tracklet": hall.tracklets[3], "identity": hall.anna}
    number = asked(hall, "tracklet.move", back)
    assert agreed(hall, number).identity == hall.anna
    assert hall.who()[hall.anna] == {*hall.tracklets[0::3]}

"""What people say of links: kept as labels that hold through corrections, and that the last word counts."""

import pytest

from reid_core.errors import StaleError, UsageError
from reid_core.gallery import Gallery, corrections
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.labels import Verdict, all_labels, confirmations, judge_link, labels_of
from tests.support.gallery_world import MODEL
from tests.support.hall import Hall

KIM, LEE = Person("u1", "Kim"), Person("u2", "Lee")


@pytest.fixture
def hall(books):
    with Gallery.open(books) as gallery:
        yield Hall(gallery, books)


def judged(hall, tracklet, identity, verdict, second=None):
    with hall.gallery.database.write() as session:
        return judge_link(session, tracklet, identity, MODEL, verdict, Hands(KIM, 9, "the gait", second))


def labels(hall, tracklet):
    with hall.gallery.database.read() as session:
        return labels_of(session, [tracklet]).get(tracklet, ())


def test_a_label_says_who_when_of_what_and_what_the_model_thought(hall):
    night = hall.dark[0]
    number = judged(hall, night, hall.anna, Verdict.CONFIRMED, LEE)
    link = hall.gallery.links()[0]
    (label,) = labels(hall, night)
    assert (label.number, label.tracklet, label.identity) == (number, night, hall.anna)
    assert (label.verdict, label.model, label.time_ns) == (Verdict.CONFIRMED, MODEL, 9)
    assert (label.first, label.second, label.reason) == (KIM, LEE, "the gait")
    assert label.score == link.candidates[0].score
    assert label.probability == link.candidates[0].probability
    assert label.anchor == link.candidates[0].tracklet in hall.tracklets[0::3]


def test_a_label_follows_the_one_who_was_shown(hall):
    night = hall.dark[0]
    judged(hall, night, hall.anna, Verdict.CONFIRMED)
    hall.do(corrections.merge, hall.carl, hall.anna)
    assert labels(hall, night)[0].identity == hall.carl
    with hall.gallery.database.read() as session:
        (found,) = confirmations(session, [hall.carl])
        assert found.tracklet == night and confirmations(session, [hall.ben]) == ()


def test_the_last_word_counts_and_nobody_is_two_people(hall):
    night = hall.dark[0]
    judged(hall, night, hall.anna, Verdict.CONFIRMED)
    judged(hall, night, hall.ben, Verdict.REJECTED)
    judged(hall, night, hall.carl, Verdict.CONFIRMED)
    judged(hall, night, hall.ben, Verdict.REJECTED)
    assert [(one.number, one.identity, one.verdict) for one in labels(hall, night)] == [
        (3, hall.carl, Verdict.CONFIRMED),
        (4, hall.ben, Verdict.REJECTED),
    ]
    judged(hall, night, hall.carl, Verdict.REJECTED)
    assert {one.verdict for one in labels(hall, night)} == {Verdict.REJECTED}
    with hall.gallery.database.read() as session:
        assert [one.number for one in all_labels(session)] == [4, 5]


def test_what_is_no_link_is_not_judged(hall):
    with pytest.raises(UsageError, match="has no link"):
        judged(hall, hall.tracklets[0], hall.anna, Verdict.CONFIRMED)
    with pytest.raises(StaleError, match="no candidate"):
        judged(hall, hall.dark[0], "somebody", Verdict.CONFIRMED)
    # Whoever was merged into another one is a candidate under that name.
    hall.do(corrections.merge, hall.carl, hall.anna)
    with pytest.raises(StaleError):
        judged(hall, hall.dark[0], hall.anna, Verdict.CONFIRMED)
    judged(hall, hall.dark[0], hall.carl, Verdict.CONFIRMED)
    assert len(labels(hall, hall.dark[0])) == 1

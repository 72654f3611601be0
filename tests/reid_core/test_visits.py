"""Where and when somebody was seen: day and night, with people's word above the model's links."""

import pytest

from reid_core.gallery import Gallery, SearchFilter
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.labels import Verdict, judge_link
from reid_core.reviewing.visits import visits_by_tracklet, visits_of
from reid_core.types import Modality, Spectrum
from tests.support.gallery_world import MODEL
from tests.support.hall import Hall


@pytest.fixture
def hall(books):
    with Gallery.open(books) as gallery:
        yield Hall(gallery, books)


def seen(hall, *identities, where=None, most=None):
    with hall.gallery.database.read() as session:
        return visits_of(session, identities, MODEL, where or SearchFilter(), most)


def judged(hall, tracklet, identity, verdict):
    with hall.gallery.database.write() as session:
        judge_link(session, tracklet, identity, MODEL, verdict, Hands(Person("u", "Kim"), 9))


def told(visits):
    return [(one.tracklet, one.how) for one in visits]


def test_day_and_night_newest_first_of_each(hall):
    found = seen(hall, hall.anna, hall.ben)
    t = hall.tracklets
    assert told(found[hall.anna]) == [(hall.dark[0], "linked"), (t[3], "member"), (t[0], "member")]
    assert told(found[hall.ben]) == [(hall.dark[1], "linked"), (t[4], "member"), (t[1], "member")]
    night, day = found[hall.anna][0], found[hall.anna][1]
    assert (night.camera, night.modality, night.spectrum) == ("yard", Modality.INFRARED, Spectrum.THERMAL)
    assert (day.camera, day.start_ns, day.end_ns) == ("gate", 300 * 40, 309 * 40)
    assert day.sighting == hall.gallery.sightings(t[3])[0].id
    link = hall.gallery.links()[0]
    assert (night.score, night.probability) == (link.candidates[0].score, link.candidates[0].probability)
    with hall.gallery.database.read() as session:
        assert visits_by_tracklet(session, [t[3], "gone"])[t[3]] == day


def test_few_of_each_and_only_where_the_filter_looks(hall):
    assert told(seen(hall, hall.anna, most=1)[hall.anna]) == [
        (hall.dark[0], "linked"),
        (hall.tracklets[3], "member"),
    ]
    lobby = SearchFilter(cameras=frozenset({"lobby"}))
    assert told(seen(hall, hall.anna, where=lobby)[hall.anna]) == [(hall.tracklets[0], "member")]
    late = SearchFilter(since_ns=305 * 40, until_ns=900 * 40)
    assert told(seen(hall, hall.anna, where=late)[hall.anna]) == [(hall.tracklets[3], "member")]
    assert seen(hall, hall.anna, where=SearchFilter(until_ns=0)) == {}


def test_a_persons_word_counts_above_a_link(hall):
    judged(hall, hall.dark[0], hall.anna, Verdict.REJECTED)
    assert (hall.dark[0], "linked") not in told(seen(hall, hall.anna)[hall.anna])
    judged(hall, hall.dark[1], hall.anna, Verdict.CONFIRMED)
    found = seen(hall, hall.anna, hall.ben)
    assert told(found[hall.anna])[0] == (hall.dark[1], "confirmed")
    assert hall.dark[1] not in dict(told(found[hall.ben]))
    # The other one rejected says nothing against this one.
    judged(hall, hall.dark[1], hall.anna, Verdict.REJECTED)
    assert told(seen(hall, hall.ben)[hall.ben])[0] == (hall.dark[1], "linked")

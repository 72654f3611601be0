"""Watches: who they find and whom they rightly do not, once each, whoever looks."""

import numpy as np
import pytest
from sqlalchemy import Engine, event

from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, corrections
from reid_core.gallery.corrections import Author
from reid_core.gallery.outbox import LINK_MADE, Outbox, put_event
from reid_core.types import CloseReason, Modality
from reid_core.watching.keeping import mark, pause, remove, resume, the_watch, watches
from reid_core.watching.service import Watching
from reid_core.watching.watch import Standing
from tests.support.gallery_world import MODEL, OTHER_MODEL
from tests.support.watched import CALIBRATION, COATS, Coats, Square

BY = Author("kim", 7)
SELDOM = IdentityPolicy(0.99)


@pytest.fixture
def square(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield Square(gallery)


def standing(square, number):
    with square.database.read() as session:
        return the_watch(session, number).standing


def change(square, do, *arguments):
    with square.database.write() as session:
        return do(session, *arguments)


def test_a_description_finds_by_day_and_through_the_link_by_night(square):
    square.comes("lobby", 0, 1)
    red = square.watch("a red coat")
    by_day = square.comes("gate", 0, 1)[:1]
    by_night = square.comes("yard", 1, 0)[1:]
    assert square.looks().catch_up() == 2
    assert square.fired() == by_day + by_night
    day, night = square.alerts()
    with_it = square.gallery.tracklet(by_day[0]).identity
    assert (day.modality, day.identity, day.evidence) == ("visible", with_it, {})
    assert night.identity == with_it and night.evidence["tracklet"] in square.fired() + [
        one.id for one in square.gallery.tracklets(modality=Modality.VISIBLE)
    ]
    assert day.calibrated and 0 < day.false_alarms < 0.5 and night.probability > 0.5
    assert standing(square, red) == Standing.CALIBRATED


def test_words_do_not_say_which_of_two_who_look_alike_by_night_it_was(square):
    """They say whom to look for. Who is plainly one of the two is found by that one's words alone."""
    between = (np.eye(16)[0] + np.eye(16)[1]) / np.sqrt(2)
    square.comes("lobby", 0, 1, 2)
    red, green, blue = (square.watch(f"a {coat}") for coat in COATS[:3])
    entry = square.cameras["yard"].entry(90_000, np.array([between], np.float32))
    square.gallery.add_tracklets([entry], MODEL, SELDOM)
    square.linker.link([entry.tracklet.id])
    assert all(0.4 < one.probability < 0.8 for one in square.gallery.links()[0].candidates[:2])
    plain = square.comes("yard", 1)
    square.looks().catch_up()
    assert [square.fired(each) for each in (red, green, blue)] == [[], plain, []]


def test_nobody_is_looked_at_who_was_there_before(square):
    square.comes("lobby", 0)
    before = square.comes("yard", 0, link=False)
    square.watch("red coat")
    # Its link is made later, and changes once more.
    square.linker.link(before)
    with square.database.write() as session:
        put_event(session, LINK_MADE, before[0], {"model": MODEL}, 0)
    after = square.comes("yard", 0)
    square.looks().catch_up()
    assert square.fired() == after


def test_each_tracklet_is_told_of_once_whoever_looks(square):
    square.comes("lobby", 0)
    square.watch("red coat")
    came = square.comes("gate", 0) + square.comes("yard", 0)
    one, two = square.looks(), square.looks()
    events = square.events()
    ahead, behind = one.judge(events), two.judge(events[:2])
    assert [change(square, each.write, judged) for each, judged in ((one, ahead), (two, behind))] == [2, 0]
    # A link that is made anew, and one who begins from the first event on.
    with square.database.write() as session:
        put_event(session, LINK_MADE, came[1], {"model": MODEL}, 0)
    assert (two.catch_up(), change(square, one.write, one.judge(square.events()))) == (0, 0)
    assert square.fired() == came and square.told() == [alert.number for alert in square.alerts()]


def test_what_was_looked_at_is_not_looked_at_by_another_who_is_less_strict(square):
    square.watch("red coat")
    with square.database.read() as session:
        assert mark(session) == Outbox(square.database).end()
    square.comes("gate", 0)
    strict, generous = square.looks(allowed=1e-9), square.looks()
    events = square.events()
    assert strict.catch_up() == 0
    came = square.comes("gate", 0)
    assert change(square, generous.write, generous.judge(events)) == 0
    both = generous.judge(square.events())
    assert len(both.findings) == 2 and change(square, generous.write, both) == 1
    assert square.fired() == came


def test_an_infrared_tracklet_is_looked_at_once_it_is_linked(square):
    square.comes("lobby", 0)
    square.picture(0)
    dark = square.comes("yard", 0, link=False)
    looks = square.looks()
    assert looks.catch_up() == 0
    square.linker.link(dark)
    assert looks.catch_up() == 1
    assert square.alerts()[0].identity == square.gallery.identities()[0].id


def test_what_is_not_written_is_found_again(square):
    square.watch("red coat")
    came = square.comes("gate", 0)
    judged = square.looks().judge(square.events())
    with pytest.raises(KeyError), square.database.write() as session:
        square.looks().write(session, judged)
        raise KeyError
    assert square.fired() == [] and square.told() == []
    square.looks().catch_up()
    assert square.fired() == came and len(square.told()) == 1


def test_others_do_not_wait_for_watches_that_found_nobody(square):
    for who in range(20):
        square.picture(who % 5)
    looks = square.looks()
    square.comes("gate", 6)
    looks.catch_up()
    (found,) = square.comes("gate", 0)
    read = []
    note = lambda *asked: read.append(asked[2:4])  # noqa: E731
    judged = looks.judge(square.events())
    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert change(square, looks.write, judged) == 4
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    asked = [parameters for statement, parameters in read if "watches.data" in statement]
    assert asked == [(1, 6, 11, 16)] and set(square.fired()) == {found}


def test_who_comes_again_at_once_is_no_news(square):
    square.comes("lobby", 0)
    square.watch("red coat")
    minute = 60_000_000_000 // 40
    first, again = square.comes("yard", 0), square.comes("yard", 0, after=8 * minute)
    elsewhere, other = square.comes("lane", 0, after=1), square.comes("yard", 1)
    # Shortly after one that was not told.
    late = square.comes("yard", 0, after=4 * minute)
    assert square.looks(quiet_ns=600_000_000_000).catch_up() == 3
    assert square.fired() == first + again + elsewhere + late and other[0] not in square.fired()
    one, two, *_ = square.alerts()
    assert [alert.repeats for alert in square.alerts()] == [None, one.number, None, None]
    assert two.number not in square.told() and len(square.told()) == 3


def test_only_where_and_whom_it_is_told_to_look_at(square):
    square.comes("lobby", 0)
    conditions = {
        "yard": {"cameras": ("yard",)},
        "night": {"looks_at": Modality.INFRARED},
        "day": {"looks_at": Modality.VISIBLE},
        "soon": {"expires_ns": 40 * 2_500 + 1_000},
    }
    number = {name: square.watch("red coat", **asked) for name, asked in conditions.items()}
    gate, yard, lane = (square.comes(name, 0) for name in ("gate", "yard", "lane"))
    square.looks().catch_up()
    fired = {name: square.fired(one) for name, one in number.items()}
    assert fired == {"yard": yard, "night": yard + lane, "day": gate, "soon": gate}


def test_a_paused_one_looks_at_nobody_and_begins_anew(square):
    number = square.watch("red coat")
    square.comes("gate", 0)
    looks = square.looks()
    judged = looks.judge(square.events())
    # While somebody is about to write what it found.
    change(square, pause, number)
    assert change(square, looks.write, judged) == 0
    square.comes("gate", 0)
    looks.catch_up()
    square.comes("gate", 0)
    change(square, resume, number, 9)
    square.comes("gate", 0)
    judged = looks.judge(square.events())
    for do, *rest in ((pause,), (resume, 9)):
        change(square, do, number, *rest)
    assert change(square, looks.write, judged) == 0
    after = square.comes("gate", 0)
    looks.catch_up()
    assert square.fired() == after
    change(square, remove, number)
    square.comes("gate", 0)
    looks.catch_up()
    assert square.fired() == after
    # Its number does not come again, and what came meanwhile is none of a new one's business.
    assert square.watch("red coat") > number
    looks.catch_up()
    assert square.fired() == after


def test_one_that_expired_is_not_resumed(square):
    number = square.watch("red coat", expires_ns=10)
    change(square, pause, number)
    with pytest.raises(UsageError, match="has expired"):
        change(square, resume, number, 10)


def test_an_identity_is_followed_through_what_people_correct(square):
    square.comes("lobby", 0, 1)
    zero, one = (each.id for each in square.gallery.identities())
    number = square.watch(identity=zero[:8])
    looks = square.looks()
    first = square.comes("yard", 0, 1)[:1] + square.comes("gate", 0, 1)[:1]
    looks.catch_up()
    assert square.fired() == first and standing(square, number) == Standing.LINKER
    merged = change(square, corrections.merge, one, zero, BY)
    joined = square.comes("yard", 1)
    looks.catch_up()
    # Those of the other one too that came since it was added: they are whom it looks for.
    assert set(square.fired()) > {*first, *joined}
    before = square.fired()
    change(square, corrections.undo, merged, BY)
    square.comes("yard", 1)
    again = square.comes("yard", 0)
    looks.catch_up()
    assert square.fired() == before + again


def test_an_identity_of_whom_nothing_is_left(square):
    square.comes("lobby", 0)
    [one] = square.gallery.identities()
    number = square.watch(identity=one.id)
    # What an interrupted run left is taken out when it is gone on with.
    square.gallery.remove_tracklets("recording of lobby", CloseReason.TIMEOUT)
    square.comes("gate", 0)
    square.looks().catch_up()
    assert square.fired() == [] and standing(square, number) == Standing.GONE


def test_a_tracklet_that_is_taken_out_raises_nothing(square):
    square.watch("red coat")
    square.comes("gate", 0)
    looks = square.looks()
    judged = looks.judge(square.events())
    assert len(judged.findings) == 1
    square.gallery.remove_tracklets("recording of gate", CloseReason.TIMEOUT)
    assert change(square, looks.write, judged) == 0
    assert looks.catch_up() == 0 and square.fired() == square.told() == []


def test_a_picture_is_compared_with_the_tracklet_itself(square):
    number = square.picture(3)
    came = square.comes("gate", 3, 4)[:1] + square.comes("yard", 4, 3)[1:]
    square.looks().catch_up()
    assert square.fired() == came and standing(square, number) == Standing.CALIBRATED
    other = square.watch(vector=np.eye(8, dtype=np.float32)[0], space=OTHER_MODEL, pictured=Modality.VISIBLE)
    square.comes("gate", 3)
    square.looks().catch_up()
    assert square.fired(other) == [] and standing(square, other) == Standing.OTHER_MODEL


def test_what_is_not_calibrated_is_silent_and_says_so_unless_a_score_is_given(square):
    square.comes("lobby", 0)
    silent, strict = square.picture(0), square.picture(0, score=0.9)
    worded, deaf = square.watch("red coat", score=0.9), square.watch("a purple coat")
    came = square.comes("gate", 0, 1)[:1] + square.comes("yard", 0, 1)[:1]
    square.looks(calibrations={}).catch_up()
    assert square.fired(silent) == square.fired(deaf) == []
    assert square.fired(strict) == square.fired(worded) == came
    assert {(one.calibrated, one.false_alarms) for one in square.alerts()} == {(False, None)}
    assert [standing(square, one) for one in (silent, strict, worded, deaf)] == [
        Standing.NOT_CALIBRATED,
        Standing.SCORE,
        Standing.SCORE,
        Standing.NOT_UNDERSTOOD,
    ]
    square.comes("gate", 0)
    square.looks(calibrations={}, encoder=False).catch_up()
    assert standing(square, worded) == Standing.NO_ENCODER


def test_by_a_score_words_are_also_held_against_whom_infrared_is_linked_to(square):
    square.comes("lobby", 0)
    worded, shown = square.watch("red coat", score=0.95), square.picture(0, score=0.95)
    like = np.zeros((1, 16), np.float32)
    like[0, 0], like[0, 5] = 0.85, np.sqrt(1 - 0.85**2)
    dark = square.cameras["yard"].entry(9000, like)
    square.gallery.add_tracklets([dark], MODEL, SELDOM)
    square.linker.link([dark.tracklet.id])
    square.looks().catch_up()
    assert (square.fired(worded), square.fired(shown)) == ([dark.tracklet.id], [])


def test_words_without_calibrated_links_find_by_day_only(square):
    number = square.watch("red coat")
    square.comes("lobby", 0)
    dark = square.comes("yard", 0)
    square.looks(calibrations={"text": CALIBRATION}).catch_up()
    assert len(square.fired()) == 1 and dark[0] not in square.fired()
    assert standing(square, number) == Standing.PARTLY


def test_more_people_and_fewer_false_alarms_make_it_stricter(square):
    generous = square.watch("red coat", false_alarms=50)
    usual, strict = square.watch("red coat"), square.watch("red coat", false_alarms=0.001)
    scene = square.cameras["gate"]
    like = np.zeros((1, 16), np.float32)
    like[0, 0], like[0, 5] = 0.85, np.sqrt(1 - 0.85**2)
    square.gallery.add_tracklets([scene.entry(5, like)], MODEL, SELDOM)
    square.looks(people=20).catch_up()
    assert [len(square.fired(one)) for one in (generous, usual, strict)] == [1, 1, 0]
    # The same again on a night on which more came by: 200 is one in 200 of the allowed .5 no more.
    square.comes("lobby", *[2] * 140, after=11)
    square.gallery.add_tracklets([scene.entry(2000, like)], MODEL, SELDOM)
    square.looks(people=20).catch_up()
    assert [len(square.fired(one)) for one in (generous, usual, strict)] == [2, 1, 0]


@pytest.mark.slow
def test_a_hundred_watches_each_find_their_own(square):
    numbers = [square.watch(COATS[place % len(COATS)]) for place in range(100)]
    square.comes("lobby", *range(len(COATS)))
    dark = square.comes("yard", *range(len(COATS)))
    looks = square.looks()
    asked = []
    encode = looks._encoder.encode
    looks._encoder.encode = lambda texts: asked.extend(texts) or encode(texts)
    assert looks.catch_up() == 200
    assert len(asked) == len(COATS), "a text is encoded once"
    for place, number in enumerate(numbers):
        assert square.fired(number)[1] == dark[place % len(COATS)]


def test_a_gallery_without_watches_is_left_as_it_is(square):
    square.comes("lobby", 0)
    looks = square.looks()
    end = Outbox(square.database).end()
    assert looks.catch_up() == 0 and change(square, looks.write, looks.judge(square.events())) == 0
    with square.database.read() as session:
        assert watches(session) == ()
        assert (
            session.connection()
            .exec_driver_sql("SELECT count(*) FROM gallery_meta WHERE key = 'watched'")
            .scalar()
            == 0
        )
    assert Outbox(square.database).end() == end


def test_a_text_encoder_of_another_space_is_refused(square):
    stranger = Coats()
    stranger.space = OTHER_MODEL
    with pytest.raises(ModelMismatchError):
        Watching(square.gallery, MODEL, {}, stranger)

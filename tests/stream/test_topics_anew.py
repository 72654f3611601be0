"""A topic that is made anew under a worker: nothing of the new one counts as the old one's next record."""

from collections import deque
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from reid_core.gallery.ledger import Hold
from stream.kafka.topic_ids import TopicIds
from stream.service.telemetry import Telemetry
from stream.worker.assignments import Assignments
from stream.worker.partitions import Claim, Release, Share
from stream.worker.records import POLLED, Damaged, Waiting
from stream.worker.unconfirmed import Polled, Unconfirmed

TOPIC = "frames.visible"
PLACE = TopicPartition(TOPIC, 0)


class Told(TopicIds):
    """Ids as Kafka would tell them, one answer after another; the last one stays."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = deque(answers)
        self.asked = 0

    def ask(self, client=None, timeout_ms=0):
        self.asked += 1
        self.told = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        return self.told


def share_of(topic_id, at=0):
    return Share(Hold(TOPIC, 0, 1, at, at, topic_id=topic_id), at, at, at)


def records(*offsets):
    return Polled(SHARE, [SimpleNamespace(offset=one, topic=TOPIC, partition=0) for one in offsets])


SHARE = share_of("old")
SHARES = {PLACE: SHARE}


@pytest.mark.parametrize(
    ("topic_id", "told", "same", "another"),
    [
        ("old", {TOPIC: "old"}, True, False),
        ("old", {TOPIC: "new"}, False, True),
        ("old", {}, False, False),
        ("old", {TOPIC: ""}, True, False),
        ("", {TOPIC: "new"}, True, False),
        ("", {}, False, False),
    ],
)
def test_which_topic_is_there(topic_id, told, same, another):
    ids = TopicIds()
    ids.told = told
    assert (ids.is_same(TOPIC, topic_id), ids.is_another(TOPIC, topic_id)) == (same, another)


def test_what_is_of_the_claimed_topic_is_handed_on_in_order():
    ids = Told({TOPIC: "old"})
    waiting = Unconfirmed(ids, lambda: 5.0)
    damaged = Polled(SHARE, damaged=Damaged(SHARE, 6, "no"))
    for one in (records(4, 5), damaged, records(7)):
        waiting.keep(one)
    assert len(waiting) == 4 and SHARE.handed == 8
    found = waiting.confirmed(SHARES, ids.ask)
    assert [one.damaged or [each.offset for each in one.records] for one in found] == [
        *([4, 5], damaged.damaged, [7])
    ]
    assert len(waiting) == 0


def test_kafka_is_asked_behind_each_fetch_and_not_too_often():
    ids, now = Told({TOPIC: "old"}), SimpleNamespace(at=5.0)
    waiting = Unconfirmed(ids, lambda: now.at)
    assert waiting.confirmed(SHARES, ids.ask) == [] and ids.asked == 0, "there is nothing to ask about"
    waiting.keep(records(1))
    assert len(waiting.confirmed(SHARES, ids.ask)) == 1 and ids.asked == 1
    waiting.keep(records(2))
    now.at += 0.05
    assert waiting.confirmed(SHARES, ids.ask) == [] and len(waiting) == 1
    waiting.keep(records(*range(3, 3 + POLLED)))
    assert len(waiting.confirmed(SHARES, ids.ask)) == 2 and ids.asked == 2, "a handful does not wait"
    waiting.keep(records(40))
    now.at += 0.2
    assert len(waiting.confirmed(SHARES, ids.ask)) == 1


def test_what_is_of_another_topic_is_dropped():
    ids = Told({TOPIC: "new"})
    waiting = Unconfirmed(ids, lambda: 5.0)
    waiting.keep(records(4, 5))
    assert waiting.confirmed(SHARES, ids.ask) == [] and len(waiting) == 0


def test_what_is_of_a_topic_that_is_away_waits():
    ids, now = Told({}, {TOPIC: "old"}), SimpleNamespace(at=5.0)
    waiting = Unconfirmed(ids, lambda: now.at)
    waiting.keep(records(4, 5))
    assert waiting.confirmed(SHARES, ids.ask) == [] and len(waiting) == 2
    now.at += 1
    assert len(waiting.confirmed(SHARES, ids.ask)) == 1


def test_what_is_of_nobodys_share_any_more_is_dropped():
    ids = Told({TOPIC: "old"})
    waiting = Unconfirmed(ids, lambda: 5.0)
    waiting.keep(records(4))
    assert waiting.confirmed({PLACE: share_of("old")}, ids.ask) == [] and len(waiting) == 0


def test_what_was_polled_stays_where_kafka_does_not_answer():
    ids, now = Told({TOPIC: "old"}), SimpleNamespace(at=5.0)
    waiting = Unconfirmed(ids, lambda: now.at)
    waiting.keep(records(4))

    def fails():
        raise TimeoutError

    with pytest.raises(TimeoutError):
        waiting.confirmed(SHARES, fails)
    now.at += 1
    assert len(waiting.confirmed(SHARES, ids.ask)) == 1


# Claims


class Client:
    """A consumer that is assigned one partition."""

    def __init__(self, begin=0, end=9):
        self.begin, self.end = begin, end

    def assignment(self):
        return {PLACE}

    def pause(self, *_):
        pass

    def beginning_offsets(self, partitions, timeout_ms):
        return dict.fromkeys(partitions, self.begin)

    def end_offsets(self, partitions, timeout_ms):
        return dict.fromkeys(partitions, self.end)


def assigned(ids, *new):
    waiting, telemetry = Waiting(), Telemetry()
    telemetry.lag.labels(TOPIC, "0")
    made = Assignments(waiting, deque(), telemetry, 1.0, ids)
    made.changes.on_partitions_assigned(new)
    return made, waiting


def taken(waiting):
    found = []
    while (one := waiting.take(0)) is not None:
        found.append(one)
    return found


def test_a_claim_says_of_which_topic_its_offsets_are():
    made, waiting = assigned(Told({TOPIC: "old"}), PLACE)
    made.follow(Client(3, 7))
    assert taken(waiting) == [made._claims[PLACE]]
    claim = made._claims[PLACE]
    assert (claim.topic, claim.number, claim.kept, claim.topic_id) == (TOPIC, 0, (3, 7), "old")


@pytest.mark.parametrize("between", [({TOPIC: "old"}, {TOPIC: "new"}), ({TOPIC: "old"}, {}), ({}, {})])
def test_a_topic_that_is_made_anew_while_its_offsets_are_asked_for_is_asked_again(between):
    made, waiting = assigned(Told(*between, {TOPIC: "new"}), PLACE)
    made.follow(Client())
    assert taken(waiting) == []
    made.follow(Client(0, 2))
    [claim] = taken(waiting)
    assert (claim.kept, claim.topic_id) == ((0, 2), "new")


def test_what_is_held_of_a_topic_that_was_made_anew_is_let_go_of_and_claimed_anew(caplog):
    ids = Told({TOPIC: "new"})
    made, waiting = assigned(ids)
    share = made.shares[PLACE] = share_of("old", 7)
    made.follow(Client())
    assert taken(waiting) == [] and share.alive, "nobody has told of it yet"
    ids.ask()
    made.changes.on_partitions_assigned([PLACE])
    made.follow(Client(0, 2))
    release, claim = taken(waiting)
    assert isinstance(release, Release) and release.share is share and not share.alive
    assert isinstance(claim, Claim) and (claim.kept, claim.topic_id) == ((0, 2), "new")
    assert made.shares == {}
    assert f"The topic {TOPIC} was made anew" in caplog.text

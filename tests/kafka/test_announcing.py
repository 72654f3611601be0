"""The announcer as a follower: what an earlier one left is gone on with, and one event stops no other."""

import json
from functools import partial

import numpy as np
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.lease import Lease
from reid_core.gallery.outbox import EVENT_SET_ASIDE, TRACKLET_CLOSED, Outbox
from stream.followers import announcing
from stream.followers.announcements import KINDS, Kind
from stream.followers.announcing import Announcer
from stream.followers.following import ATTEMPTS, Following
from stream.followers.surroundings import Surroundings
from stream.kafka import clients
from stream.kafka.settings import KafkaSettings
from stream.service.telemetry import Telemetry
from tests.support.gallery_world import MODEL, Scene, unit
from tests.support.shift import make_topics


class Desk:
    """A gallery whose clerk is here, its topics, and its announcer."""

    def __init__(self, kafka, prefix, gallery):
        self.bootstrap, self.prefix, self.database = kafka.bootstrap, prefix, gallery.database
        make_topics(kafka.bootstrap, prefix)
        generator = np.random.default_rng(2)
        scene = Scene(gallery)
        entries = [scene.entry(start, unit(generator, 1)) for start in range(0, 100, 20)]
        gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
        self.events = Outbox(gallery.database).after(0, {TRACKLET_CLOSED}, 99)
        self.lease = Lease(gallery.database, f"clerk/{prefix}night", "one", 5.0)
        self.lease.hold()
        around = Surroundings(
            gallery,
            Telemetry(),
            KafkaSettings(bootstrap=[kafka.bootstrap]),
            prefix,
            f"{prefix}night",
            1 << 20,
        )
        self.telemetry = around.telemetry
        self.announcer = Announcer(around)
        self.following = Following(self.announcer, gallery.database, self.lease, self.telemetry, around.stop)

    def told(self):
        """Number and tracklet of every sighting on its topic."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, isolation_level="read_committed"
        )
        place = TopicPartition(f"{self.prefix}sightings", 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end, found = consumer.end_offsets([place])[place], []
        while consumer.position(place) < end:
            found += consumer.poll(200).get(place, [])
        consumer.close()
        return [(int(dict(one.headers)["outbox"]), json.loads(one.value)["tracklet"]) for one in found]

    def close(self):
        self.announcer.let_go()


@pytest.fixture
def desk(kafka, topic_prefix, tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        made = Desk(kafka, topic_prefix, gallery)
        yield made
        made.close()


def test_what_an_earlier_version_left_is_gone_on_with(desk):
    one, two, three, *rest = desk.events
    producer = KafkaProducer(bootstrap_servers=desk.bootstrap)
    for event in (one, two, three):
        value = json.dumps({"tracklet": event.subject}).encode()
        producer.send(f"{desk.prefix}sightings", value, headers=[("outbox", str(event.id).encode())])
    producer.flush(10)
    producer.close()
    # The third was on its topic when the process ended, and was not noted any more.
    desk.lease.put_state({"position": two.id, "ends": {f"{desk.prefix}sightings/0": 2}})
    desk.following.turn()
    assert desk.telemetry.troubles() == []
    assert desk.told() == [(event.id, event.subject) for event in desk.events]
    state = desk.lease.state()
    assert state["position"] == rest[-1].id and set(state) == {"position", "ends"}
    assert state["ends"] == {f"{desk.prefix}sightings/0": len(desk.events)}


def test_an_event_that_cannot_be_told_of_stops_no_other(desk, monkeypatch):
    kind, bad = KINDS[TRACKLET_CLOSED], desk.events[2]

    def fails(outbox, event, prefix):
        if event.id == bad.id:
            raise KeyError("decision")
        return kind.make(outbox, event, prefix)

    monkeypatch.setitem(KINDS, TRACKLET_CLOSED, Kind(kind.topics, fails))
    for _ in range(ATTEMPTS):
        desk.following.turn()
    assert desk.told() == [(event.id, event.subject) for event in desk.events if event.id != bad.id]
    [aside] = Outbox(desk.database).after(0, {EVENT_SET_ASIDE}, 9)
    assert (aside.subject, aside.payload["follower"]) == (bad.subject, "announcer")


def test_topics_that_are_not_there_are_waited_for(desk, monkeypatch):
    kind = KINDS[TRACKLET_CLOSED]

    def astray(outbox, event, prefix):
        return kind.make(outbox, event, f"{prefix}missing.")

    monkeypatch.setattr(announcing, "producer", partial(clients.producer, max_block_ms=1000))
    monkeypatch.setitem(KINDS, TRACKLET_CLOSED, Kind(kind.topics, astray))
    desk.following.turn()
    assert desk.telemetry.troubles() and desk.lease.state() == {}
    monkeypatch.setitem(KINDS, TRACKLET_CLOSED, kind)
    desk.following.turn()
    assert desk.told() == [(event.id, event.subject) for event in desk.events]
    assert Outbox(desk.database).after(0, {EVENT_SET_ASIDE}, 9) == ()

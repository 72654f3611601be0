"""Cameras that fall silent: what they left open is closed, and everybody hears of it, whoever held them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from reid_core.gallery import Gallery, RecordingStatus
from reid_core.gallery.ledger import END, Ledger
from reid_core.gallery.schema import StagedRow
from reid_core.runtime import load_embedder
from stream.kafka.clients import TopicPartition
from stream.kafka.topic_ids import TopicIds
from stream.service.telemetry import Telemetry
from stream.worker.records import Waiting
from stream.worker.reporting import Reporter
from stream.worker.soundings import NEVER, Soundings
from tests.stream.test_shift import INFRARED, NIGHT, Hand, at, rows
from tests.support.frames import SECOND, Camera, record


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint, threads=1)


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


GATE = Camera()


def moves(gallery, camera="gate"):
    return Ledger(gallery.database, "night").stream(camera).moves


def test_a_camera_rests_until_it_is_back(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, *range(3)))
    assert moves(gallery)
    hand.idle()
    assert not moves(gallery)
    hand.give(*at(GATE, 3, first=3))
    assert moves(gallery)
    assert Ledger(gallery.database, "night").stream("gate").seen_ns == GATE.capture_ns(3)


def test_who_takes_a_partition_over_says_that_its_cameras_are_silent(gallery, embedder):
    former = Hand(gallery, embedder)
    former.claim()
    former.give(*at(GATE, *range(30)))
    # It has died. The next one reads nothing more of that camera: nobody was followed any more.
    hand = Hand(gallery, embedder)
    share = hand.claim(end=30)
    share.position = share.reached = 30
    hand.turn()
    assert moves(gallery)
    hand.idle()
    assert not moves(gallery)
    assert Ledger(gallery.database, "night").stream("gate").seen_ns == GATE.capture_ns(29)


def test_silence_is_told_also_where_records_always_wait(gallery, embedder):
    other = Camera(id="1f" * 32, camera="yard")
    hand = Hand(gallery, embedder)
    share = hand.claim()
    hand.give(*at(GATE, 0), *at(other, 0, first=1))
    share.heard["gate"], share.read_up_to = -1000.0, 0.0
    hand.give(*at(other, 1, first=2))
    assert not moves(gallery) and moves(gallery, "yard")


def test_a_recording_that_was_silent_before_its_end_is_complete(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim(INFRARED)
    hand.give(*at(NIGHT, *range(5)))
    hand.idle()
    hand.give(record(NIGHT.end(5), offset=5))
    hand.end()
    stored = gallery.recording(NIGHT.id)
    assert (stored.status, stored.frames_done, stored.message) == (RecordingStatus.COMPLETE, 5, None)
    [end] = rows(gallery, StagedRow)
    assert (end.kind, end.subject, end.due_ns) == (END, NIGHT.id, NIGHT.capture_ns(4))
    assert Ledger(gallery.database, "night").stream("night").ended


def test_an_end_that_another_worker_reads_is_where_the_recording_ended(gallery, embedder):
    """Not where it began, though nothing of it is read again."""
    former = Hand(gallery, embedder)
    former.claim(INFRARED)
    former.give(*at(NIGHT, *range(30)))
    former.idle()
    hand = Hand(gallery, embedder)
    share = hand.claim(INFRARED)
    assert share.position == 30
    hand.give(record(NIGHT.end(30), offset=30))
    hand.end()
    [end] = rows(gallery, StagedRow)
    assert (end.kind, end.due_ns) == (END, NIGHT.capture_ns(29))


def test_a_finished_recording_that_is_published_again_stays_as_it_is(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, 0, 1), record(GATE.end(2), offset=2))
    hand.give(*at(GATE, 0, 1, first=3), record(GATE.end(2), offset=5))
    hand.idle()
    hand.end()
    assert gallery.recording(GATE.id).status is RecordingStatus.COMPLETE
    assert Ledger(gallery.database, "night").stream("gate").ended


def seen(gallery, camera="gate"):
    return Ledger(gallery.database, "night").stream(camera).seen_ns


OLDER = Camera(id="2e" * 32, start_ns=GATE.start_ns - 3600 * SECOND)


def test_an_older_stream_behind_one_that_broke_off_has_come_no_further_than_it_has(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, *range(3)))
    hand.give(*at(OLDER, 0, 1, first=3))
    assert seen(gallery) == OLDER.capture_ns(1) and moves(gallery)
    assert gallery.recording(GATE.id).status is RecordingStatus.PARTIAL
    assert Ledger(gallery.database, "night").stream("gate").state["stream"] == OLDER.id


def test_nor_where_its_first_frame_waits_for_one_that_is_missing(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, *range(3)), *at(OLDER, 1, first=3))
    assert Ledger(gallery.database, "night").stream("gate").ended, "what broke off holds nobody up"
    hand.give(*at(OLDER, 0, first=4))
    assert seen(gallery) == OLDER.capture_ns(1) and moves(gallery)


def test_what_broke_off_for_a_stream_that_was_over_long_ago_is_over(gallery, embedder):
    """So long that the camera's last streams do not tell: then nothing more comes of either."""
    hand = Hand(gallery, embedder)
    share = hand.claim()
    hand.give(*at(OLDER, 0, 1), record(OLDER.end(2), offset=2), *at(GATE, 0, first=3))
    share.sequencers["gate"]._over.clear()
    hand.give(*at(OLDER, 0, first=4))
    stream = Ledger(gallery.database, "night").stream("gate")
    assert (stream.state["stream"], stream.ended, stream.seen_ns) == (GATE.id, True, GATE.capture_ns(0))


def test_a_stream_that_ended_is_left_as_it_ended(gallery, embedder):
    """Also where it went on from what another worker had left."""
    former = Hand(gallery, embedder)
    former.claim()
    former.give(*at(GATE, *range(3)))
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, *range(5)), record(GATE.end(5), offset=5))
    before = Ledger(gallery.database, "night").stream("gate")
    assert before.ended and before.seen_ns == GATE.capture_ns(4)
    hand.idle()
    assert Ledger(gallery.database, "night").stream("gate") == before


def test_a_camera_of_which_only_late_records_have_come_since_the_claim_is_silent_too(gallery, embedder):
    former = Hand(gallery, embedder)
    former.claim()
    former.give(*at(OLDER, 0), record(OLDER.end(1), offset=1), *at(GATE, *range(30), first=2))
    hand = Hand(gallery, embedder)
    share = hand.claim(end=33)
    share.position = share.reached = 32
    hand.give(*at(OLDER, 0, first=32))
    assert moves(gallery)
    hand.idle()
    assert not moves(gallery) and seen(gallery) == GATE.capture_ns(29)


# What Kafka says


class Client:
    """A consumer that says what it is told to.

    Attributes:
        ends: of the partitions.
        beat: seconds since the last heartbeat.
        at: its position in every partition.
    """

    def __init__(self, **ends):
        self.ends = {TopicPartition(f"frames.{topic}", 0): end for topic, end in ends.items()}
        self.beat, self.at = 0.5, 0
        self.asked = 0

    def metrics(self):
        return {"consumer-coordinator-metrics": {"last-heartbeat-seconds-ago": self.beat}}

    def partitions_for_topic(self, topic):
        return {one.partition for one in self.ends if one.topic == topic}

    def end_offsets(self, partitions, timeout_ms):
        self.asked += 1
        return {one: self.ends[one] for one in partitions}

    def highwater(self, partition):
        return None

    def position(self, partition, timeout_ms):
        return self.at


class Ids(TopicIds):
    """Ids that are told as they are.

    Attributes:
        now: the ids.
    """

    def __init__(self):
        super().__init__()
        self.told = self.now = {"frames.visible": "v", "frames.infrared": "i"}

    def ask(self, client, timeout_ms):
        self.told = dict(self.now)
        return self.told


@pytest.fixture
def desk(gallery, embedder):
    """A shift that holds a partition, and the reporter beside it."""
    hand = Hand(gallery, embedder)
    share = hand.claim(end=3)
    changes = SimpleNamespace(joined=True, joined_at=0.0)
    assigned = SimpleNamespace(shares={TopicPartition("frames.visible", 0): share}, changes=changes)
    telemetry, soundings, waiting, ids = Telemetry(), Soundings(), Waiting(), Ids()
    topics = ["frames.visible", "frames.infrared"]
    reporter = Reporter(waiting, assigned, soundings, topics, telemetry, 3.0, ids)
    return SimpleNamespace(**locals())


def test_a_worker_that_has_just_joined_has_had_a_word_from_kafka(desk, monkeypatch):
    monkeypatch.setattr("stream.worker.reporting.time", SimpleNamespace(monotonic=lambda: 100.0))
    client = Client(visible=3, infrared=0)
    client.beat, desk.changes.joined_at = float("inf"), 97.0
    desk.reporter._listen(client)
    assert desk.telemetry.troubles() == []
    desk.changes.joined_at = 90.0
    desk.reporter._listen(client)
    said = "No word from Kafka for 10 s: the answer to a heartbeat is awaited."
    assert desk.telemetry.troubles() == [said]
    client.beat = 2.0
    desk.reporter._listen(client)
    assert desk.telemetry.troubles() == []


@pytest.mark.slow
def test_all_partitions_are_sounded_whoever_holds_them_unless_kafka_is_silent(desk):
    client = Client(visible=3, infrared=7)
    desk.reporter.sound(client, paused=False)
    assert desk.soundings.latest.ends == {("frames.visible", 0): 3, ("frames.infrared", 0): 7}
    desk.reporter._silent = True
    desk.reporter.sound(client, paused=False)
    assert client.asked == 1


def test_a_share_has_been_read_up_to_a_sounding_once_its_end_is_passed(desk):
    client = Client(visible=3, infrared=7)
    desk.reporter.sound(client, paused=False)
    assert desk.share.read_up_to == NEVER and not desk.share.caught_up
    desk.share.position = 3
    desk.reporter.sound(client, paused=False)
    assert desk.share.read_up_to == desk.soundings.latest.moment and desk.share.caught_up
    before, client.ends[TopicPartition("frames.visible", 0)] = desk.share.read_up_to, 4
    desk.reporter.sound(client, paused=False)
    assert desk.share.read_up_to == before < desk.soundings.latest.moment


def test_what_is_no_record_is_passed_over_once_the_rest_is_taken_in(desk):
    client = Client(visible=3, infrared=0)
    desk.share.handed, client.at = 2, 3
    desk.reporter.sound(client, paused=False)
    assert not len(desk.waiting), "two records are on their way"
    desk.share.position = 2
    desk.reporter.sound(client, paused=False)
    desk.reporter.sound(client, paused=False)
    assert len(desk.waiting) == 1
    desk.hand.waiting.put(desk.waiting.take(0))
    desk.hand.turn()
    assert desk.share.position == desk.share.reached == desk.share.resume == 3
    assert desk.hand.shift._partitions._ledger.reached() == {("frames.visible", 0): 3}


def test_ends_that_may_be_of_another_topic_are_no_sounding(desk):
    client = Client(visible=3, infrared=7)
    desk.reporter.sound(client, paused=False)
    desk.share.hold = replace(desk.share.hold, topic_id="v")
    desk.share.position, desk.share.caught_up = 2, False
    before = desk.soundings.latest
    desk.ids.now, client.ends = {**desk.ids.now, "frames.visible": "w"}, Client(visible=1, infrared=7).ends
    desk.reporter.sound(client, paused=False)
    assert desk.soundings.latest is before
    desk.reporter.sound(client, paused=False)
    latest = desk.soundings.latest
    assert latest.ends["frames.visible", 0] == 1 and latest.topic_ids == desk.ids.now
    assert desk.share.read_up_to == NEVER and not desk.share.caught_up, "its records are others"

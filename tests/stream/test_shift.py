"""The thread that looks, fed by hand: what it writes, whom it blames, and what it leaves to the next one."""

from concurrent.futures import CancelledError, Future
from dataclasses import replace

import pytest
from sqlalchemy import select

from reid_core.gallery import Gallery, RecordingStatus
from reid_core.gallery.ledger import Ledger
from reid_core.gallery.schema import AttemptRow, RefusedRow
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.kafka.wire import REPLAY_HEADER
from stream.service.telemetry import Telemetry
from stream.worker.config import WorkerSettings
from stream.worker.partitions import Claim, Release
from stream.worker.records import POLLED, Taken, Waiting, prepare
from stream.worker.shift import Shift
from stream.worker.soundings import NEVER, Soundings
from stream.worker.worker import FETCH
from tests.support.brightness import SMALL, brightness_detector
from tests.support.frames import Camera, record

VISIBLE, INFRARED = "frames.visible", "frames.infrared"
GATE = Camera()
NIGHT = Camera(id="night", camera="night", modality=Modality.INFRARED, spectrum=Spectrum.THERMAL)


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint, threads=1)


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


class Hand:
    """One worker's life without Kafka: a shift, and the hand that feeds it."""

    def __init__(self, gallery, embedder, read=None, tracker=None, **limits):
        limits = {"commit_seconds": 0, "idle_seconds": 60.0, "attempts": 2} | limits
        settings = WorkerSettings.model_validate(
            {"detector": SMALL.model_dump(), "tracker": tracker or {}, "limits": limits}
        )
        self.telemetry, self.waiting = Telemetry(), Waiting()
        read = read or (lambda taken: prepare(taken.record, None, 1 << 24, 1 << 24))
        self.shift = Shift(
            *(gallery, Ledger(gallery.database, "night"), brightness_detector(), embedder, settings),
            *(self.waiting, read, self.telemetry, "w", Soundings()),
        )
        self.shares = {}

    def claim(self, topic=VISIBLE, number=0, end=1 << 30):
        self.waiting.put(Claim(topic, number, (0, end)))
        self.turn()
        _, self.shares[topic] = self.shift.claimed.popleft()
        return self.shares[topic]

    def give(self, *records, future=None):
        for one in records:
            self.waiting.put(Taken(self.shares[one.topic], one, future))
            self.turn()

    def turn(self):
        """What the thread does again and again, here in the test's own."""
        self.shift._turn()

    def idle(self):
        for share in self.shares.values():
            share.read_up_to = max(share.heard.values(), default=0.0) + 1000
        self.turn()
        for share in self.shares.values():
            share.read_up_to = NEVER

    def end(self):
        """In order."""
        self.shift.start()
        assert self.shift.stop(10) and self.shift.error is None


def at(camera, *seqs, first=0):
    return [record(camera.frame(seq), offset=first + place) for place, seq in enumerate(seqs)]


def rows(gallery, table):
    with gallery.database.read() as session:
        return list(session.scalars(select(table)))


def test_what_a_holder_may_have_in_hand_is_gone_over_with_care(gallery, embedder):
    """In a commit, taken since, waiting, and one more handful that was fetched as it was not too much yet."""
    assert FETCH["max_poll_records"] == POLLED
    for records in (1, 8, 128):
        shift = Hand(gallery, embedder, records=records).shift
        assert shift.span >= 2 * records + (records - 1 + POLLED)


@pytest.mark.slow
def test_only_the_record_that_ends_its_worker_is_blamed(gallery, embedder):
    """Whatever else every one of them had tried last in another partition."""
    deadly = at(GATE, 0, 1, 2)[2]

    def read(taken):
        if (taken.record.topic, taken.record.offset) == (deadly.topic, deadly.offset):
            raise SystemExit
        return prepare(taken.record, None, 1 << 24, 1 << 24)

    visible, infrared = at(GATE, 0, 1, 2, 3), at(NIGHT, 0)
    for _ in range(2 + 1):
        hand = Hand(gallery, embedder, read)
        hand.claim(INFRARED), hand.claim()
        hand.give(*infrared, *visible[:2])
        with pytest.raises(SystemExit):
            hand.give(deadly)
    hand = Hand(gallery, embedder, read)
    hand.claim(INFRARED), hand.claim()
    hand.give(*infrared, *visible)
    [letter] = rows(gallery, RefusedRow)
    assert (letter.topic, letter.offset, letter.reason, letter.attempts) == (VISIBLE, 2, "crash", 2)
    assert "2 workers died" in letter.message
    hand.end()
    assert rows(gallery, AttemptRow) == []
    assert gallery.recording(GATE.id).status is RecordingStatus.RUNNING


def test_who_ends_in_order_leaves_nobody_under_suspicion(gallery, embedder):
    first = Hand(gallery, embedder)
    first.claim()
    first.give(*at(GATE, 0))
    second = Hand(gallery, embedder)
    second.claim()
    second.give(*at(GATE, 0, 1))
    assert [row.offset for row in rows(gallery, AttemptRow)] == [1]
    second.end()
    assert rows(gallery, AttemptRow) == []
    third = Hand(gallery, embedder)
    assert third.claim().hold.careful_below <= 0


def test_what_a_worker_that_ends_decodes_no_more_is_not_damaged(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    cancelled = Future()
    cancelled.cancel()
    with pytest.raises(CancelledError):
        cancelled.result()
    hand.give(*at(GATE, 0), future=cancelled)
    hand.end()
    assert rows(gallery, RefusedRow) == [] and hand.shift.settled == 1


def test_a_decoder_that_fails_in_its_own_way_is_the_records_fault(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    failed = Future()
    failed.set_exception(KeyError("a table of its own"))
    hand.give(*at(GATE, 0), future=failed)
    hand.give(*at(GATE, 0, first=1))
    hand.end()
    [letter] = rows(gallery, RefusedRow)
    assert letter.reason == "damaged" and "a table of its own" in letter.message
    assert hand.shift.settled == 1


def test_the_last_pictures_of_a_camera_that_falls_silent_are_looked_at(gallery, embedder):
    """They wait for a missing one that will not come any more."""
    hand = Hand(gallery, embedder)
    share = hand.claim()
    hand.give(*at(GATE, 0, 1, 3, 4))
    assert hand.shift.settled == 2 and share.resume == 0
    hand.idle()
    assert hand.shift.settled == 4 and share.resume == share.saved == 4
    assert gallery.recording(GATE.id).checkpoint == 5
    # It comes back, and falls silent again while it waits for another.
    hand.give(*at(GATE, 6, 7, first=4))
    assert hand.shift.settled == 4 and share.resume == 4
    hand.idle()
    assert hand.shift.settled == 6 and share.resume == share.saved == 6
    assert gallery.recording(GATE.id).checkpoint == 8


def test_a_stream_of_another_camera_is_refused_and_leaves_nothing(gallery, embedder):
    hand = Hand(gallery, embedder)
    hand.claim()
    hand.give(*at(GATE, 0))
    stranger = replace(GATE.frame(1), stream=replace(GATE.stream, camera="somewhere else"))
    hand.give(record(stranger, offset=1))
    hand.give(*at(GATE, 1, first=2))
    hand.end()
    [letter] = rows(gallery, RefusedRow)
    assert letter.reason == "camera" and "of camera 'gate' already" in letter.message
    assert [camera.id for camera in gallery.cameras()] == ["gate"] and hand.shift.settled == 2


def test_dead_letters_sent_again_leave_a_camera_that_goes_on_alone(gallery, embedder):
    """Of a whole stream that was refused; nor when another worker has taken the camera over."""
    refused = Camera(id="former")
    again = [
        record(one, offset=3 + place, headers={REPLAY_HEADER: b"frames.visible/0/0"})
        for place, one in enumerate([refused.frame(0), refused.frame(1), refused.end(2)])
    ]
    former = Hand(gallery, embedder)
    former.claim()
    former.give(*at(GATE, 0, 1, 2), *again)
    for hand in (former, Hand(gallery, embedder)):
        hand.claim()
        hand.give(*at(GATE, 0, 1, 2), *again, *at(GATE, 3, 4, first=6))
        assert gallery.recording("former") is None
        assert gallery.recording(GATE.id).status is RecordingStatus.RUNNING
    hand.give(record(GATE.end(5), offset=8), *(replace(one, offset=one.offset + 6) for one in again))
    hand.end()
    assert gallery.recording(GATE.id).status is RecordingStatus.COMPLETE
    assert gallery.recording("former").status is RecordingStatus.COMPLETE


def test_a_partition_that_is_let_go_of_can_be_gone_on_with(gallery, embedder):
    hand = Hand(gallery, embedder)
    share = hand.claim()
    hand.give(*at(GATE, *range(3)))
    hand.waiting.put(Release(share))
    hand.turn()
    other = Hand(gallery, embedder)
    again = other.claim()
    assert again.hold.epoch == 2 and again.position == 0 and again.hold.careful_below <= 0
    other.give(*at(GATE, *range(4)))
    assert other.shift.settled == 4
    # Who had it before can write no more.
    share.alive = True
    hand.shift._partitions.shares.append(share)
    hand.give(*at(GATE, 3, first=3))
    assert not share.alive and hand.telemetry.fenced._value.get() == 1

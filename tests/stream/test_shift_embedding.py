"""What the thread that looks does while the embedder is at work: it looks on, and writes nothing early."""

import random
import threading
import time

import pytest

from detectors.config import TrackerSettings
from reid_core.gallery import Gallery, RecordingStatus
from reid_core.gallery.ledger import TRACKLET, Ledger
from reid_core.gallery.schema import AttemptRow, PartitionRow, StagedRow
from reid_core.gallery.staging import unpack_entry
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.worker.partitions import Release
from tests.stream.test_shift import INFRARED, VISIBLE, Hand, rows
from tests.support.brightness import RED, WARM, Walker, scenes
from tests.support.frames import Camera, record
from tests.support.held import Held

FRAMES = 160
# One after the other: nobody is followed any more at 50, 100 and 150, where the gate forgets.
WALKS = ((4, 32), (54, 82), (104, 132))
CLOSED = (45, 95, 145)
"""At these frames one more tracklet has closed."""
GATE = Camera()
NIGHT = Camera(id="night", camera="night", modality=Modality.INFRARED, spectrum=Spectrum.THERMAL)
QUICK = TrackerSettings(lost_seconds=1.0)


def walked(camera, colour):
    seen = scenes([Walker(*walk, colour) for walk in WALKS], FRAMES, 160, 120)
    frames = [record(camera.frame(seq, picture), offset=seq) for seq, picture in enumerate(seen)]
    return [*frames, record(camera.end(FRAMES), offset=FRAMES)]


@pytest.fixture(scope="module")
def visible():
    return walked(GATE, RED)


@pytest.fixture(scope="module")
def infrared():
    return walked(NIGHT, WARM)


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint, threads=1)


@pytest.fixture
def held(embedder):
    held = Held(embedder)
    yield held
    held.let_through()


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


def hand_with(gallery, embedder, records=1000):
    return Hand(gallery, embedder, tracker=QUICK.model_dump(), records=records)


def until(told, hand):
    deadline = time.monotonic() + 20
    while not told():
        assert time.monotonic() < deadline
        hand.turn()


def staged(gallery):
    return [row for row in rows(gallery, StagedRow) if row.kind == TRACKLET]


def offset(gallery, topic=VISIBLE):
    [row] = [row for row in rows(gallery, PartitionRow) if row.topic == topic]
    return row.next


def test_detection_goes_on_while_the_embedder_stands_still(gallery, held, visible):
    hand = hand_with(gallery, held)
    hand.claim()
    hand.give(*visible)
    assert hand.shift.settled == FRAMES
    # What lies in front of the first tracklet's end is there, and nothing of it or behind it.
    assert staged(gallery) == [] and offset(gallery) == 0
    assert gallery.recording(GATE.id).checkpoint == 0
    held.let_through()
    until(lambda: gallery.recording(GATE.id).status is RecordingStatus.COMPLETE, hand)
    assert offset(gallery) == len(visible)
    order = [unpack_entry(row.content, held.model_id).tracklet.frames[0] for row in staged(gallery)]
    assert order == sorted(order) and len(order) == 3
    hand.end()


@pytest.mark.slow
def test_the_detector_waits_where_more_tracklets_wait_than_may(gallery, held, visible):
    hand = hand_with(gallery, held)
    hand.shift._embedding._queue.maxsize = 1
    hand.claim()
    # The first is in hand, the second waits.
    hand.give(*visible[: CLOSED[1]])
    hand.turn()
    assert hand.shift.settled == CLOSED[1]
    # Handing in no more is the last turn, in which what is pending is looked at.
    more = visible[CLOSED[1] : CLOSED[2]]
    thread = threading.Thread(target=lambda: (hand.give(*more), hand.turn()))
    thread.start()
    thread.join(1.0)
    assert thread.is_alive() and CLOSED[1] < hand.shift.settled < CLOSED[2]
    held.let_through(1)
    thread.join(10)
    assert not thread.is_alive() and hand.shift.settled == CLOSED[2]
    held.let_through()
    hand.end()
    assert len(staged(gallery)) == 3


@pytest.mark.parametrize("records", [1000, 20], ids=["any", "few"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.slow
def test_nothing_is_written_before_the_tracklets_in_front_of_it(gallery, held, visible, seed, records):
    """Whenever the embedder gets on: offset, checkpoint and camera are never ahead of a tracklet."""
    hand, draw = hand_with(gallery, held, records), random.Random(seed)
    hand.claim()
    written = Written(hand, gallery)
    for number in range(len(WALKS)):
        threading.Timer((1 + number + draw.random()) * 0.6, held.let_through, [1]).start()
    hand.give(*visible)
    until(lambda: gallery.recording(GATE.id).status is RecordingStatus.COMPLETE, hand)
    hand.end()
    assert len(written.tracklets) == 3 and len(written.said) >= 2
    for known, next_, checkpoint, seen_ns in written.said:
        missing = [one for name, one in written.tracklets.items() if name not in known]
        for tracklet, due_ns in missing:
            # Needed again are all frames from its first one on.
            assert next_ <= tracklet.frames[0] and checkpoint <= tracklet.frames[0]
            assert seen_ns < due_ns


class Written:
    """What each commit left in the ledger: the tracklets that were there, and how far it had come."""

    def __init__(self, hand, gallery):
        self.tracklets, self.said = {}, []
        self._known, self._checkpoint, self._seen_ns = set(), 0, 0
        ledger = hand.shift._commits._ledger
        real = ledger.save

        def save(batch):
            real(batch)
            for one in batch.staged:
                if one.kind == TRACKLET:
                    entry = unpack_entry(one.content, hand.shift._embedding._embedder.model_id)
                    self.tracklets[one.subject] = entry.tracklet, one.due_ns
                    self._known.add(one.subject)
            self._checkpoint = max([self._checkpoint, *(one.checkpoint for one in batch.checkpoints)])
            self._seen_ns = max([self._seen_ns, *(one.seen_ns for one in batch.streams)])
            self.said.append((set(self._known), offset(gallery), self._checkpoint, self._seen_ns))

        ledger.save = save


@pytest.mark.slow
def test_no_more_is_begun_with_than_may_be_gone_over_again(gallery, held, visible):
    """However long the embedder takes: behind so many records the commit before is waited for."""
    hand = hand_with(gallery, held, records=20)
    hand.claim()
    thread = threading.Thread(target=hand.give, args=visible)
    thread.start()
    thread.join(1.5)
    assert thread.is_alive()
    [row] = rows(gallery, PartitionRow)
    assert hand.shift.settled - row.next <= hand.shift.span
    assert row.next == 0 and CLOSED[0] < hand.shift.settled <= CLOSED[0] + 2 * 20
    held.let_through()
    thread.join(20)
    assert not thread.is_alive()
    hand.end()
    assert len(staged(gallery)) == 3


@pytest.mark.slow
def test_a_share_that_is_let_go_of_takes_its_tracklets_along(gallery, held, visible):
    hand = hand_with(gallery, held)
    share = hand.claim()
    hand.give(*visible[: CLOSED[0] + 10])
    hand.waiting.put(Release(share))
    threading.Timer(0.2, held.let_through).start()
    hand.turn()
    assert len(staged(gallery)) == 1 and gallery.recording(GATE.id).checkpoint == 50
    assert offset(gallery) == share.saved == 50 and hand.shift._partitions.shares == []
    hand.end()


@pytest.mark.slow
def test_what_is_lost_while_it_is_embedded_is_written_by_nobody_else(gallery, held, visible, infrared):
    """And what came with it in the same commit is written."""
    hand = hand_with(gallery, held)
    lost, kept = hand.claim(), hand.claim(INFRARED)
    for pair in zip(visible[: CLOSED[0] + 10], infrared, strict=False):
        hand.give(*pair)
    # Both lie in the commit that waits for the embedder.
    assert [row.subject for row in staged(gallery)] == []
    other = hand_with(gallery, held)
    other.claim()
    held.let_through()
    until(lambda: staged(gallery), hand)
    hand.turn()
    assert {row.camera_id for row in staged(gallery)} == {"night"}
    assert not lost.alive and kept.alive and offset(gallery) == 0 and offset(gallery, INFRARED) == 50
    assert hand.telemetry.fenced._value.get() == 1
    hand.end()


@pytest.mark.slow
def test_a_record_that_is_tried_alone_is_in_hand_until_its_tracklets_are_embedded(gallery, embedder, visible):
    """So that nobody else is blamed where it is the embedder that dies of it."""
    first = hand_with(gallery, embedder)
    first.claim()
    first.give(*visible[:3])
    blamed = []

    class Slow:
        model_id = embedder.model_id

        def embed(self, crops, modality):
            time.sleep(0.1)
            blamed.extend(row.offset for row in rows(gallery, AttemptRow))
            return embedder.embed(crops, modality)

    second = hand_with(gallery, Slow())
    share = second.claim()
    assert share.hold.careful_below > CLOSED[0]
    closed, closing = second.telemetry.tracklets.labels("gate", "timeout"), []
    for one in visible[: CLOSED[0]]:
        before = closed._value.get()
        second.give(one)
        if closed._value.get() > before:
            closing.append(one.offset)
    assert blamed == closing and len(closing) == 1
    second.end()


def test_an_error_of_the_embedder_ends_the_worker(gallery, embedder, visible):
    class Tired:
        model_id = embedder.model_id

        def embed(self, crops, modality):
            raise RuntimeError("The embedder is tired.")

    hand = hand_with(gallery, Tired())
    hand.claim()
    with pytest.raises(RuntimeError, match="tired"):
        hand.give(*visible)
    assert staged(gallery) == [] and offset(gallery) == 0


@pytest.mark.slow
def test_behind_a_death_only_what_is_suspected_is_tried_alone(gallery, embedder, visible, monkeypatch):
    """What lies between the checkpoint and what the dead one wrote last is gone over again together."""
    first = hand_with(gallery, embedder, records=1)
    first.claim()
    first.give(*visible[:30])
    hand = hand_with(gallery, embedder, records=1)
    hold = hand.claim().hold
    assert hold.next < 10 and 25 <= hold.careful_from <= 30, "somebody is followed from the fifth on"
    tried, attempt = [], Ledger.attempt

    def noted(ledger, hold, offset, done):
        tried.append(offset)
        return attempt(ledger, hold, offset, done)

    monkeypatch.setattr(Ledger, "attempt", noted)
    hand.give(*visible[hold.next : 34])
    assert tried == list(range(hold.careful_from, 34))
    hand.end()

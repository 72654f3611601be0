"""The clerk's order: what happened earlier comes into the gallery earlier, whatever goes on meanwhile."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import delete, select

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.lease import Lease
from reid_core.gallery.ledger import END, TRACKLET, Advance, Batch, Ledger, Staged, StreamProgress
from reid_core.gallery.outbox import LINK_MADE, TRACKLET_CLOSED, Outbox
from reid_core.gallery.records import Checkpoint, RecordingStatus
from reid_core.gallery.relinking import rank_again
from reid_core.gallery.schema import LeaseRow, StagedRow
from reid_core.gallery.staging import Staging, pack_entry
from reid_core.linker import Linker
from reid_core.types import Modality
from stream.service.telemetry import Telemetry
from stream.worker.clerk import Clerk
from stream.worker.config import WorkerSettings
from stream.worker.soundings import Soundings
from tests.support.gallery_world import MODEL, Scene, near, unit

generator = np.random.default_rng(4)
VECTORS = near(unit(generator, 1), generator, 2)
CAMERAS = ("gate", "yard")
ANYBODY = near(unit(generator, 1), generator, 2)


class Desk:
    """A clerk, and the cameras whose tracklets it waits for, a partition each; Kafka is told of by hand.

    Attributes:
        ends: where the partitions end, by camera.
        topic_ids: Kafka's own of the topics.
    """

    def __init__(self, gallery, infrared=(), **limits):
        self.gallery = gallery
        self.ledger = Ledger(gallery.database, "night")
        self.places = {camera: ("frames.visible", number) for number, camera in enumerate(CAMERAS)}
        self.places |= {camera: ("frames.infrared", number) for number, camera in enumerate(infrared)}
        self.scenes = {
            camera: Scene(gallery, camera, Modality(topic.removeprefix("frames.")))
            for camera, (topic, _) in self.places.items()
        }
        self.holds = {
            camera: self.ledger.claim(*place, "w", (0, 99), 9, place[0])
            for camera, place in self.places.items()
        }
        self.ends = dict.fromkeys(self.places, 0)
        self.topic_ids = {}
        self.clock = SimpleNamespace(now=0.0)
        self.soundings = Soundings(lambda: self.clock.now)
        embedder = SimpleNamespace(model_id=MODEL, calibration=lambda pair: None)
        settings = WorkerSettings.model_validate({"group": "night", "limits": limits})
        self.telemetry = Telemetry()
        self.clerk = Clerk(gallery, self.ledger, embedder, settings, self.soundings, self.telemetry, "w")

    def come(self, camera, seen_ns, *starts, read=0, vectors=VECTORS, ended=False, resting=False):
        """A worker commits: the camera has come so far, and tracklets closed on the way, at their starts."""
        hold, scene = self.holds[camera], self.scenes[camera]
        entries = [scene.entry(start, vectors) for start in starts]
        modality = str(scene.modality)
        staged = [
            Staged(TRACKLET, one.tracklet.id, camera, modality, start, pack_entry(one, MODEL))
            for start, one in zip(starts, entries, strict=True)
        ]
        checkpoints = []
        if ended:
            checkpoints.append(Checkpoint(scene.recording, 9, 9, {}, RecordingStatus.COMPLETE))
            if scene.modality is Modality.INFRARED:
                staged.append(Staged(END, scene.recording, camera, modality, seen_ns))
        state = {"stream": camera, "epoch": [scene.recording, 0, 0], "over": []}
        progress = StreamProgress(camera, hold.topic, hold.number, seen_ns, ended, state, resting)
        advance = Advance(hold.topic, hold.number, hold.epoch, 0, 0, read, True, True)
        self.ledger.save(Batch([advance], staged, checkpoints, [progress]))

    def sound(self, seconds=1.0):
        """Kafka says where the partitions end."""
        self.clock.now += seconds
        ends = {self.places[camera]: end for camera, end in self.ends.items()}
        self.soundings.put(self.clock.now, ends, self.topic_ids)

    def turn(self, seconds=1.0):
        """The clerk looks twice: before Kafka is asked, and behind that."""
        self.clerk._turn()
        self.sound(seconds)
        self.clerk._turn()

    @property
    def late(self):
        return sum(self.telemetry.late_tracklets.labels(one)._value.get() for one in self.places)

    @property
    def admitted(self):
        """First frame and camera of each admitted tracklet, in the order in which they were."""
        events = Outbox(self.gallery.database).after(0, [TRACKLET_CLOSED], 99)
        tracklets = [self.gallery.tracklet(one.subject) for one in events]
        return [(int(one.frames[0]), one.camera) for one in tracklets]


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


def test_it_waits_for_every_camera_that_moves(gallery):
    desk = Desk(gallery)
    desk.come("gate", 50, 30, 40)
    desk.come("yard", 35)
    desk.turn()
    assert desk.admitted == [(30, "gate")]
    desk.come("yard", 45, 38)
    desk.turn()
    assert desk.admitted == [(30, "gate"), (38, "yard"), (40, "gate")]


def test_a_commit_in_the_middle_of_its_turn_is_not_overtaken(gallery, monkeypatch):
    desk = Desk(gallery)
    desk.come("gate", 50, 40)
    desk.come("yard", 10)
    waiting, commits = Staging.waiting, [("yard", 60, 20), ("yard", 70, 55)]

    def interrupted(staging, limit):
        found = waiting(staging, limit)
        if commits:
            desk.come(*commits.pop(0))
        return found

    monkeypatch.setattr(Staging, "waiting", interrupted)
    for _ in range(3):
        desk.turn()
    desk.come("gate", 70)
    desk.turn()
    assert not commits
    assert desk.admitted == [(20, "yard"), (40, "gate"), (55, "yard")]
    assert not desk.late


@pytest.mark.slow
def test_who_closes_as_another_camera_stands_there_is_not_overtaken_by_it(gallery):
    """What ends with that camera's last frame closed at the same time, and may come first."""
    desk = Desk(gallery)
    desk.come("yard", 50, 50)
    desk.come("gate", 50)
    desk.turn()
    assert desk.admitted == []
    desk.come("gate", 50, 50, ended=True)
    desk.come("yard", 51)
    desk.turn()
    assert desk.admitted == [(50, "gate"), (50, "yard")]


def test_a_partition_that_nobody_has_opened_may_hold_something_earlier(gallery):
    desk = Desk(gallery, infrared=["night"])
    desk.come("gate", 50, 40)
    desk.ends["night"] = 5
    for _ in range(9):
        desk.turn(20)
    assert desk.admitted == []
    desk.come("night", 60, read=5)
    desk.come("gate", 60)
    desk.turn()
    assert desk.admitted == [(40, "gate")]


def test_an_empty_partition_that_nobody_has_opened_holds_nothing_up(gallery):
    desk = Desk(gallery, infrared=["night"])
    desk.come("gate", 50, 40)
    desk.turn()
    assert desk.admitted == [(40, "gate")]


def test_what_was_in_kafka_when_it_was_staged_may_precede_it(gallery):
    """Also in a partition that was read to its end before: of a camera that nobody has heard of."""
    desk = Desk(gallery)
    desk.sound()
    desk.ends["yard"] = 3
    desk.come("gate", 50, 40)
    for _ in range(9):
        desk.turn(20)
    assert desk.admitted == []
    # More has come meanwhile: whatever that is, it came later.
    desk.ends["yard"] = 9
    desk.come("yard", 20, 15, read=3)
    desk.sound()
    desk.come("yard", 60, 20, read=4)
    desk.turn()
    assert desk.admitted == [], "who came last may be preceded by what came since"
    desk.come("yard", 60, read=9)
    desk.turn()
    assert desk.admitted == [(15, "yard"), (20, "yard"), (40, "gate")]
    assert not desk.late


def test_nothing_is_admitted_while_kafka_has_not_answered(gallery):
    desk = Desk(gallery)
    desk.come("gate", 50, 40)
    desk.come("yard", 60)
    for _ in range(3):
        desk.clerk._turn()
        desk.clock.now += 1000
    assert desk.admitted == [] and desk.soundings.wanted
    desk.turn()
    assert desk.admitted == [(40, "gate")]


def test_a_partition_of_which_kafka_does_not_say_the_end_is_told_of(gallery):
    desk = Desk(gallery)
    desk.come("gate", 50, 40)
    del desk.ends["yard"]
    desk.turn()
    assert desk.admitted == []
    said = "Kafka does not say where partition 1 of frames.visible ends; nothing is admitted until it does."
    assert desk.telemetry.troubles() == [said]
    desk.ends["yard"] = 0
    desk.turn()
    assert desk.telemetry.troubles() == [] and desk.admitted == [(40, "gate")]


def test_how_far_a_topic_was_read_says_nothing_of_one_that_was_made_anew(gallery):
    """Its partitions may hold something earlier, those that it has no more hold nothing up."""
    desk = Desk(gallery, infrared=["night"])
    desk.come("night", 50, read=7)
    desk.topic_ids = {"frames.visible": "frames.visible", "frames.infrared": "anew"}
    desk.ends["night"] = 5
    desk.sound()
    desk.come("gate", 50, 40)
    for _ in range(9):
        desk.turn(20)
    assert desk.admitted == []
    del desk.ends["night"]
    desk.turn()
    assert desk.admitted == [(40, "gate")] and desk.telemetry.troubles() == []


def test_a_camera_holds_nobody_up_once_its_holder_says_that_it_is_silent(gallery):
    desk = Desk(gallery, hold_seconds=1e6)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    for _ in range(9):
        desk.turn(100)
    assert desk.admitted == []
    desk.come("yard", 12, 11, resting=True)
    desk.turn()
    assert desk.admitted == [(11, "yard"), (30, "gate")]
    # It is back.
    desk.come("yard", 60)
    desk.come("gate", 90, 80)
    desk.turn()
    assert len(desk.admitted) == 2


def test_a_camera_of_other_topics_holds_nobody_up(gallery):
    desk = Desk(gallery)
    Scene(gallery, "gone")
    gone = desk.ledger.claim("former.frames.visible", 0, "w", (0, 99), 9)
    progress = StreamProgress("gone", gone.topic, gone.number, 1, False, {"stream": "x"})
    desk.ledger.save(Batch([Advance(gone.topic, 0, gone.epoch, 0, 0, 3, True, True)], streams=[progress]))
    desk.come("gate", 50, 30)
    desk.turn()
    assert desk.admitted == [(30, "gate")]


def test_nothing_waits_for_longer_than_it_is_held(gallery):
    desk = Desk(gallery, hold_seconds=9)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    for _ in range(9):
        desk.turn()
    assert desk.admitted == []
    for _ in range(3):
        desk.turn()
    assert desk.admitted == [(30, "gate")]


def test_nor_does_what_lies_behind_many_that_have_not_waited_as_long(gallery):
    """A camera that is far behind stages many that happened earlier."""
    desk = Desk(gallery, infrared=["night"], hold_seconds=9)
    desk.come("gate", 1500, 1000)
    desk.come("yard", 10)
    desk.come("night", 5)
    for _ in range(7):
        desk.turn()
    desk.come("yard", 900, *range(20, 90))
    for _ in range(5):
        desk.turn()
    assert desk.admitted == [(1000, "gate")]
    for _ in range(7):
        desk.turn()
    assert len(desk.admitted) == 71


def test_nor_do_more_than_are_admitted_together(gallery):
    desk = Desk(gallery, hold_seconds=9)
    desk.come("gate", 500, *range(100, 170))
    desk.come("yard", 10)
    for _ in range(9):
        desk.turn()
    assert desk.admitted == []
    for _ in range(3):
        desk.turn()
    assert len(desk.admitted) == 70


@pytest.mark.slow
def test_a_backlog_is_no_waiting(gallery):
    desk = Desk(gallery, hold_seconds=9)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    # It is read, ten seconds late, while more of it comes.
    for second in range(99):
        desk.ends["yard"] = second + 1
        desk.turn()
        desk.come("yard", 10, read=max(0, second - 10))
        assert desk.admitted == []
    desk.come("yard", 10, read=desk.ends["yard"])
    for _ in range(8):
        desk.turn()
    assert desk.admitted == []
    for _ in range(4):
        desk.turn()
    assert desk.admitted == [(30, "gate")]


def test_who_may_be_preceded_waits_however_short_the_hold(gallery):
    desk = Desk(gallery, hold_seconds=2)
    desk.sound()
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    desk.ends["yard"] = 5
    for _ in range(4):
        desk.turn()
    assert desk.clerk._waited > 2 and desk.admitted == []


def test_a_time_in_which_kafka_did_not_answer_is_no_waiting(gallery):
    desk = Desk(gallery, hold_seconds=9)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    desk.turn()
    for _ in range(4):
        desk.clock.now += 600
        desk.clerk._turn()
        desk.turn(600)
    assert desk.admitted == []


def test_a_time_in_which_the_clerk_itself_waited_is_no_waiting(gallery):
    """For its database: Kafka answers others meanwhile."""
    desk = Desk(gallery, hold_seconds=9)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    desk.turn()
    for _ in range(60):
        desk.sound()
    for _ in range(2):
        desk.turn()
    assert desk.admitted == []


@pytest.mark.parametrize("slow", [(Gallery, "nominate"), (Linker, "link")])
def test_nobody_takes_over_from_a_clerk_that_ranks_for_long(gallery, monkeypatch, slow):
    desk = Desk(gallery, infrared=["night"], lease_seconds=0.2)
    desk.come("gate", 150, 30)
    desk.come("night", 150, 40)
    owner, name = slow
    ranks, goes_on, does = threading.Event(), threading.Event(), getattr(owner, name)

    def slowly(*args):
        ranks.set()
        assert goes_on.wait(30)
        return does(*args)

    monkeypatch.setattr(owner, name, slowly)
    clock = SimpleNamespace(now=0.0)
    other = Lease(gallery.database, "clerk/night", "other", 0.2, lambda: clock.now)
    desk.clerk.start()
    try:
        for beats in range(3):
            while not ranks.wait(0.05):
                desk.sound()
            assert not other.hold()
            before, until = beat(gallery), time.monotonic() + 10
            while beat(gallery) == before and time.monotonic() < until:
                time.sleep(0.01)
            clock.now += 0.3
            assert not other.hold(), f"{beats} beats"
        goes_on.set()
        while not links(gallery) and time.monotonic() < until:
            time.sleep(0.01)
        assert len(links(gallery)) == 1 and desk.admitted == [(30, "gate"), (40, "night")]
    finally:
        goes_on.set()
        desk.clerk.stop(10)
    assert desk.clerk.error is None and other.hold(), "it has handed it back"


def test_a_clerk_that_removes_old_blobs_for_long_holds_up_no_other(gallery, monkeypatch):
    """Its beat stands: others take over as from one that is silent."""
    desk = Desk(gallery, lease_seconds=0.2)
    desk.turn()
    beats = iter([False, False, True])
    monkeypatch.setattr(desk.clerk._done, "wait", lambda seconds: next(beats))
    before = beat(gallery)
    desk.clerk._beat()
    assert beat(gallery) == before
    beats, desk.clerk._admits = iter([False, False, True]), True
    desk.clerk._beat()
    assert beat(gallery) == before + 2


def beat(gallery):
    with gallery.database.read() as session:
        return session.scalar(select(LeaseRow.beat).where(LeaseRow.name == "clerk/night"))


# Links


def links(gallery):
    """Tracklet to the identities its link names, and how often each link was told of."""
    events = [one.subject for one in Outbox(gallery.database).after(0, [LINK_MADE], 99)]
    return {
        one.tracklet: ([each.tracklet for each in one.candidates], events.count(one.tracklet))
        for one in gallery.links()
    }


def test_what_was_linked_before_somebody_earlier_came_is_ranked_again_once(gallery):
    desk = Desk(gallery, infrared=["night"])
    desk.come("gate", 150, 40)
    desk.come("night", 100, 50, ended=True)
    desk.turn()
    night = desk.scenes["night"].entry(50, VECTORS).tracklet
    gate = desk.scenes["gate"].entry(40, VECTORS).tracklet
    assert links(gallery) == {night.id: ([gate.id], 1)}
    # A camera that was away for too long brings two people of that time, one after the other.
    desk.ends["yard"] = 5
    desk.come("yard", 45, 42, read=2, vectors=ANYBODY)
    desk.turn()
    assert len(desk.admitted) == 2, "more may wait that is earlier still"
    desk.come("yard", 60, 45, read=5, vectors=near(-VECTORS[0], generator, 2))
    for _ in range(3):
        desk.turn()
    assert len(desk.admitted) == 4 and links(gallery)[night.id][1] == 1, "more may come"
    desk.ends["yard"] = 9
    desk.come("yard", 200, 47, read=6)
    desk.come("gate", 200)
    for _ in range(3):
        desk.turn()
    assert len(desk.admitted) == 4 and links(gallery)[night.id][1] == 1, "one more has come"
    desk.come("yard", 200, read=9)
    for _ in range(4):
        desk.turn()
    assert len(desk.admitted) == 5
    first = desk.scenes["yard"].entry(42, ANYBODY).tracklet.id
    found, told = links(gallery)[night.id]
    assert (found[0], told) == (gate.id, 2) and first in found
    for _ in range(3):
        desk.turn()
    assert links(gallery)[night.id][1] == 2 and desk.clerk._staging.count() == 0


def test_who_comes_after_an_infrared_recording_ended_changes_none_of_its_links(gallery):
    desk = Desk(gallery, infrared=["night"])
    desk.come("gate", 150, 40)
    desk.come("night", 60, 50, ended=True)
    desk.turn()
    before = links(gallery)
    desk.come("gate", 200, 120, vectors=ANYBODY)
    for _ in range(3):
        desk.turn()
    assert len(desk.admitted) == 3 and links(gallery) == before


def test_nothing_is_ranked_again_while_more_waits_in_kafka(gallery):
    desk = Desk(gallery, infrared=["night"])
    desk.come("gate", 150, 40)
    desk.come("night", 100, 50, ended=True)
    desk.turn()
    desk.come("yard", 200, 42, vectors=ANYBODY)
    desk.come("gate", 200)
    desk.turn()
    assert len(desk.admitted) == 3
    desk.ends["yard"] = 9
    for _ in range(4):
        desk.turn()
    [(_, told)] = links(gallery).values()
    assert told == 1
    desk.come("yard", 210, read=9)
    for _ in range(3):
        desk.turn()
    [(_, told)] = links(gallery).values()
    assert told == 2


def test_only_what_ended_behind_a_late_one_is_ranked_again(gallery):
    desk = Desk(gallery, infrared=["dusk", "night"])
    desk.come("gate", 6000, 40)
    desk.come("dusk", 1000, 1, ended=True)
    desk.come("night", 5000, 2, ended=True)
    desk.turn()
    desk.come("yard", 9000, 2000, vectors=ANYBODY)
    desk.come("gate", 9000)
    for _ in range(4):
        desk.turn()
    dusk, night = (
        links(gallery)[desk.scenes[camera].entry(start, VECTORS).tracklet.id]
        for camera, start in (("dusk", 1), ("night", 2))
    )
    assert [(len(found), told) for found, told in (dusk, night)] == [(1, 2), (2, 3)]


def test_a_clerk_that_was_another_in_between_knows_what_that_one_linked(gallery):
    desk = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    desk.come("gate", 150, 40)
    desk.turn()
    other = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    other.clerk._lease.hold()
    assert not desk.clerk._stop.wait(0.05)
    other.come("gate", 150)
    other.come("night", 100, 50, ended=True)
    other.turn()
    assert len(links(gallery)) == 1
    other.clerk._lease.let_go()
    holds, desk.holds = desk.holds, other.holds
    assert holds != desk.holds
    desk.come("yard", 200, 45, vectors=ANYBODY)
    desk.come("gate", 200)
    for _ in range(4):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 2 and told == 2


@pytest.mark.slow
def test_another_clerk_knows_what_was_linked(gallery):
    former = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    former.come("gate", 150, 40)
    former.come("night", 100, 50, ended=True)
    former.turn()
    desk = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    assert not desk.clerk._stop.wait(0.05)
    desk.clerk._lease.hold()
    assert not desk.clerk._stop.wait(0.05)
    desk.come("yard", 200, 45, vectors=ANYBODY)
    desk.come("gate", 200)
    for _ in range(4):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 2 and told == 2


@pytest.mark.parametrize("late", [300, 700])
def test_another_clerk_knows_how_far_recordings_went(gallery, late):
    """Also behind their last tracklet, which ends at 400 here: whoever came until their end counts."""
    former = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    former.come("gate", 5000, 40)
    former.come("night", 1000, 1, ended=True)
    former.turn()
    desk = Desk(gallery, infrared=["night"], lease_seconds=0.01)
    assert not desk.clerk._stop.wait(0.05)
    desk.clerk._lease.hold()
    assert not desk.clerk._stop.wait(0.05)
    desk.come("yard", 6000, late, vectors=ANYBODY)
    desk.come("gate", 6000)
    for _ in range(4):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 2 and told == 3


def test_a_recording_that_no_worker_read_is_ranked_again_too(gallery):
    """Of one of `nightreid run`, what is known is its tracklets; one without any in infrared has no links."""
    desk, night = Desk(gallery), Scene(gallery, "night", Modality.INFRARED)
    day = desk.scenes["yard"]
    gallery.add_tracklets([night.entry(1, VECTORS), day.entry(20, ANYBODY)], MODEL, IdentityPolicy(None))
    done = [Checkpoint(one.recording, 9, 9, {}, RecordingStatus.COMPLETE) for one in (night, day)]
    desk.ledger.save(Batch(checkpoints=done))
    with gallery.database.write() as session:
        rank_again(session, 0)
    assert [one.subject for one in desk.clerk._staging.to_rank_again(9)] == [night.recording]
    with gallery.database.write() as session:
        session.execute(delete(StagedRow))
    desk.come("gate", 500, 40)
    for _ in range(4):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 2 and told == 1


def test_a_visible_camera_that_turned_infrared_is_ranked_again_up_to_its_end(gallery):
    desk = Desk(gallery)
    entry = desk.scenes["yard"].entry(1, VECTORS)
    turned = replace(entry, tracklet=replace(entry.tracklet, modality=Modality.INFRARED))
    gallery.add_tracklets([turned], MODEL, IdentityPolicy(None))
    desk.come("yard", 1000, ended=True)
    desk.come("gate", 5000, 700)
    for _ in range(4):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 1 and told == 1


def test_a_recording_that_goes_on_is_ranked_again_at_its_end_only(gallery):
    desk = Desk(gallery, infrared=["night"], hold_seconds=3)
    desk.come("yard", 10)
    desk.come("night", 100, 50)
    for _ in range(9):
        desk.turn()
    [(found, told)] = links(gallery).values()
    assert (found, told) == ([], 1), "it was held for too long"
    desk.come("yard", 200, 45)
    desk.turn()
    assert len(desk.admitted) == 2 and links(gallery).values() and desk.clerk._staging.count() == 0
    desk.come("night", 110, ended=True)
    desk.turn()
    [(found, told)] = links(gallery).values()
    assert len(found) == 1 and told == 2

"""The clerk's order: what happened earlier comes into the gallery earlier, whatever goes on meanwhile."""

from types import SimpleNamespace

import numpy as np
import pytest

from reid_core.gallery import Gallery
from reid_core.gallery.ledger import TRACKLET, Advance, Batch, Ledger, Staged, StreamProgress
from reid_core.gallery.outbox import TRACKLET_CLOSED, Outbox
from reid_core.gallery.staging import Staging, pack_entry
from stream.service.telemetry import Telemetry
from stream.worker.clerk import Clerk
from stream.worker.config import WorkerSettings
from tests.support.gallery_world import MODEL, Scene, near, unit

generator = np.random.default_rng(4)
VECTORS = near(unit(generator, 1), generator, 2)
CAMERAS = ("gate", "yard")


class Desk:
    """A clerk, and the two cameras whose tracklets it waits for, a partition each."""

    def __init__(self, gallery, **limits):
        self.gallery = gallery
        self.ledger = Ledger(gallery.database, "night")
        self.scenes = {camera: Scene(gallery, camera) for camera in CAMERAS}
        self.holds = {
            camera: self.ledger.claim("frames.visible", number, "w", (0, 99), 9)
            for number, camera in enumerate(CAMERAS)
        }
        embedder = SimpleNamespace(model_id=MODEL, calibration=lambda pair: None)
        settings = WorkerSettings.model_validate({"group": "night", "limits": limits})
        self.telemetry = Telemetry()
        self.clerk = Clerk(gallery, self.ledger, embedder, settings, self.telemetry, "w")

    def come(self, camera, seen_ns, *starts, caught_up=True):
        """A worker commits: the camera has come so far, and tracklets closed on the way, at their starts."""
        hold = self.holds[camera]
        entries = [self.scenes[camera].entry(start, VECTORS) for start in starts]
        self.ledger.save(
            Batch(
                [Advance(hold.topic, hold.number, hold.epoch, 0, 0, 0, True, caught_up)],
                [
                    Staged(TRACKLET, one.tracklet.id, camera, "visible", start, pack_entry(one, MODEL))
                    for start, one in zip(starts, entries, strict=True)
                ],
                streams=[StreamProgress(camera, hold.topic, hold.number, seen_ns, False, {"stream": camera})],
            )
        )

    def turn(self):
        self.clerk._turn()

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
    assert not any(desk.telemetry.late_tracklets.labels(camera)._value.get() for camera in CAMERAS)


def test_a_partition_that_nobody_has_opened_may_hold_something_earlier(gallery):
    desk = Desk(gallery)
    desk.come("gate", 50, 40)
    desk.ledger.expect([("frames.infrared", 0)])
    desk.turn()
    assert desk.admitted == []


def test_a_silent_camera_holds_nobody_up_unless_more_of_it_waits(gallery):
    desk = Desk(gallery, idle_seconds=0.01)
    desk.come("gate", 50, 30)
    desk.come("yard", 10, caught_up=False)
    for _ in range(3):
        desk.turn()
        assert not desk.clerk._stop.wait(0.02)
    assert desk.admitted == []
    desk.come("yard", 12, caught_up=True)
    for _ in range(3):
        desk.turn()
        assert not desk.clerk._stop.wait(0.02)
    assert desk.admitted == [(30, "gate")]


def test_nothing_waits_for_longer_than_it_is_held(gallery):
    desk = Desk(gallery, hold_seconds=0.05)
    desk.come("gate", 50, 30)
    desk.come("yard", 10)
    desk.turn()
    assert desk.admitted == []
    assert not desk.clerk._stop.wait(0.1)
    desk.turn()
    assert desk.admitted == [(30, "gate")]

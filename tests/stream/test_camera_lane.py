"""A recording taken up again at its checkpoint: the same tracklets as if nobody had left it."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from detectors.config import TrackerSettings
from reid_core.gallery import RecordingRecord, RecordingStatus
from reid_core.types import Modality, Spectrum
from stream.chain.config import ChainSettings
from stream.worker.camera_lane import CameraLane, clock_of
from stream.worker.records import prepare
from stream.worker.sequencing import Clock
from tests.support.brightness import RED, SMALL, WARM, Walker, brightness_detector, scenes
from tests.support.frames import Camera, record

SETTINGS = ChainSettings(detector=SMALL, tracker=TrackerSettings(lost_seconds=1.0))
FRAMES = 160
# Nobody is followed any more at 50, 100 and 150, where the gate forgets.
WALKERS = (Walker(4, 32, WARM), Walker(54, 82, WARM, leftwards=True), Walker(104, 132, WARM, row=0.3))
VISIBLE = Camera()
THERMAL = Camera(camera="night", modality=Modality.INFRARED, spectrum=Spectrum.THERMAL)


def pictures(kind):
    if kind == "visible":
        walkers = tuple(replace(one, colour=RED) for one in WALKERS)
        return list(scenes(walkers, FRAMES, 160, 120))
    seen = scenes(WALKERS, FRAMES, 160, 120)
    if kind == "thermal":
        return list(seen)
    # The sensor warms up, and a pipe is as warm as somebody.
    counts = np.stack(list(seen))[:, :, :, 0].astype(np.uint16)
    counts[:, 112:116, 20:140] = 225
    return list(7000 + 12 * np.arange(FRAMES, dtype=np.uint16)[:, None, None] + 9 * counts)


def recording(camera, checkpoint=0, state=None):
    stream = camera.stream
    return RecordingRecord(
        *(stream.id, stream.camera, "a.mp4", stream.fps, 160, 120, stream.start_ns, "brightness", "m"),
        checkpoint=checkpoint,
        frames_done=checkpoint,
        state=json.loads(json.dumps(state or {"settings": "s"})),
        status=RecordingStatus.RUNNING,
    )


class Walked:
    """A lane gone through from its record on: its tracklets and its checkpoints."""

    def __init__(self, camera, seen, record, clock=None, ahead=False):
        self.detector = brightness_detector()
        self.lane = CameraLane.open(record, camera.stream, self.detector, SETTINGS, "s", record.checkpoint)
        self.tracklets, self.checkpoints = [], []
        for index in range(record.checkpoint, len(seen)):
            self.step(camera, index, seen[index], ahead)

    def step(self, camera, index, picture, ahead=False):
        time_ns = camera.capture_ns(index)
        before = Clock(0, time_ns - 1, time_ns - 1)
        drawn = _sketched(camera, index, picture) if ahead else None
        gated = self.lane.admit(index, time_ns, picture, index - index % 3, before, drawn)
        found = iter(self.detector.look(gated.looks) if gated.looks else ())
        seen = {(look.region, look.invert): next(found) for look in gated.looks}
        self.tracklets += self.lane.settle(gated, seen)
        if self.lane.checkpoint is not None:
            self.checkpoints.append((self.lane.checkpoint, self.lane.resume))
            self.lane.checkpoint = None


def _sketched(camera, index, picture):
    return prepare(record(camera.frame(index, picture)), None, 1 << 24, 1 << 24).sketched


def comparable(tracklets):
    """Every column of a tracklet, crops and all."""
    return [
        {name: _plain(value) for name, value in asdict(one).items()}
        for one in sorted(tracklets, key=lambda one: one.id)
    ]


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


@pytest.fixture(scope="module", params=["visible", "thermal", "raw"])
def world(request):
    """A camera, what it sees, and an undisturbed lane that went through it."""
    camera = VISIBLE if request.param == "visible" else THERMAL
    seen = pictures(request.param)
    return camera, seen, Walked(camera, seen, recording(camera))


def test_the_world_is_worth_it(world):
    _, _, whole = world
    assert len(whole.tracklets) >= len(WALKERS)
    assert [checkpoint.checkpoint for checkpoint, _ in whole.checkpoints] == [50, 100, 150]


def test_a_lane_that_is_reopened_at_any_checkpoint_finds_the_same(world):
    camera, seen, whole = world
    for checkpoint, _ in whole.checkpoints:
        again = Walked(camera, seen, recording(camera, checkpoint.checkpoint, checkpoint.state))
        later = [one for one in whole.tracklets if one.frames[0] >= checkpoint.checkpoint]
        assert comparable(again.tracklets) == comparable(later)
        assert again.checkpoints == [
            one for one in whole.checkpoints if one[0].checkpoint > checkpoint.checkpoint
        ]
        assert again.lane.lane.checkpoint(FRAMES) == whole.lane.lane.checkpoint(FRAMES)
        assert again.lane.scaler.range == whole.lane.scaler.range


def test_everything_in_front_of_a_checkpoint_is_closed_there(world):
    _, _, whole = world
    for checkpoint, _ in whole.checkpoints:
        for tracklet in whole.tracklets:
            assert not tracklet.frames[0] < checkpoint.checkpoint <= tracklet.frames[-1]


def test_a_checkpoint_knows_from_which_record_on_it_is_needed(world):
    _, _, whole = world
    for checkpoint, resume in whole.checkpoints:
        assert resume == checkpoint.checkpoint - checkpoint.checkpoint % 3


def test_a_checkpoint_remembers_the_clock(world):
    camera, _, whole = world
    for checkpoint, _ in whole.checkpoints:
        taken_up = recording(camera, checkpoint.checkpoint, checkpoint.state)
        before = camera.capture_ns(checkpoint.checkpoint) - 1
        assert clock_of(taken_up) == Clock(0, before, before)
    assert clock_of(recording(camera)) is None


@pytest.mark.slow
def test_a_sketch_made_ahead_changes_nothing():
    seen = pictures("visible")
    ahead = Walked(VISIBLE, seen, recording(VISIBLE), ahead=True)
    whole = Walked(VISIBLE, seen, recording(VISIBLE))
    assert comparable(ahead.tracklets) == comparable(whole.tracklets)
    assert ahead.checkpoints == whole.checkpoints


def test_a_silent_camera_is_left_as_it_is():
    """In the middle of a walk nothing can be taken up in order; but the range and the clock go on."""
    seen = pictures("raw")
    left = Walked(THERMAL, seen[:65], recording(THERMAL))
    left.lane.lane.tracker.close("timeout")
    clock = Clock(5, 7, 9)
    rest = left.lane.rest(clock)
    assert rest.checkpoint == rest.frames_done == 65 and rest.status is RecordingStatus.RUNNING
    taken_up = recording(THERMAL, 65, rest.state)
    again = CameraLane.open(taken_up, THERMAL.stream, left.detector, SETTINGS, "s", 65)
    assert again.scaler.range == left.lane.scaler.range
    assert clock_of(taken_up) == clock
    assert again.lane.judge.leaning == left.lane.lane.judge.leaning


def test_a_recordings_end_remembers_nothing_that_only_a_worker_needs():
    """`nightreid run` writes the same row."""
    whole = Walked(THERMAL, pictures("raw"), recording(THERMAL))
    assert set(whole.lane.lane.checkpoint(FRAMES, RecordingStatus.COMPLETE).state) == {
        *("settings", "as_is", "inverted", "invert")
    }


@pytest.mark.parametrize("shape", [(32, 6000), (6000, 32), (33, 33)])
@pytest.mark.parametrize("camera", [VISIBLE, THERMAL])
def test_a_strange_shape_is_looked_at_like_any_other(shape, camera):
    """A record may say anything; what is decoded must not end the worker."""
    seen = [np.full((*shape, 3), 40 + index, np.uint8) for index in range(3)]
    assert Walked(camera, seen, recording(camera)).tracklets == []


def test_a_camera_may_change_its_size():
    seen = pictures("visible")
    larger = list(scenes(tuple(replace(one, colour=RED) for one in WALKERS), FRAMES, 320, 240))
    changed = Walked(VISIBLE, [*seen[:50], *larger[50:100], *seen[100:]], recording(VISIBLE))
    assert len(changed.tracklets) == len(WALKERS)

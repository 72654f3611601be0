"""The threads of a run: order, checkpoints, and how they end when something fails."""

import random
import threading
import time

import numpy as np
import pytest

from detectors.motion import REFRESH, GatedFrame
from reid_core.errors import ModelError, StorageError, UsageError
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Detections, Frame, Modality
from stream.chain.lane import Lane
from stream.run.decoding import Ended
from stream.run.detecting import DetectionStage
from stream.run.running import run_footage
from stream.run.timing import StageClock
from stream.run.writing import Writer
from tests.support.brightness import brightness_detector
from tests.support.held import Held
from tests.support.night import SETTINGS, Counting, count, specs


class _Fixed:
    """A decoder with a fixed story, told at random speed."""

    def __init__(self, camera, times, seed):
        self.story = [GatedFrame(camera, i, t, (), (), None, False, False) for i, t in enumerate(times)]
        self.story.append(Ended(len(times)))
        self.random = random.Random(seed)

    def get(self, seconds):
        if self.random.random() < 0.3:
            time.sleep(min(seconds, 0.001))
            return None
        return self.story.pop(0) if self.story else None


class _Spec:
    live = False


class _Source:
    spec = _Spec()


class _Lane:
    source = _Source()

    def __init__(self, name, times, seed):
        self.name, self.decoder = name, _Fixed(name, times, seed)

    def looks(self, gated):
        return []


def merged(seed):
    times = {"a": [0, 40, 80, 120], "b": [10, 40, 70], "c": [200, 240], "d": []}
    lanes = [_Lane(name, given, seed + i) for i, (name, given) in enumerate(times.items())]
    stage = DetectionStage(lanes, brightness_detector(), 8, StageClock(), threading.Event())
    stage.start()
    found = [
        (lane.name, item.time_ns if isinstance(item, GatedFrame) else None)
        for batch in stage.batches()
        for lane, item, _ in batch
    ]
    stage.join()
    return found


def test_recordings_are_merged_by_capture_time_whatever_the_threads_do():
    orders = [merged(seed) for seed in range(0, 60, 10)]
    assert all(order == orders[0] for order in orders)
    # Ties go to the source named first; an end comes directly behind the last frame.
    assert orders[0] == [
        *[("d", None), ("a", 0), ("b", 10), ("a", 40), ("b", 40), ("b", 70), ("b", None)],
        *[("a", 80), ("a", 120), ("a", None), ("c", 200), ("c", 240), ("c", None)],
    ]


# What a run does when a part of it fails


@pytest.fixture
def parts(tmp_path, colour_checkpoint):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery, brightness_detector(), load_embedder(colour_checkpoint)


def no_thread_left():
    names = [thread.name for thread in threading.enumerate()]
    return not [name for name in names if name.startswith(("decode ", "write", "embed")) or name == "detect"]


@pytest.mark.slow
def test_an_error_of_the_writer_ends_the_run_and_keeps_what_was_written(parts, night_videos, tmp_path):
    gallery, detector, embedder = parts
    real, calls = gallery.add_tracklets, []

    def add_tracklets(*arguments):
        calls.append(1)
        if len(calls) > 2:
            raise StorageError("There is no space left.")
        return real(*arguments)

    gallery.add_tracklets = add_tracklets
    with pytest.raises(StorageError, match="no space left"):
        run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS)
    assert no_thread_left() and len(calls) == 3
    assert 0 < count(tmp_path / "x.db", "tracklets") < 8
    gallery.add_tracklets = real
    assert len(run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS).cameras) == 3
    assert count(tmp_path / "x.db", "tracklets") == 8


@pytest.mark.parametrize("calls", [0, 3])
def test_an_error_of_the_detector_ends_the_run(parts, night_videos, calls):
    gallery, detector, embedder = parts
    real = detector.network.infer

    def infer(canvases):
        if detector.network.calls >= calls:
            raise ModelError("The detector is tired.")
        return real(canvases)

    detector.network.infer = infer
    with pytest.raises(ModelError, match="tired"):
        run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS)
    assert no_thread_left()


@pytest.mark.slow
def test_an_error_of_the_embedder_ends_the_run(parts, night_videos):
    gallery, detector, embedder = parts

    def embed(*_):
        raise ModelError("The embedder is tired.")

    embedder.embed = embed
    with pytest.raises(ModelError, match="tired"):
        run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS)
    assert no_thread_left()


@pytest.mark.slow
def test_an_embedder_that_stands_still_holds_up_nobody_but_the_writer(parts, night_videos, tmp_path):
    gallery, detector, embedder = parts
    held = Held(embedder)
    seen = []

    def all_seen():
        seen.append(count(tmp_path / "x.db", "tracklets"))
        held.let_through()

    frames = 300 + 280 + 200
    run_footage(specs(night_videos), gallery, detector, held, SETTINGS, Counting(frames, all_seen))
    assert seen == [0], "nothing was embedded before every frame was looked at"
    assert count(tmp_path / "x.db", "tracklets") == len(held.calls) == 8
    assert no_thread_left()


def test_an_error_while_following_ends_the_run(parts, night_videos):
    def fail():
        raise RuntimeError("the progress bar broke")

    gallery, detector, embedder = parts
    with pytest.raises(RuntimeError, match="progress bar"):
        run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS, Counting(100, fail))
    assert no_thread_left()


@pytest.mark.slow
def test_a_decoder_that_breaks_ends_its_camera_alone(parts, night_videos, monkeypatch):
    from stream.footage.video import VideoSource

    real = VideoSource.frames

    def frames(self, first, stop):
        for picture in real(self, first, stop):
            if self.spec.camera == "yard" and picture.index == 140:
                raise ValueError("odd bytes")
            yield picture

    monkeypatch.setattr(VideoSource, "frames", frames)
    gallery, detector, embedder = parts
    result = run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS)
    found = {camera.id: (camera.status, len(camera.tracklets)) for camera in result.cameras}
    assert found == {"gate": ("complete", 3), "yard": ("partial", 1), "night": ("complete", 2)}
    assert result.warnings == ("The source yard failed: odd bytes.",)
    assert no_thread_left()


def test_a_run_that_is_stopped_before_it_begins(parts, night_videos):
    gallery, detector, embedder = parts
    stop = threading.Event()
    stop.set()
    result = run_footage(specs(night_videos), gallery, detector, embedder, SETTINGS, stop=stop)
    assert result.interrupted and [camera.status for camera in result.cameras] == ["interrupted"] * 3
    assert not result.warnings and no_thread_left()


@pytest.mark.slow
def test_another_start_or_other_settings_are_told_of(parts, night_videos):
    from dataclasses import replace

    gallery, detector, embedder = parts
    (spec,) = specs(night_videos, ["gate"])
    run_footage([spec], gallery, detector, embedder, SETTINGS)
    later = replace(spec, start_ns=spec.start_ns + 10**9)
    other = SETTINGS.model_copy(update={"tracker": SETTINGS.tracker.model_copy(update={"crops": 2})})
    result = run_footage([later], gallery, detector, embedder, other)
    assert len(result.warnings) == 2
    assert "other settings" in result.warnings[0] and "another start" in result.warnings[1]
    assert result.cameras[0].start_ns == spec.start_ns
    with pytest.raises(UsageError):
        run_footage([], gallery, detector, embedder)


def test_a_full_queue_in_front_of_a_writer_that_failed_does_not_block(parts):
    gallery, _, embedder = parts

    def add_tracklets(*_):
        raise StorageError("full")

    gallery.add_tracklets = add_tracklets
    from reid_core.gallery import Checkpoint, IdentityPolicy

    writer = Writer(gallery, embedder, embedder.model_id, IdentityPolicy(None), 90, StageClock(), None)
    writer.start()
    with pytest.raises(StorageError):
        for index in range(1000):
            writer.put(Checkpoint("r", index, index))
    with pytest.raises(StorageError):
        writer.finish()


# Checkpoints of one lane


@pytest.fixture
def lane(night_videos, parts):
    """A lane of the infrared recording that is fed by hand."""
    from detectors.tracking import CameraTracker
    from reid_core.gallery import RecordingRecord

    detector = parts[1]

    def make(**stored):
        record = RecordingRecord("r", "night", "x", 25, 160, 120, 0, "d", "m", **stored)
        settings = SETTINGS.detector.look(Modality.INFRARED)
        tracker = CameraTracker("r", "night", Modality.INFRARED, 25, SETTINGS.tracker, settings)
        return Lane(record, tracker, detector.judge(Modality.INFRARED), detector, "s")

    return make


def feed(lane, first, last, present=()):
    """Frames ``first`` to ``last``, one person in those of ``present``; what the lane made of them."""
    region = (0, 0, 160, 120)
    image = np.zeros((120, 160, 3), np.uint8)
    closed, checkpoints = [], []
    for index in range(first, last):
        box = np.array([[index % 100, 20, index % 100 + 20, 80]] if index in present else [], np.float32)
        found = Detections(box.reshape(-1, 4), np.full(len(box), 0.9, np.float32))
        seen = {(region, False): found, (region, True): Detections.empty()}
        frame = Frame("night", Modality.INFRARED, index, index * 40_000_000, image)
        anew = index % REFRESH == 0
        gated = GatedFrame("night", index, index * 40_000_000, (0,), (region,), frame, False, anew)
        ended, checkpoint = lane.settle(gated, seen)
        closed += ended
        checkpoints += [checkpoint] if checkpoint is not None else []
    return closed, checkpoints


@pytest.mark.slow
def test_a_checkpoint_follows_a_tracklet_at_the_next_refresh_when_nobody_is_left(lane):
    closed, checkpoints = feed(lane(), 0, 200, present=range(30, 60))
    assert len(closed) == 1
    # Lost at 59, given up two seconds later.
    assert [one.checkpoint for one in checkpoints] == [125]
    assert checkpoints[0].frames_done == 125


def test_an_empty_recording_is_checkpointed_now_and_then(lane):
    assert [one.checkpoint for one in feed(lane(), 0, 600)[1]] == [250, 500]


def test_no_checkpoint_while_somebody_is_followed(lane):
    assert feed(lane(), 0, 400, present=range(10, 400))[1] == []


def test_an_interrupted_lane_goes_back_to_what_the_judge_knew_at_its_checkpoint(lane):
    one = lane()
    _, (checkpoint,) = feed(one, 0, 300, present=[30, 280, 281])
    assert checkpoint.state["as_is"] == pytest.approx(0.81, abs=1e-5)
    assert one.judge.as_is == pytest.approx(3 * 0.81, abs=1e-5)
    left = one.interrupted()
    assert (left.checkpoint, left.frames_done) == (250, 300)
    assert left.state == checkpoint.state
    again = lane(checkpoint=left.checkpoint, state=left.state)
    assert again.judge.as_is == checkpoint.state["as_is"] and again.frames_done == 250
    feed(again, 250, 300, present=[280, 281])
    assert (again.judge.as_is, again.judge.invert) == (one.judge.as_is, one.judge.invert)

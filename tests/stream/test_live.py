"""Live cameras: one that comes, stalls, goes away and comes back."""

import threading
import time

import pytest

from reid_core.errors import SourceError
from reid_core.gallery import Gallery, RecordingStatus
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.config import LiveSettings, RunSettings
from stream.footage.naming import SourceSpec, parse_source
from stream.run.running import run_footage
from tests.support.brightness import RED, SMALL, Walker, brightness_detector
from tests.support.mjpeg import FPS, camera
from tests.support.night import Counting, rows, specs


@pytest.fixture
def watch(tmp_path, colour_checkpoint):
    """Run live sources and recordings into a gallery; returns the result, the notes and the database."""

    def go(sources, gone=1.5, slow=0.0, stop_at=0):
        database = tmp_path / "x.db"
        stop = threading.Event()
        progress = Counting(stop_at, stop.set)
        settings = RunSettings(detector=SMALL, live=LiveSettings(open_seconds=2, gone_seconds=gone))
        with Gallery.open(f"sqlite:///{database}") as gallery:
            detector, embedder = brightness_detector(slow=slow), load_embedder(colour_checkpoint)
            result = run_footage(sources, gallery, detector, embedder, settings, progress, stop)
            recordings = {one.camera: one for one in gallery.recordings()}
        return result, progress.notes, database, recordings

    return go


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """Import what a tracker needs, lest the first camera's first seconds pass meanwhile."""
    import ultralytics.trackers.byte_tracker  # noqa: F401


def live(server, name="door"):
    return SourceSpec(name, server.url, Modality.VISIBLE, Spectrum.VISIBLE)


@pytest.mark.slow
def test_a_camera_that_goes_away_is_given_up_and_the_others_finish(watch, night_videos):
    with camera(frames=80) as server:
        begun = time.monotonic()
        result, notes, database, recordings = watch([live(server), *specs(night_videos, ["gate", "night"])])
        took = time.monotonic() - begun
    assert took > 80 / FPS, "never faster than real time"
    cameras = {one.id: one for one in result.cameras}
    assert [cameras[name].status for name in ("door", "gate", "night")] == ["partial", "complete", "complete"]
    assert len(cameras["gate"].tracklets) == 3 and len(cameras["night"].tracklets) == 2
    (walk,) = cameras["door"].tracklets
    assert walk.last_frame - walk.first_frame > 35
    assert abs((walk.last_ns - walk.first_ns) / 1e9 - (walk.last_frame - walk.first_frame) / FPS) < 1.5
    assert recordings["door"].status is RecordingStatus.PARTIAL
    (note,) = [note for note in notes if "was lost" in note]
    assert note == recordings["door"].message == cameras["door"].message
    # All links are of the whole gallery, those made while the camera was watched included.
    assert len(result.links) == 2
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in f"{result} {notes} {rows(database)}"
    assert "channel=1" in cameras["door"].source


@pytest.mark.slow
def test_a_camera_that_comes_back_goes_on(watch):
    walkers = (Walker(5, 40, RED), Walker(60, 95, RED))
    with camera(frames=100, walkers=walkers, pause_at=45, pause=1.0) as server:
        result, notes, _, _ = watch([live(server)], gone=4)
        assert len(server.asked) >= 2
    (door,) = result.cameras
    assert len(door.tracklets) >= 1 and door.frames > 85
    assert door.tracklets[-1].last_frame > 60
    assert len([note for note in notes if "was lost" in note]) == 1


@pytest.mark.slow
def test_frames_are_dropped_and_counted_when_the_detector_is_slow(watch):
    with camera(frames=75, walkers=(Walker(0, 74, RED),)) as server:
        result, notes, _, _ = watch([live(server)], slow=0.1, gone=0.5)
    (door,) = result.cameras
    (note,) = [note for note in notes if "dropped to keep up" in note]
    dropped = int(note.split()[2])
    assert dropped > 10 and 60 <= dropped + door.frames <= 75
    (walk,) = door.tracklets
    assert walk.last_frame < door.frames


@pytest.mark.slow
def test_a_stopped_camera_keeps_what_it_saw(watch):
    with camera(frames=10_000, walkers=(Walker(0, 60, RED),)) as server:
        begun = time.monotonic()
        result, _, _, recordings = watch([live(server)], stop_at=50)
        assert time.monotonic() - begun < 15
    assert result.interrupted
    (door,) = result.cameras
    assert len(door.tracklets) == 1 and door.status == "complete"
    assert recordings["door"].status is RecordingStatus.COMPLETE


def test_a_camera_that_does_not_answer(watch):
    spec = parse_source("http://joe:s3cret@127.0.0.1:9/video", Modality.VISIBLE)
    with pytest.raises(
        SourceError, match=r"The camera http://\*\*\*@127.0.0.1:9/video does not answer\."
    ) as told:
        watch([spec])
    assert "s3cret" not in str(told.value)

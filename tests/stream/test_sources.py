"""What a source is called, where it comes from, and what it shows."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.gallery import Gallery
from reid_core.listing import naturally_ordered
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.config import RunSettings
from stream.footage.naming import SourceSpec, check_distinct, parse_source, redact
from stream.footage.opening import open_source
from stream.footage.sources import sampled_digest
from stream.run.running import run_footage
from tests.support.brightness import RED, SMALL, WARM, Walker, brightness_detector, scene, scenes, write_video
from tests.support.night import Counting


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("rtsp://joe:pass@cam/1?channel=2", "rtsp://***@cam/1?channel=2"),
        ("rtsp://joe:p@ss@cam:554/1", "rtsp://***@cam:554/1"),
        ("http://cam/video?user=joe&password=x&size=2", "http://cam/video?user=***&password=***&size=2"),
        ("rtsp://cam:554/user=admin&pwd=hush&channel=1", "rtsp://cam:554/user=***&pwd=***&channel=1"),
        ("srt://joe:pass@cam", "srt://***@cam"),
        ("http://cam/a@b", "http://cam/a@b"),
        ("/data/a@b.mp4", "/data/a@b.mp4"),
        ("0", "0"),
    ],
)
def test_redact(location, shown):
    assert redact(location) == shown


@pytest.mark.parametrize(
    ("text", "camera", "location"),
    [
        ("door=/data/a.mp4", "door", "/data/a.mp4"),
        ("/data/day 1.mp4", "day 1", "/data/day 1.mp4"),
        ("/data/frames/", "frames", "/data/frames/"),
        ("door=rtsp://u:p@cam/1?a=b", "door", "rtsp://u:p@cam/1?a=b"),
        ("http://cam/video?a=b", None, "http://cam/video?a=b"),
        ("0", "webcam0", "0"),
        ("/dev/video2", "webcam2", "/dev/video2"),
        ("back door=1", "back door", "1"),
    ],
)
def test_parse_source(text, camera, location):
    spec = parse_source(text, Modality.VISIBLE)
    assert spec.location == location and spec.spectrum is Spectrum.VISIBLE
    if camera is not None:
        assert spec.camera == camera


def test_an_existing_file_with_an_equals_sign_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a=b.mp4").touch()
    assert parse_source("a=b.mp4", Modality.VISIBLE).camera == "a=b"


def test_a_live_camera_is_named_after_its_host_whatever_its_password():
    one, other, second = (
        parse_source(f"rtsp://{login}@cam.example/{path}", Modality.INFRARED).camera
        for login, path in (("a:b", 1), ("c:d", 1), ("a:b", 2))
    )
    assert one == other != second and one.startswith("cam.example-")
    assert parse_source("rtsp://cam", Modality.INFRARED).spectrum is Spectrum.THERMAL


def test_a_source_without_a_location_is_refused():
    for text in ("", "door="):
        with pytest.raises(UsageError):
            parse_source(text, Modality.VISIBLE)
    with pytest.raises(UsageError, match="2 sources are called 'a'"):
        check_distinct(["a", "b", "a"])


def test_natural_order():
    names = ["f10.png", "f9.png", "f009b.png", "a.png", "1.png", "10.png", "2.png"]
    ordered = [path.name for path in naturally_ordered(map(Path, names))]
    assert ordered == ["1.png", "2.png", "10.png", "a.png", "f9.png", "f009b.png", "f10.png"]


def test_sampled_digest(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"abc")
    first = sampled_digest(small)
    small.write_bytes(b"abd")
    assert sampled_digest(small) != first
    data = bytearray(9 << 20)
    large.write_bytes(data)
    first = sampled_digest(large)
    for place in (0, len(data) - 1):
        data[place] = 1
        large.write_bytes(data)
        assert sampled_digest(large) != first
        data[place] = 0
    large.write_bytes(data[:-1])
    assert sampled_digest(large) != first


def test_frames_are_the_same_from_wherever_reading_begins(tmp_path):
    path = write_video(tmp_path / "a.mp4", scenes((Walker(0, 59, RED),), 60))
    source = open_source(parse_source(str(path), Modality.VISIBLE), 10, 1, 1)
    whole = list(source.frames(0, threading.Event()))
    later = list(source.frames(37, threading.Event()))
    assert [picture.index for picture in later] == list(range(37, 60)) and len(whole) == source.total == 60
    for one, other in zip(whole[37:], later, strict=True):
        assert one.time_ns == other.time_ns and (one.image == other.image).all()
    assert whole[25].time_ns - source.start_ns == 1_000_000_000


# Folders


def folder_run(folder, database, model, modality=Modality.INFRARED):
    spectrum = Spectrum.THERMAL if modality is Modality.INFRARED else Spectrum.VISIBLE
    spec = SourceSpec("folder", str(folder), modality, spectrum, 0)
    progress = Counting(0, lambda: None)
    with Gallery.open(f"sqlite:///{database}") as gallery:
        settings = RunSettings(detector=SMALL)
        result = run_footage([spec], gallery, brightness_detector(), load_embedder(model), settings, progress)
    return result.cameras[0], progress.notes


def write_raw(folder, frames, bad=()):
    """A 14-bit thermal sequence of one walker."""
    folder.mkdir()
    for index in range(frames):
        path = folder / f"frame{index}.png"
        if index in bad:
            path.write_bytes(b"no picture")
            continue
        picture = scene((Walker(5, 55, WARM),), index, 160, 120)[:, :, 0].astype(np.uint16)
        cv2.imwrite(str(path), 7000 + picture * 9)
    return folder


def test_a_folder_of_raw_thermal_pictures(tmp_path, colour_checkpoint):
    camera, notes = folder_run(write_raw(tmp_path / "raw", 60), tmp_path / "x.db", colour_checkpoint)
    (walk,) = camera.tracklets
    assert camera.status == "complete" and camera.frames == 60 and not notes
    assert (walk.first_frame, walk.last_frame) == (5, 55)


def test_raw_counts_stay_one_channel_until_they_are_looked_at(tmp_path):
    source = open_source(parse_source(str(write_raw(tmp_path / "raw", 4)), Modality.INFRARED), 10, 1, 1)
    four, later = ([*source.frames(first, threading.Event())] for first in (0, 2))
    assert [frame.index for frame in later] == [2, 3]
    for frame in four:
        assert frame.image.shape == (120, 160) and frame.image.dtype == np.uint8
        assert np.array_equal(frame.rgb(), np.dstack([frame.image] * 3))
    assert all(np.array_equal(one.image, other.image) for one, other in zip(four[2:], later, strict=True))


def test_a_bad_picture_among_good_ones(tmp_path, colour_checkpoint):
    folder = write_raw(tmp_path / "raw", 60, bad=(20, 25, 40))
    camera, (note,) = folder_run(folder, tmp_path / "x.db", colour_checkpoint)
    assert camera.status == "partial" and camera.frames == 60
    assert "frame20.png is in no known image format" in note and "(2 more like it)" in note
    (walk,) = camera.tracklets
    assert (walk.first_frame, walk.last_frame) == (5, 55)
    assert not {20, 25, 40} & set(walk.frames.tolist())


@pytest.mark.slow
def test_pictures_whose_size_changes_midway(tmp_path, colour_checkpoint):
    # A visible camera without any colour would count as near infrared.
    for modality, shade in ((Modality.VISIBLE, RED), (Modality.INFRARED, WARM)):
        folder = tmp_path / f"{modality}"
        folder.mkdir()
        for index in range(100):
            size = (160, 120) if index < 50 else (320, 240)
            walkers = (Walker(5, 35, shade), Walker(60, 95, shade))
            cv2.imwrite(str(folder / f"{index}.png"), scene(walkers, index, *size))
        database = tmp_path / f"{modality}.db"
        camera, _ = folder_run(folder, database, colour_checkpoint, modality)
        assert [(one.first_frame, one.last_frame) for one in camera.tracklets] == [(5, 35), (60, 95)]
        assert camera.status == "complete"


def test_a_folder_of_bad_pictures_alone(tmp_path, colour_checkpoint):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/1.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"1\.png is in no known image format"):
        folder_run(tmp_path / "bad", tmp_path / "x.db", colour_checkpoint)

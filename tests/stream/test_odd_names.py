"""Recordings and folders of images under the names that people and cameras give them."""

import json
import os
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from console.report import write_report
from reid_core.errors import SourceError
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.chain.config import RunSettings
from stream.footage.naming import parse_source
from stream.footage.opening import open_source
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import publish
from stream.run.export import to_json
from stream.run.running import run_footage
from tests.support.brightness import RED, SMALL, Walker, brightness_detector, scene, scenes, write_video
from tests.support.names import named
from tests.support.night import Counting

NAMES = {
    b"gate:08.mp4": ("gate:08", "gate:08.mp4"),
    b"2026-11-20T08:00:00Z.mp4": ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z.mp4"),
    b"http:gate.mp4": ("http:gate", "http:gate.mp4"),
    b"entr\xe9e.mp4": (r"entr\xe9e", r"entr\xe9e.mp4"),
    b"d\xe9p\xf4t/gate.mp4": ("gate", r"d\xe9p\xf4t/gate.mp4"),
    b"entr\xc3\xa9e %03d.mp4": ("entrée %03d", "entrée %03d.mp4"),
    b"two\nlines.mp4": (r"two\x0alines", r"two\x0alines.mp4"),
}
FIRST_NS = 1_763_625_600_200_000_000


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder to be in: names are given relative to it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def walk(module_tmp):
    """A video of somebody in frames 5 to 35 of 40."""
    return write_video(module_tmp("walk") / "walk.mp4", scenes((Walker(5, 35, RED),), 40))


def run(sources, model, **settings):
    progress = Counting(0, lambda: None)
    specs = [parse_source(source, Modality.VISIBLE) for source in sources]
    with Gallery.open("sqlite:///x.db") as gallery:
        result = run_footage(
            specs,
            gallery,
            brightness_detector(),
            load_embedder(model),
            RunSettings(detector=SMALL, **settings),
            progress,
        )
        stored = gallery.recordings()
    return result, stored, progress.notes


def pictures(folder, names, first=5):
    """A folder of pictures in which somebody walks."""
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        encoded = cv2.imencode(".png", scene((Walker(first, len(names) - 1, RED),), index, 160, 120))[1]
        (folder / name).write_bytes(encoded.tobytes())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_video_is_read_and_named_everywhere(name, walk, colour_checkpoint, missing):
    path = named(name, missing)
    shutil.copy(walk, path)
    result, (stored,), _ = run([str(path)], colour_checkpoint)
    camera, source = NAMES[name]
    (found,) = result.cameras
    assert (found.id, found.source, found.status, found.frames) == (camera, source, "complete", 40)
    assert (stored.camera, stored.source) == (camera, source)
    (tracklet,) = found.tracklets
    assert (tracklet.first_frame, tracklet.last_frame) == (5, 35)
    text = json.dumps(to_json(result), ensure_ascii=False)
    assert json.loads(text.encode())["cameras"][0]["source"] == source
    write_report(result, Path("report.html"), datetime.now(UTC))
    assert camera in Path("report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_so_is_what_is_published(name, walk, fake_kafka, missing):
    path = named(name, missing)
    shutil.copy(walk, path)
    spec = parse_source(str(path), Modality.VISIBLE)
    result = publish(with_sources(PublishSettings(), [spec]), threading.Event())
    assert result.complete
    camera, source = NAMES[name]
    *frames, _ = fake_kafka.of(camera)
    assert len(frames) == 40 and frames[0].stream.source == source


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_one_is_one_sentence(name, missing):
    path = named(name, missing)
    path.write_bytes(b"no video" * 50)
    with pytest.raises(SourceError) as caught:
        open_source(parse_source(str(path), Modality.VISIBLE), 10, 1, 1)
    assert os.fsencode(path.name).decode("utf-8", "backslashreplace") in caught.value.message


def test_a_folder_of_bytes_that_are_no_utf8(colour_checkpoint, fake_kafka, missing):
    folder = named(b"entr\xe9e", missing, folder=True)
    pictures(folder, [os.fsdecode(b"\xe9t\xe9%d.png" % number) for number in range(30)])
    (folder / os.fsdecode(b"\xe9t\xe930.png")).write_bytes(b"no picture")
    result, (stored,), notes = run([str(folder)], colour_checkpoint)
    (found,) = result.cameras
    assert stored.camera == found.id == r"entr\xe9e" and found.status == "partial" and found.frames == 30
    assert [(one.first_frame, one.last_frame) for one in found.tracklets] == [(5, 29)]
    (note,) = notes
    assert note.startswith(r"The image entr\xe9e/\xe9t\xe930.png is in no known image format")
    assert found.message == stored.message == note
    publish(with_sources(PublishSettings(), [parse_source(str(folder), Modality.VISIBLE)]), threading.Event())
    *frames, end = fake_kafka.of(found.id)
    assert len(frames) == 30 and end.problem == note


@pytest.mark.slow
def test_names_that_are_no_utf8_are_told_apart(walk, colour_checkpoint, missing):
    for name in (b"\xe9.mp4", b"\xe8.mp4", b"\\xe9.mp4"):
        shutil.copy(walk, named(name, missing))
    result, *_ = run([os.fsdecode(b"\xe9.mp4"), os.fsdecode(b"\xe8.mp4"), r"\xe9.mp4"], colour_checkpoint)
    assert {camera.id for camera in result.cameras} == {r"\xe9", r"\xe8", r"\x5cxe9"}


@pytest.mark.slow
def test_a_folder_whose_name_is_a_number_is_no_webcam(colour_checkpoint):
    pictures(Path("0800"), [f"{number}.png" for number in range(20)])
    result, *_ = run(["0800"], colour_checkpoint)
    assert [(camera.id, camera.frames) for camera in result.cameras] == [("0800", 20)]
    assert parse_source("0801", Modality.VISIBLE).live


# Seconds as Python prints them: sorted as words, many are out of order.
CLOCK = [f"{1763625600 + (2 + number) / 10!r}.png" for number in range(30)]


def test_names_that_are_times_are_capture_times(colour_checkpoint, fake_kafka):
    folder = pictures(Path("gate"), CLOCK)
    result, (stored,), notes = run([str(folder)], colour_checkpoint)
    (found,) = result.cameras
    (walk,) = found.tracklets
    assert found.start_ns == stored.start_ns == FIRST_NS and found.fps == pytest.approx(10)
    # Decimal, and not what a float makes of it.
    assert (walk.first_ns, walk.last_ns) == (FIRST_NS + 500_000_000, FIRST_NS + 2_900_000_000)
    told = (
        "gate: capture times are taken from the names of its images, which are seconds since 1970: "
        "the first is 2025-11-20T08:00:00.200Z."
    )
    assert notes == list(result.warnings) == [told]
    write_report(result, Path("report.html"), datetime.now(UTC))
    assert told in Path("report.html").read_text(encoding="utf-8")
    plans = with_sources(PublishSettings(), [parse_source(str(folder), Modality.VISIBLE)])
    progress = Told()
    publish(plans, threading.Event(), progress)
    *frames, _ = fake_kafka.of("gate")
    assert [frame.capture_ns - FIRST_NS for frame in frames] == [number * 10**8 for number in range(30)]
    assert progress.notes == [told]


class Told:
    """Remembers sentences."""

    def __init__(self):
        self.notes = []

    def update(self, status):
        pass

    def note(self, text):
        self.notes.append(text)


def test_a_start_that_is_given_wins_and_distances_are_those_of_the_names():
    folder = pictures(Path("gate"), [*CLOCK, "1763625610.5.png"])
    spec = parse_source(str(folder), Modality.VISIBLE)
    source = open_source(type(spec)(spec.camera, spec.location, spec.modality, spec.spectrum, 5), 25, 1, 1)
    times = [picture.time_ns for picture in source.frames(0, threading.Event())]
    assert times == [5 + number * 10**8 for number in range(30)] + [5 + 10_300_000_000]
    (note,) = source.notes
    assert note.endswith("the start is the one given.")


def test_a_gallery_of_before_keeps_its_start_and_says_so(colour_checkpoint, monkeypatch):
    folder = pictures(Path("gate"), CLOCK)
    with monkeypatch.context() as before:
        before.setattr("stream.footage.folders.times_of_names", lambda files: None)
        first, *_ = run([str(folder)], colour_checkpoint)
    after, _, notes = run([str(folder)], colour_checkpoint)
    assert after.cameras[0].start_ns == first.cameras[0].start_ns != FIRST_NS
    (note,) = notes
    assert "is stored with another start" in note


@pytest.mark.slow
def test_links_are_followed_and_what_is_not_read_is_told(colour_checkpoint, tmp_path):
    pictures(tmp_path / "elsewhere", [f"{number}.png" for number in range(30)])
    gate = tmp_path / "gate"
    gate.mkdir()
    for number in range(30):
        (gate / f"{number}.png").symlink_to(tmp_path / f"elsewhere/{number}.png")
    (gate / "30.png").symlink_to(tmp_path / "nowhere.png")
    (gate / "inside").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "linked").symlink_to(gate)
    result, _, notes = run(["linked"], colour_checkpoint)
    (found,) = result.cameras
    assert (found.frames, found.status, len(found.tracklets)) == (30, "partial", 1)
    assert notes == [
        "gate: 30 images in the folders inside of linked are not read: name each folder as a source.",
        "The image linked/30.png does not exist.",
    ]
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer/inner").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match=r"holds no images.*30 images in the folders inside"):
        open_source(parse_source("outer", Modality.VISIBLE), 10, 1, 1)

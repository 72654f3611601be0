"""Wrong input at the command line: one clear sentence, a status that is not zero, and nothing lost."""

import hashlib
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, command_environment
from tests.support.brightness import scene, scenes, write_video
from tests.support.files import cut_from, faststart, png, truncated
from tests.support.night import count, rows

pytestmark = pytest.mark.footage


@pytest.fixture
def command(command, tmp_path, monkeypatch):
    """The command in this process and in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command


@pytest.fixture
def run(command, footage):
    """`nightreid run` with the fast detector."""
    return lambda *more: command("run", "--detector", footage["detector"], "--db", "sqlite:///x.db", *more)


@pytest.fixture(scope="module")
def visit(footage, module_tmp):
    """One of the day's visits, small."""
    return cut_from(footage["day"], module_tmp("visit") / "visit.mp4", 50, 200, 320)


@pytest.fixture
def video(tmp_path):
    """A video in which nobody is."""
    return write_video(tmp_path / "empty.mp4", scenes((), 60))


# Sources


def test_a_missing_file(run):
    assert run("--visible", "nowhere.mp4").error("source") == "The source nowhere.mp4 does not exist."
    assert not Path("x.db").exists()


def test_a_text_file_called_mp4(run):
    Path("day.mp4").write_text("This is no video.\n" * 100)
    sentence = run("--visible", "day.mp4").error("source")
    assert sentence == "The file day.mp4 is not a video that can be decoded: damaged, cut short or no video."


def test_an_empty_file_and_an_empty_folder(run, tmp_path):
    Path("day.mp4").touch()
    assert "day.mp4 is not a video" in run("--visible", "day.mp4").error("source")
    (tmp_path / "folder").mkdir()
    assert run("--visible", "folder").error("source") == "The folder folder holds no images."


def test_a_video_whose_index_is_cut_off(run, video):
    truncated(video, Path("cut.mp4"))
    assert "cut.mp4 is not a video that can be decoded" in run("--visible", "cut.mp4").error("source")


@pytest.mark.parametrize("kind", ["mp4", "avi"])
def test_a_truncated_video_gives_what_it_has(run, visit, kind):
    if kind == "mp4":
        whole = faststart(visit, Path("whole.mp4"))
    else:
        pictures = (scene((), index) for index in range(100))
        whole = write_video(Path("whole.avi"), pictures, codec="MJPG")
    truncated(whole, Path(f"cut.{kind}"), 0.8)
    found = run("--visible", f"cut.{kind}", "--report", "x.html", "--json")
    assert found.status == 1 and "Traceback" not in found.err
    said = re.search(rf"The video cut.{kind} ends after (\d+) of (\d+) frames", found.err)
    assert said and 50 < int(said[1]) < int(said[2])
    (camera,) = json.loads(found.out)["cameras"]
    assert camera["status"] == "partial" and camera["frames"] == int(said[1])
    assert len(camera["tracklets"]) == (kind == "mp4")
    assert "ends after" in Path("x.html").read_text()
    again = run("--visible", f"cut.{kind}")
    assert again.status == 1 and said[0] in again.err


def test_a_good_and_a_bad_source(run, visit):
    """The good one is read and written, the report made, the bad one shown in it."""
    Path("bad.mp4").write_text("no video")
    found = run("--visible", visit, "--infrared", "bad.mp4", "--report", "x.html", "--json", "--mot", "mot")
    assert found.status == 1 and "Traceback" not in found.err
    assert "The file bad.mp4 is not a video that can be decoded" in found.err
    good, bad = json.loads(found.out)["cameras"]
    assert (good["id"], good["status"], len(good["tracklets"])) == ("visit", "complete", 1)
    assert (bad["id"], bad["status"], bad["frames"]) == ("bad", "failed", 0)
    assert "bad.mp4" in Path("x.html").read_text()
    assert "visit.txt" in {file.name for file in Path("mot").iterdir()}
    assert count("x.db", "tracklets") == 1


def test_two_bad_sources(run):
    for name in ("a.mp4", "b.mp4"):
        Path(name).write_text("no video")
    found = run("--visible", "a.mp4", "--visible", "b.mp4")
    assert "a.mp4" in found.error("source") and "The file b.mp4" in found.err


def test_a_picture_of_one_pixel(run, command, footage, tmp_path):
    (tmp_path / "tiny").mkdir()
    png(tmp_path / "tiny/1.png", 1, 1)
    assert "1 x 1 pixels: too small" in run("--visible", "tiny").error("source")
    assert "1 x 1 pixels: too small" in run("--visible", "tiny/1.png").error("source")
    detect = ("detect", "tiny/1.png", "--modality", "visible", "--out", "F.json")
    assert "1 x 1 pixels: too small" in command(*detect, "--detector", footage["detector"]).error("source")
    assert not Path("F.json").exists()
    embedded = command("embed", "tiny", "--modality", "visible", "--out", "F.npz")
    assert embedded.error("source") == "1 of 1 images could not be used; F.npz holds none."
    assert "1 x 1 pixels: too small" in embedded.err
    assert len(np.load("F.npz")["feat"]) == 0


def test_a_picture_of_thirty_thousand_by_thirty_thousand(run, command, footage, tmp_path):
    (tmp_path / "huge").mkdir()
    png(tmp_path / "huge/1.png", 30_000, 30_000)
    detect = (
        "detect",
        "huge",
        "--modality",
        "infrared",
        "--out",
        "F.json",
        "--detector",
        footage["detector"],
    )
    embed = ("embed", "huge", "--modality", "visible", "--out", "F.npz")
    calls = (
        lambda: run("--visible", "huge"),
        lambda: run("--infrared", "huge/1.png"),
        lambda: command(*detect),
        lambda: command(*embed),
    )
    for call in calls:
        call()  # loads what there is to load
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    for call in calls:
        found = call()
        assert found.error("source")
        assert ": more than 100 megapixels" in found.err
    assert _memory("VmHWM") - before < 400_000, "kilobytes; its pixels are 900,000"


def _memory(name):
    return int(re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


def test_a_huge_picture_called_mp4(run):
    png(Path("huge.mp4"), 30_000, 30_000)
    run("--visible", "huge.mp4")
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    assert run("--visible", "huge.mp4").error("source")
    assert _memory("VmHWM") - before < 400_000


# Options and configuration


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--visibel", "a.mp4"], "No such option: --visibel"),
        ([], "There is nothing to read."),
        (["--visible", "{video}", "--start", "empty=yesterday"], "'yesterday' is not a time"),
        (["--visible", "{video}", "--start", "empty=2026-01-01T00:00:00"], "the time has no zone"),
        (["--visible", "{video}", "--start", "other=2026-01-01T00:00:00Z"], "no source is called 'other'"),
        (["--visible", "{video}", "--infrared", "{video}"], "2 sources are called 'empty'"),
        (["--visible", ""], "names no file, folder or camera"),
    ],
)
def test_bad_options(run, video, options, words):
    found = run(*[option.format(video=video) for option in options])
    assert words in found.error("usage") and found.status == 2


def test_no_command_and_an_unknown_one(command):
    nothing = command()
    assert nothing.status == 2 and "Usage: nightreid" in nothing.out + nothing.err
    assert "error[" not in nothing.err
    assert "No such command 'rum'" in command("rum").error("usage")


@pytest.mark.parametrize("way", ["file", "set", "environment"])
def test_an_unknown_key(run, video, way, monkeypatch):
    Path("c.yaml").write_text("tracker:\n  lost_second: 3\n")
    options = {"file": ["--config", "c.yaml"], "set": ["--set", "tracker.lost_second=3"]}
    if way == "environment":
        monkeypatch.setenv("NIGHTREID_TRACKER__LOST_SECOND", "3")
    found = run("--visible", video, *options.get(way, []))
    assert "Unknown configuration key 'tracker.lost_second'" in found.error("config")
    assert "Did you mean 'tracker.lost_seconds'?" in found.err and found.status == 2


# Models


@pytest.fixture
def small_checkpoint(tmp_path):
    """A checkpoint as training writes it, untrained."""
    import torch

    from reid_core.models.backbones import default_preprocess
    from reid_core.models.checkpoint import save_checkpoint
    from reid_core.models.dual_stream.network import create_dual_stream

    model = create_dual_stream("resnet18", embedding=8, classes=2, generator=torch.Generator().manual_seed(1))
    preprocess = default_preprocess("resnet18", height=64, width=32)
    save_checkpoint(
        tmp_path / "model", model.eval(), name="small", preprocess=preprocess, label_map=["a", "b"]
    )
    return tmp_path / "model"


def test_the_model_of_another_gallery(run, visit, colour_checkpoint):
    assert run("--visible", visit, "--reid", colour_checkpoint).status == 0
    before = rows("x.db")
    found = run("--visible", visit)
    assert "The gallery holds vectors of model" in found.error("model-mismatch")
    assert "nightreid reembed" in found.err
    assert rows("x.db") == before


def test_a_checkpoint_with_a_missing_key(run, visit, small_checkpoint):
    from safetensors.torch import load_file, save_file

    weights = small_checkpoint / "weights.safetensors"
    tensors = load_file(weights)
    gone = sorted(tensors)[0]
    save_file({key: tensor for key, tensor in tensors.items() if key != gone}, weights)
    damaged = run("--visible", visit, "--reid", small_checkpoint).error("model")
    assert "its content is not what model.json describes" in damaged
    # Also where the digest fits.
    manifest = json.loads((small_checkpoint / "model.json").read_text())
    manifest["digest"] = {weights.name: hashlib.sha256(weights.read_bytes()).hexdigest()}
    (small_checkpoint / "model.json").write_text(json.dumps(manifest))
    assert f"lacks 1 tensor: {gone}" in run("--visible", visit, "--reid", small_checkpoint).error("model")


def test_a_checkpoint_with_a_flipped_byte(run, visit, small_checkpoint):
    weights = small_checkpoint / "weights.safetensors"
    flipped = bytearray(weights.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    weights.write_bytes(flipped)
    assert run("--visible", visit, "--reid", small_checkpoint).error("model")


def test_models_that_are_not_there_or_are_none(command, run, visit):
    missing = command("run", "--visible", visit, "--detector", "no/such.pt", "--db", "sqlite:///x.db")
    assert missing.error("model") == "The detector no/such.pt does not exist."
    Path("bad.pt").write_bytes(b"no weights")
    bad = command("run", "--visible", visit, "--detector", "bad.pt", "--db", "sqlite:///x.db")
    assert "The detector bad.pt " in bad.error("model")
    assert run("--visible", visit, "--reid", "nowhere").error("model")


def test_a_damaged_detector_folder(command, visit, footage):
    shutil.copytree(footage["detector"], "folder")
    (weights,) = Path("folder").glob("*.bin")
    truncated(weights, weights)
    found = command("run", "--visible", visit, "--detector", "folder", "--db", "sqlite:///x.db")
    assert found.error("model")


# Databases and disks


def test_a_database_of_a_newer_version(run, video):
    assert run("--visible", video).status == 0
    with sqlite3.connect("x.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "written by a newer version of nightreid" in run("--visible", video).error("gallery-newer")


def test_a_database_that_is_none(command, footage, video):
    Path("x.db").write_text("hello " * 1000)
    sentence = command("run", "--visible", video, "--detector", footage["detector"], "--db", "sqlite:///x.db")
    assert "is not a gallery database" in sentence.error("gallery")
    odd = command("run", "--visible", video, "--detector", footage["detector"], "--db", "gallery.db")
    assert "The database address is not valid." in odd.error("usage")


def test_a_camera_of_the_other_modality(run, visit):
    assert run("--visible", visit).status == 0
    before = rows("x.db")
    assert "knows camera 'visit' as visible" in run("--infrared", visit).error("gallery")
    assert rows("x.db") == before


@pytest.mark.parametrize("below", ["file", "proc", "readonly"])
@pytest.mark.parametrize("what", ["db", "report", "mot", "out"])
def test_a_place_that_cannot_be_written(command, footage, video, below, what, request):
    Path("file").touch()
    if below == "readonly":
        place = request.getfixturevalue("read_only_folder")
    else:
        place = {"file": Path("file"), "proc": Path("/proc")}[below]
    if what == "out":
        options = ["detect", video, "--modality", "visible", "--out", place / "x.json"]
    else:
        options = ["run", "--visible", video, "--db", "sqlite:///x.db"]
        options += [f"--{what}", f"sqlite:///{place}/x.db" if what == "db" else place / "x"]
    found = command(*options, "--detector", footage["detector"])
    assert str(place) in found.error("storage")
    # Told before the work: nothing was processed in vain.
    assert not Path("x.db").exists() or count("x.db", "tracklets") == 0


@pytest.fixture
def read_only_folder(tmp_path):
    """A folder on a disk mounted read-only; undone afterwards."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_under_the_report(run, visit):
    found = run("--visible", visit, "--report", "/dev/full")
    assert "/dev/full cannot be written: No space left on device" in found.error("storage")
    assert count("x.db", "tracklets") == 1
    assert Path("/dev/full").is_char_device()


def test_a_full_disk_under_the_output(footage, visit, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "console.cli", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=command_environment(),
        )
    assert done.returncode == 1 and "error[storage]: The disk is full." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_under_the_database(nightreid, footage, visit, tmp_path):
    """What was committed stays, and once there is room the run goes on to the same rows."""
    options = ["run", "--visible", f"a={visit}", "--detector", footage["detector"], "--json"]
    whole = nightreid(*options, "--db", "sqlite:///whole.db", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    limit = Path(tmp_path / "whole.db").stat().st_size - 4096
    done = nightreid(
        *options,
        *("--db", "sqlite:///x.db"),
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "error[storage]: " in done.stderr
    again = nightreid(*options, "--db", "sqlite:///x.db", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert rows(tmp_path / "x.db") == rows(tmp_path / "whole.db")


# The machine


@pytest.mark.parametrize(
    "command_line", ["run --visible a.mp4", "detect a.mp4 --modality visible --out F.json"]
)
def test_a_machine_without_libgl(nightreid, tmp_path, command_line):
    (tmp_path / "broken/cv2").mkdir(parents=True)
    (tmp_path / "broken/cv2/__init__.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    )
    path = os.pathsep.join([str(tmp_path / "broken"), str(ROOT)])
    done = nightreid(*command_line.split(), cwd=tmp_path, environment={"PYTHONPATH": path})
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "OpenCV needs the system library libGL.so.1" in done.stderr
    assert "apt-get install libgl1" in done.stderr


# What is written when all is well


def test_json_alone_on_the_output(run, visit):
    found = run("--visible", f"gate={visit}", "--start", "gate=2026-01-02T03:04:05+01:00", "--json")
    result = json.loads(found.out)
    assert found.status == 0
    (camera,) = result["cameras"]
    assert camera["id"] == "gate" and camera["start"].startswith("2026-01-02T02:04:05")
    assert camera["tracklets"][0]["last_frame"] - camera["tracklets"][0]["first_frame"] > 80


def test_mot_files(run, visit):
    assert run("--visible", visit, "--mot", "deep/mot").status == 0
    lines = [line.split(",") for line in Path("deep/mot/visit.txt").read_text().splitlines()]
    assert len(lines) > 80 and {line[1] for line in lines} == {"1"}
    frames = [int(line[0]) for line in lines]
    assert frames == sorted(frames) and frames[0] >= 1


@pytest.mark.parametrize("kind", ["image", "folder", "video"])
def test_detect_writes_coco(command, footage, visit, kind, tmp_path):
    (tmp_path / "pictures").mkdir()
    reader = cv2.VideoCapture(str(visit))
    for index in range(80):
        _, picture = reader.read()
        if index in (60, 70, 79):
            cv2.imwrite(f"pictures/{index}.png", picture)
    source = {"image": "pictures/70.png", "folder": "pictures", "video": visit}[kind]
    found = command(
        "detect", source, "--modality", "visible", "--out", "F.json", "--detector", footage["detector"]
    )
    assert found.status == 0, found.err
    result = json.loads(Path("F.json").read_text())
    assert len(result["images"]) == {"image": 1, "folder": 3, "video": 150}[kind]
    assert result["categories"] == [{"id": 1, "name": "person"}]
    ids = [image["id"] for image in result["images"]]
    assert len(set(ids)) == len(ids) and {one["image_id"] for one in result["annotations"]} <= set(ids)
    assert [one["id"] for one in result["annotations"]] == list(range(1, len(result["annotations"]) + 1))
    assert len(result["annotations"]) >= len(ids) * 0.5
    for one in result["annotations"]:
        left, top, width, height = one["bbox"]
        assert left >= 0 and top >= 0 and width > 0 and height > 0 and left + width <= 321
        assert one["category_id"] == 1 and 0 < one["score"] <= 1


def test_detect_tells_of_a_bad_picture_and_writes_the_others(command, footage, visit):
    Path("pictures").mkdir()
    Image.new("RGB", (320, 240)).save("pictures/1.png")
    Path("pictures/2.png").write_bytes(b"no picture")
    found = command(
        "detect", "pictures", "--modality", "visible", "--out", "F.json", "--detector", footage["detector"]
    )
    assert "pictures/2.png is in no known image format" in found.error("source")
    assert [image["file_name"] for image in json.loads(Path("F.json").read_text())["images"]] == ["1.png"]


def test_detect_keeps_what_it_has_when_it_is_interrupted(command, footage, visit, monkeypatch):
    from detectors.detector import PersonDetector

    real, calls = PersonDetector.detect, []

    def detect(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(PersonDetector, "detect", detect)
    found = command(
        "detect", visit, "--modality", "visible", "--out", "F.json", "--detector", footage["detector"]
    )
    assert found.status == 130 and "Interrupted" in found.err
    assert len(json.loads(Path("F.json").read_text())["images"]) == 16


def test_a_truth_folder_that_is_not_there(run, video):
    assert "there is no such folder" in run("--visible", video, "--truth", "nowhere").error("usage")

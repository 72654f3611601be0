"""Ultralytics on our terms: what it would load, install, send, write and print is kept from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reid_core.errors import ModelError

ROOT = Path(__file__).parents[2]

WATCH = """
import json, os, sys
events = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.fork"):
        events.append([event, repr(arguments)])
    elif event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not arguments[0].startswith("/dev/"):
            events.append([event, os.path.abspath(arguments[0])])
    elif event == "os.mkdir":
        events.append([event, os.path.abspath(str(arguments[0]))])
sys.addaudithook(watch)
"""


def process(code, folder, **environment):
    """Run code in a fresh interpreter whose home, cache and working folder are under ``folder``."""
    places = {name: folder / name for name in ("home", "cache", "here")}
    for place in places.values():
        place.mkdir(exist_ok=True)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("YOLO_", "ULTRALYTICS_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=places["here"],
        env=clean
        | {"HOME": str(places["home"]), "NIGHTREID_CACHE": str(places["cache"]), "PYTHONPATH": str(ROOT)}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


EVIL = """
import pathlib, torch
from detectors.detector import PersonDetector
from reid_core.errors import ModelError
class Evil:
    def __reduce__(self):
        import os
        return (os.system, ("touch ran",))
torch.save({"model": Evil()}, "evil.pt")
try:
    PersonDetector.open("evil.pt")
    print("opened")
except ModelError as error:
    print("ran" if pathlib.Path("ran").exists() else "refused")
"""


@pytest.mark.slow
@pytest.mark.parametrize("earlier", ["", "import ultralytics\n", "from ultralytics import YOLO\n"])
def test_safe_loading_holds_whoever_imported_ultralytics_first(earlier, tmp_path):
    done = process(earlier + EVIL, tmp_path, ULTRALYTICS_SAFE_LOAD="0")
    assert done.stdout.splitlines()[-1] == "refused"


def test_nothing_is_installed_and_nothing_sent_even_if_it_was_imported_first():
    import ultralytics.utils
    from ultralytics.nn import tasks
    from ultralytics.utils import checks

    from detectors.ultralytics_package import quiet_ultralytics

    tasks.SAFE_LOAD, checks.AUTOINSTALL = False, True
    dict.__setitem__(ultralytics.utils.SETTINGS, "sync", True)
    quiet_ultralytics()
    assert tasks.SAFE_LOAD
    assert not checks.AUTOINSTALL
    assert not ultralytics.utils.SETTINGS["sync"]
    assert not checks.check_requirements("a-package-that-nobody-has-written")


def test_a_file_that_is_no_picture_is_still_said_to_be_none(tmp_path):
    from PIL import Image, UnidentifiedImageError

    from detectors.ultralytics_package import quiet_ultralytics

    quiet_ultralytics()
    (tmp_path / "x.jpg").write_text("no picture")
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "x.jpg")


@pytest.mark.slow
def test_with_a_detector_there_it_touches_opencv_no_more(tmp_path):
    # Its import takes OpenCV's threads away, which kills a process where another thread is at work with them.
    code = """
import cv2
from detectors.config import LookSettings, TrackerSettings
from detectors.detector import PersonDetector
from detectors.tracking import CameraTracker
from reid_core.types import Modality
with PersonDetector.open():
    told = []
    cv2.setNumThreads = told.append
    CameraTracker("r", "a", Modality.VISIBLE, 10, TrackerSettings(), LookSettings())
print(told)
"""
    assert process(code, tmp_path).stdout == "[]\n"


@pytest.mark.footage
@pytest.mark.parametrize("weights", ["yolo11n_from_int8/yolo11n.pt", "yolo11n_int8_openvino_model"])
def test_looking_and_tracking_touch_nothing_outside_the_cache(weights, shared, tmp_path):
    code = f"""{WATCH}
import numpy as np
from detectors.config import LookSettings, TrackerSettings
from detectors.detector import PersonDetector
from detectors.tracking import CameraTracker
from reid_core.types import Frame, Modality
frame = Frame("a", Modality.VISIBLE, 0, 0, np.zeros((120, 160, 3), np.uint8))
with PersonDetector.open({str(shared / "weights" / weights)!r}) as detector:
    found = detector.detect([frame])[0]
CameraTracker("r", "a", Modality.VISIBLE, 10, TrackerSettings(), LookSettings()).update(0, 0, found, frame)
print(json.dumps(events))
"""
    done = process(code, tmp_path)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    inside = (str(tmp_path / "cache"), "/tmp/", "/proc/self")
    outside = [
        event
        for event in json.loads(done.stdout)
        # Finding a shared library asks the linker.
        if not event[1].startswith(inside) and "ldconfig" not in event[1]
    ]
    assert outside == []
    assert not any((tmp_path / "here").iterdir())
    assert not any((tmp_path / "home").iterdir())


@pytest.mark.slow
def test_a_published_name_without_a_network(tmp_path):
    code = """
from detectors.detector import PersonDetector
from reid_core.errors import ModelError
try:
    PersonDetector.open("yolo11n.pt")
except ModelError as error:
    print(error)
"""
    nowhere = "http://127.0.0.1:9"
    done = process(code, tmp_path, HTTPS_PROXY=nowhere, https_proxy=nowhere, HTTP_PROXY=nowhere, NO_PROXY="")
    assert done.stdout.startswith("The detector yolo11n.pt is not a file here and could not be downloaded.")
    assert done.stderr == ""
    assert not any((tmp_path / "here").iterdir())
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.suffix in (".pt", ".part")]


def test_published_weights_are_kept_in_the_cache(tmp_path, monkeypatch):
    from ultralytics.utils import downloads

    from detectors.ultralytics_package import published_weights

    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path))
    fetched = []

    def fetch(file, **_):
        fetched.append(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")
        return str(file)

    monkeypatch.setattr(downloads, "attempt_download_asset", fetch)
    assert published_weights("yolo11n.pt") == published_weights("yolo11n.pt") == fetched[0]
    assert len(fetched) == 1
    assert fetched[0].is_relative_to(tmp_path)
    with pytest.raises(ModelError, match="neither a file here nor published") as caught:
        published_weights("yolo11nn.pt")
    assert "yolo11n.pt" in caught.value.hint

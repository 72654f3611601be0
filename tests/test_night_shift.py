"""The main job on real footage, as a user runs it: what it must find, and that it finds it once."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.footage, pytest.mark.slow]

# Who is where at night, by hand: frame, x and y of the middle of the person, pixels.
WALKED = {
    0: [(0, 1, 78), (33, 14, 78), (66, 32, 76), (99, 48, 74), (132, 59, 73), (165, 61, 73), (283, 60, 73)],
    284: [(284, 86, 70), (649, 86, 70)],
    650: [(650, 79, 58), (680, 68, 60), (715, 53, 60), (745, 41, 65), (760, 36, 65), (782, 30, 66)],
}
MODELS = {
    "starter": lambda shared: (),
    "public": lambda shared: (
        *("--detector", str(shared / "weights/yolo11n_int8_openvino_model")),
        *("--reid", "imagenet"),
    ),
}
DAY_VISITS = [(62, 196), (231, 446), (507, 699), (745, 866), (925, 1197), (1235, 1358)]


def _run(shared, folder, models):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "console.cli", "run"),
            *("--visible", str(shared / "data/day_visible/one_by_one.mp4")),
            *("--infrared", str(shared / "data/night_thermal/walkers.mp4")),
            *MODELS[models](shared),
            *("--db", "sqlite:///x.db", "--report", "x.html", "--mot", "mot", "--json"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _counts(folder):
    database = sqlite3.connect(folder / "x.db")
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


@pytest.fixture(scope="module", params=list(MODELS))
def shift(shared, module_tmp, request):
    folder = module_tmp("shift")
    return _run(shared, folder, request.param), _counts(folder), folder


@pytest.fixture
def models(request):
    """Which models made `shift`."""
    return request.node.callspec.params["shift"]


def _camera(found, name):
    [camera] = [camera for camera in found["cameras"] if camera["id"] == name]
    return camera


def _rows(folder, camera):
    return np.loadtxt(folder / "mot" / f"{camera}.txt", delimiter=",")


def test_the_six_visits_of_the_day_are_six_tracklets(shift):
    found, _, _ = shift
    tracklets = _camera(found, "one_by_one")["tracklets"]
    spans = [(one["first_frame"], one["last_frame"]) for one in tracklets]
    assert len(spans) == len(DAY_VISITS)
    for (first, last), (came, left) in zip(spans, DAY_VISITS, strict=True):
        assert abs(first - came) <= 8 and abs(last - left) <= 8
    for one in tracklets:
        assert one["length"] >= 0.95 * (one["last_frame"] - one["first_frame"] + 1)


@pytest.mark.parametrize(("first", "last", "share"), [(30, 260, 0.80), (290, 630, 0.95), (680, 782, 0.90)])
def test_the_one_person_of_the_night_is_found(shift, first, last, share):
    _, _, folder = shift
    frames = {int(frame) - 1 for frame in _rows(folder, "walkers")[:, 0]}
    assert len(frames & set(range(first, last + 1))) >= share * (last - first + 1)


def test_nobody_else_is_found_at_night(shift):
    found, _, folder = shift
    assert len(_camera(found, "walkers")["tracklets"]) <= 4
    rows = _rows(folder, "walkers")
    assert max(Counter(rows[:, 0]).values()) == 1
    for frame, _, left, top, width, height, *_ in rows:
        shot = max(start for start in WALKED if start <= frame - 1)
        frames, xs, ys = zip(*WALKED[shot], strict=True)
        x, y = np.interp(frame - 1, frames, xs), np.interp(frame - 1, frames, ys)
        assert left - 6 <= x <= left + width + 6, (frame, left, width, x)
        assert top - 6 <= y <= top + height + 6, (frame, top, height, y)
        assert width < 30 and height < 60


def test_each_infrared_tracklet_is_ranked_against_the_gallery(shift, models):
    found, counts, _ = shift
    assert len(found["links"]) == len(_camera(found, "walkers")["tracklets"])
    # What is not calibrated merges nobody: six visits are six identities.
    assert counts["identities"] == 6 if models == "public" else 3 <= counts["identities"] <= 6
    for link in found["links"]:
        if models == "public":
            assert link["decision"] == "not calibrated" and link["probability"] is None
        else:
            assert link["decision"] in ("linked", "unknown") and 0 <= link["probability"] <= 1
        scores = [candidate["score"] for candidate in link["candidates"]]
        assert len(scores) == min(5, counts["identities"]) and scores == sorted(scores, reverse=True)


def test_running_again_changes_no_count(shift, shared, models):
    found, counts, folder = shift
    again = _run(shared, folder, models)
    assert _counts(folder) == counts
    assert again["cameras"] == found["cameras"]
    assert again["links"] == found["links"]


def test_the_report_stands_alone(shift):
    found, _, folder = shift
    page = (folder / "x.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?!#|data:)[^\"'\s>]+", page)
    for link in found["links"]:
        assert link["label"] in page
    assert page.count("data:image/jpeg") >= 30

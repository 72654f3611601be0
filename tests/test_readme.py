"""What the README says is what happens: its Python runs, its commands exist, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from reid_core.gallery import Gallery

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


@pytest.mark.slow
def test_its_commands_and_options_exist():
    commands = [line for block in _blocks("console") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    called = [line.removeprefix("$ ").split() for line in commands if line.startswith("$ nightreid")]
    assert {words[1] for words in called} >= {"run", "detect", "embed", "reembed", "synthetic", "train"}
    for words in called:
        text = subprocess.run(
            [
                sys.executable,
                "-m",
                "console.cli",
                *words[1 : 3 if words[1] in ("synthetic", "identity", "watch", "user") else 2],
                "--help",
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"COLUMNS": "200"},
        ).stdout
        for option in [word for word in words if word.startswith("--")]:
            assert option in text, (words[1], option)


@pytest.mark.footage
@pytest.mark.slow
def test_its_python_runs(shared, tmp_path):
    [code] = _blocks("python")
    (tmp_path / "day.mp4").symlink_to(shared / "data/day_visible/one_by_one.mp4")
    (tmp_path / "night.mp4").symlink_to(shared / "data/night_thermal/walkers.mp4")
    capture = cv2.VideoCapture(str(tmp_path / "day.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 300)
    cv2.imwrite(str(tmp_path / "crop.jpg"), capture.read()[1][10:400, 370:520])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    links, hits = lines[:-3], [line.split() for line in lines[-3:]]
    assert len(links) == 3
    assert all(line.split()[1] in ("linked", "unknown") for line in links)
    # Who stands there at frame 300 is the second visitor: 231 to 446.
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        [visit] = [
            one.id for one in gallery.tracklets() if one.frames[0] <= 300 <= one.frames[-1] and one.identity
        ]
    assert hits[0][0] == visit
    scores = [float(score) for _, score in hits]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.7

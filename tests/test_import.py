"""Importing is free: no file, no socket, nothing printed; and the command answers at once."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("reid_core", "detectors", "stream", "training", "console")

WATCH = """
import importlib, json, os, sys
opened = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes):
        mode = arguments[2] if isinstance(arguments[2], int) else 0
        opened.append([os.path.realpath(os.fsdecode(arguments[0])), bool(mode & (os.O_WRONLY | os.O_RDWR))])
    elif event in ("os.mkdir", "os.rename", "os.remove"):
        opened.append([os.path.realpath(str(arguments[0])), True])
    elif event == "subprocess.Popen" and "ldconfig" in str(arguments[0]):
        pass  # torch finds a library of the system
    elif event.startswith(("socket.", "subprocess.", "urllib.")) or event in ("os.system", "os.fork"):
        opened.append([event, True])
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
sys.stderr.write(json.dumps(opened))
"""


def modules():
    """Every module of the rooms."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run(arguments, folder):
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def allowed(path):
    """Whether Python itself has to read a file to import something."""
    file = Path(path)
    installed = [
        Path(entry).resolve()
        for entry in {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path[1:]}
        if entry
    ]
    if file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] in ROOMS:
        return file.suffix in (".py", ".pyc")
    if any(file.is_relative_to(folder) for folder in installed if folder != ROOT):
        return True
    # What libraries ask of the machine they run on.
    return file.is_relative_to("/proc") or file.is_relative_to("/sys") or str(file) == "/dev/null"


def opened_by(names, folder):
    done = run(["-c", WATCH, *names], folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
    assert done.stderr.startswith("["), "importing printed something"
    return json.loads(done.stderr)


@pytest.mark.parametrize("name", ROOMS)
def test_importing_a_room_opens_nothing(name, tmp_path):
    for path, written in opened_by([name], tmp_path):
        assert allowed(path), path
        assert not written, path
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_importing_every_module_of_every_room_opens_nothing(tmp_path):
    # Alembic runs its environment itself, while it migrates.
    names = [name for name in modules() if name != "reid_core.gallery.migrations.env"]
    assert len(names) > 50
    for path, written in opened_by(names, tmp_path):
        assert allowed(path), path
        assert not written or path == "/dev/null", path
    assert not any(tmp_path.iterdir())


def test_a_room_does_not_load_what_it_may_not_need(tmp_path):
    """Importing the detectors' settings, say, must not cost a second of torch."""
    light = "detectors.config, detectors.motion, detectors.thermal, stream.chain.config, console.cli"
    loaded = set(run(["-c", f"import {light}, sys; print(*sys.modules)"], tmp_path).stdout.split())
    assert "detectors.motion" in loaded
    assert not loaded & {"torch", "ultralytics", "openvino", "faiss", "transformers", "onnxruntime"}


def test_help_answers_at_once(tmp_path):
    """Under half a second of processor time: the clock would measure who else is on the machine."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(["-m", "console.cli", "--help"], tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.returncode == 0
    assert "Night-time person search" in done.stdout
    assert sorted(spent)[1] < 0.5

"""Kill -9 and Ctrl-C in the middle of a run: the next one ends in the rows of an undisturbed run."""

import json
import multiprocessing
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from multiprocessing import forkserver

import pytest

from tests.conftest import ROOT, command_environment
from tests.support.files import cut_from
from tests.support.night import Night, count, rows, run_night

pytestmark = pytest.mark.slow

# One process that has everything imported and no thread yet; each run is a fork of it.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        "tests.support.night",
        "torch",
        "ultralytics.trackers.byte_tracker",
        "ultralytics.trackers.bot_sort",
        "alembic.command",
    ]
)
_RANDOM_FRAMES = sorted(random.Random(7).sample(range(20, 760), 5))


@pytest.fixture(scope="module", autouse=True)
def _server():
    """Start that process while the rooms can be found: it imports before it is told this one's path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()


def in_process(night: Night) -> int:
    """Run it and return its exit status; minus nine where it was killed."""
    process = _PROCESSES.Process(target=run_night, args=(night,))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode


@pytest.fixture(scope="module")
def undisturbed(module_tmp, night_videos, colour_checkpoint):
    """All rows of a run that nobody disturbed."""
    database = module_tmp("undisturbed") / "x.db"
    assert in_process(Night(night_videos, colour_checkpoint, database)) == 0
    found = rows(database)
    assert {name: len(found[name]) for name in ("tracklets", "identities", "links")} == {
        "tracklets": 8,
        "identities": 3,
        "links": 2,
    }
    return found


@pytest.fixture
def night(tmp_path, night_videos, colour_checkpoint):
    return Night(night_videos, colour_checkpoint, tmp_path / "x.db")


def variant(night: Night, **changes) -> Night:
    return Night(**{name: getattr(night, name) for name in Night.__dataclass_fields__} | changes)


@pytest.mark.parametrize("frame", _RANDOM_FRAMES)
def test_a_run_killed_at_any_frame_ends_in_the_same_rows(night, undisturbed, frame):
    assert in_process(variant(night, at_frame=frame)) == -signal.SIGKILL
    assert in_process(night) == 0
    assert rows(night.database) == undisturbed


@pytest.mark.parametrize("before", [False, True], ids=["behind", "in front of"])
@pytest.mark.parametrize("commit", [1, 3, 5])
def test_a_run_killed_at_a_commit_ends_in_the_same_rows(night, undisturbed, commit, before):
    assert in_process(variant(night, at_commit=commit, before_commit=before)) == -signal.SIGKILL
    assert in_process(night) == 0
    assert rows(night.database) == undisturbed


@pytest.mark.parametrize("call", [1, 4, 8])
def test_a_run_killed_in_the_embedder_ends_in_the_same_rows(night, undisturbed, call):
    assert in_process(variant(night, at_embedding=call)) == -signal.SIGKILL
    assert in_process(night) == 0
    assert rows(night.database) == undisturbed


def test_a_run_killed_again_and_again_ends_in_the_same_rows(night, undisturbed):
    statuses = [in_process(variant(night, at_frame=frame)) for frame in (350, 200, 150, 100)]
    assert statuses[:2] == [-signal.SIGKILL] * 2
    assert in_process(night) == 0
    assert rows(night.database) == undisturbed


def test_a_second_run_changes_nothing(night, undisturbed):
    assert in_process(night) == 0
    assert in_process(night) == 0
    assert rows(night.database) == undisturbed


# What counts up in the database has counted the interrupted tracklets as well.
_COUNTED = {"vectors": {"id"}, "sqlite_sequence": {"seq"}, "gallery_meta": {"value"}}


@pytest.mark.parametrize("frame", _RANDOM_FRAMES[1::2])
def test_a_stopped_run_is_taken_up_and_ends_in_the_same_rows(night, undisturbed, frame):
    assert in_process(variant(night, stop_at=frame)) == 0
    assert count(night.database, "tracklets") > 0
    assert in_process(night) == 0
    left = rows(night.database, _COUNTED, leave=("outbox",))
    assert count(night.database, "tracklets") == len(undisturbed["tracklets"])
    expected = {name: table for name, table in undisturbed.items() if name != "outbox"}
    for name in left:
        if name not in _COUNTED:
            assert left[name] == expected[name], name
    assert len(left["vectors"]) == len(undisturbed["vectors"])


@pytest.mark.parametrize("harm", ["deleted", "corrupted", "emptied"])
def test_the_index_is_a_cache(night, undisturbed, harm):
    assert in_process(variant(night, stop_at=400)) == 0
    folder = night.database.with_name("x.db.index")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    if harm == "deleted":
        shutil.rmtree(folder)
    for path in files if harm != "deleted" else ():
        data = path.read_bytes()
        path.write_bytes(bytes(255 - byte for byte in data) if harm == "corrupted" else b"")
    assert in_process(night) == 0
    found = rows(night.database)
    for name in ("tracklets", "identities", "links", "sightings"):
        assert found[name] == undisturbed[name], name


def test_links_to_interrupted_people_do_not_keep_a_run_from_being_taken_up(night, undisturbed):
    """A link of the stopped run may name an identity that goes when its tracklet is redone."""
    assert in_process(variant(night, stop_at=300)) == 0
    with sqlite3.connect(night.database) as connection:
        interrupted = "close_reason = 'interrupted' AND identity_id NOT NULL"
        query = f"SELECT identity_id FROM tracklets WHERE {interrupted} ORDER BY position DESC"
        (identity,) = connection.execute(query).fetchone()
        assert connection.execute(
            "UPDATE links SET decision = 'linked', identity_id = ?", (identity,)
        ).rowcount
    connection.close()
    assert in_process(night) == 0
    found = rows(night.database)
    for name in ("tracklets", "identities", "links"):
        assert found[name] == undisturbed[name], name


# The command itself, on real footage


@pytest.fixture(scope="module")
def clips(footage, module_tmp):
    """One visit of the day and the night's first shot's best part, small enough to be run several times."""
    folder = module_tmp("clips")
    return {
        "day": cut_from(footage["day"], folder / "day.mp4", 50, 330, 480),
        "night": cut_from(footage["night"], folder / "night.mp4", 300, 460, 120),
    }


def _command(footage, clips, database, *more):
    return [
        *(sys.executable, "-m", "console.cli", "run"),
        *("--visible", f"day={clips['day']}", "--infrared", f"night={clips['night']}"),
        *("--start", "day=2026-03-01T10:00:00Z", "--start", "night=2026-03-01T10:00:02Z"),
        *("--detector", str(footage["detector"]), "--db", f"sqlite:///{database}", *more),
    ]


def _started(command):
    return subprocess.Popen(
        command, env=command_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait_for_a_tracklet(process, database, most=1):
    """Until the run has committed something, and is not through."""
    for _ in range(1200):
        assert process.poll() is None, process.communicate()
        try:
            if database.exists() and count(database, "tracklets") >= most:
                return
        except sqlite3.OperationalError:  # the tables are just being made
            pass
        time.sleep(0.05)
    raise AssertionError("nothing was ever written")


@pytest.mark.footage
def test_the_command_killed_and_interrupted_on_real_footage(footage, clips, tmp_path):
    whole, killed, stopped = (tmp_path / name for name in ("whole.db", "killed.db", "stopped.db"))
    subprocess.run(_command(footage, clips, whole), env=command_environment(), check=True)
    expected = rows(whole)
    assert len(expected["tracklets"]) >= 3

    process = _started(_command(footage, clips, killed))
    _wait_for_a_tracklet(process, killed)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    subprocess.run(_command(footage, clips, killed), env=command_environment(), check=True)
    assert rows(killed) == expected

    report = tmp_path / "x.html"
    process = _started(_command(footage, clips, stopped, "--json", "--report", str(report)))
    _wait_for_a_tracklet(process, stopped)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 20
    assert process.returncode == 130 and "Traceback" not in err, err
    result = json.loads(out)
    assert "interrupted" in {camera["status"] for camera in result["cameras"]}
    assert report.exists() and count(stopped, "tracklets") >= 1
    subprocess.run(_command(footage, clips, stopped), env=command_environment(), check=True)
    found = rows(stopped, _COUNTED, leave=("outbox",))
    for name in set(found) - set(_COUNTED):
        assert found[name] == expected[name], name

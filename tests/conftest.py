"""What many tests need: footage and weights, the small bright world, the command, a PostgreSQL."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def _missing(reason: str) -> None:
    """Skip; where nothing may be left out (CI), fail."""
    if os.environ.get("NIGHTREID_REQUIRE"):
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_finish():
    """Leave out of each search for garbage what collecting has imported, which is there to stay.

    Among so much the collector hardly ever looks at what is old, and networks that hold themselves pile up.
    """
    gc.collect()
    gc.freeze()


def pytest_sessionfinish():
    """What was left out of searches may go now: libraries tell of what they still hold at the end."""
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def _memory_of_a_module():
    """Given back to the system when the module's last test is over."""
    from stream.service.process import return_memory

    yield
    gc.collect()
    # What is still there belongs to the session: the next search need not go through it again.
    gc.freeze()
    return_memory()


@pytest.fixture(scope="module")
def module_tmp(tmp_path_factory):
    """Folders of a module's fixtures: ``module_tmp("people") -> Path``, gone when its last test is over."""
    made = []

    def make(name):
        made.append(tmp_path_factory.mktemp(name))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _migrated_once():
    """An empty gallery costs a tenth of running all migrations."""
    from reid_core.gallery import database
    from tests.support.migrated import MigratedOnce

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_upgrade", MigratedOnce(database._upgrade))
        yield


@pytest.fixture(scope="session")
def missing():
    """What to call where a test cannot run on this machine, with the reason."""
    return _missing


@pytest.fixture(scope="session")
def shared():
    """The folder of real footage, weights and data sets."""
    folder = Path(os.environ.get("NIGHTREID_SHARED") or ROOT.parent / "shared").resolve()
    if not (folder / "data").is_dir():
        _missing(f"needs the footage and weights of {folder} (or NIGHTREID_SHARED)")
    return folder


@pytest.fixture(scope="session")
def footage(shared):
    """The two real videos and the detector that reads them best."""
    return {
        "day": shared / "data/day_visible/one_by_one.mp4",
        "night": shared / "data/night_thermal/walkers.mp4",
        "detector": shared / "weights/yolo11n_int8_openvino_model",
    }


@pytest.fixture(scope="session")
def colour_checkpoint(tmp_path_factory):
    """Folder of an embedder whose vector is the crop's mean colour."""
    from tests.support.brightness import colour_model

    return colour_model(tmp_path_factory.mktemp("colour"))


@pytest.fixture(scope="session")
def night_videos(tmp_path_factory):
    """Camera to video of the small bright world: gate, yard and night."""
    from tests.support.brightness import write_night

    return write_night(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="session")
def nightreid():
    """The command, in a process of its own: ``nightreid("run", …, cwd=…) -> CompletedProcess``."""

    def call(*arguments, cwd, environment=None, timeout=120, **options):
        return subprocess.run(
            [sys.executable, "-m", "console.cli", *map(str, arguments)],
            cwd=cwd,
            env=command_environment() | (environment or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            **options,
        )

    return call


@pytest.fixture
def command(monkeypatch, capfd):
    """The command, in this process: ``command("run", …) -> Outcome``."""
    from console import cli
    from tests.support.command_line import Outcome

    for name in [name for name in os.environ if name.startswith("NIGHTREID_")]:
        monkeypatch.delenv(name)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["nightreid", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        sys.stdout.flush()
        return Outcome(left.value.code or 0, *capfd.readouterr())

    return call


@pytest.fixture
def quick_passwords(monkeypatch):
    """Hashes of passwords that cost next to nothing; all else about them is as ever."""
    from argon2 import PasswordHasher

    from reid_core.access import passwords

    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._of_nobody.cache_clear()


@pytest.fixture(scope="session")
def postgres_server():
    """The PostgreSQL that the whole session shares. Nobody ends it."""
    server = _postgres()
    yield server
    server.remove()


@pytest.fixture
def own_postgres():
    """A PostgreSQL of this test's own, free to be killed; ``own_postgres.fresh_database() -> url``."""
    server = _postgres()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server):
    """Address of an empty database of this test's own."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop(url)


def _postgres():
    from tests.support.postgres import NoPostgresError, Postgres

    try:
        server = Postgres()
    except NoPostgresError as error:
        _missing(str(error))
    server.start()
    return server


def command_environment():
    """This process's environment, with the rooms importable from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}

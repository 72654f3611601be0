"""On a machine that is not ours: homes closed to others, odd paths, places that cannot be written."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.conftest import ROOT
from tests.support.postgres import NoPostgresError, Postgres, installed

CHECKOUT = "Jörgs nightreid"


@pytest.mark.slow
def test_postgresql_runs_from_a_home_that_is_closed_to_others(tmp_path, monkeypatch, missing):
    """As root it runs as somebody else, who may read nothing there: not the wheel's libraries either."""
    try:
        wheel = installed()
    except NoPostgresError as error:
        missing(str(error))
    site = tmp_path / "site"
    site.mkdir(mode=0o700)
    for part in (wheel.name, f"{wheel.name}.libs"):
        if (wheel.parent / part).is_dir():
            shutil.copytree(wheel.parent / part, site / part, ignore=shutil.ignore_patterns("include"))
    # As pip installs under umask 077.
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert Path(find_spec(wheel.name).origin).is_relative_to(site)
    server = Postgres()
    server.start()
    try:
        address = server.fresh_database().replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            connection.execute("CREATE EXTENSION vector")
            assert connection.execute("SELECT '[1,2]'::vector <-> '[1,3]'").fetchone() == (1.0,)
    finally:
        server.remove()


@pytest.fixture
def make(tmp_path, missing):
    """``make(…) -> CompletedProcess`` in a checkout of the Makefile alone."""
    if shutil.which("make") is None:
        missing("needs make")
    checkout = tmp_path / CHECKOUT
    checkout.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    # This may itself run under make, whose own flags make a make below it say more.
    left_out = ("VENV", "DEMO_VENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}

    def call(*arguments):
        return subprocess.run(
            ["make", f"PYTHON={sys.executable}", *arguments],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
        )

    return call


@pytest.mark.parametrize(("variable", "target"), [("VENV", "unit"), ("DEMO_VENV", "demo")])
def test_a_place_that_cannot_be_written_is_told_of_with_a_way_out(make, variable, target):
    done = make(f"{variable}=/proc/nightreid", target)
    assert done.returncode != 0
    place = f"/proc/nightreid cannot be written; name another place: make {variable}=/path/to/venv"
    assert done.stdout.splitlines() == [place]


def test_a_venv_in_a_path_with_spaces_is_refused(make):
    done = make("VENV=my venv", "unit")
    assert done.returncode != 0
    assert "paths without spaces" in done.stderr


def test_a_venv_that_was_left_half_made_is_made_again(make, tmp_path):
    # Debian's python3 without python3-venv leaves an interpreter that has no pip.
    programs = tmp_path / CHECKOUT / ".venv/bin"
    programs.mkdir(parents=True)
    maker = tmp_path / "python"
    works = "#!/bin/sh\\nexit 0\\n"
    maker.write_text(f'#!/bin/sh\nif [ "$2" = venv ]; then printf \'{works}\' > "$3/bin/python"; fi\n')
    maker.chmod(0o755)
    (programs / "python").write_text("#!/bin/sh\nexit 1\n")
    (programs / "python").chmod(0o755)
    done = make(f"PYTHON={maker}", ".venv/.ready")
    assert done.returncode == 0, done.stderr
    assert (programs.parent / ".ready").is_file()


def test_the_demonstrations_folder_can_be_named(make):
    done = make("-n", "OUT=/elsewhere/my night", "demo")
    assert "nightreid demo --out '/elsewhere/my night'" in " ".join(done.stdout.split())

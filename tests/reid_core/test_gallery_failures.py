import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

import reid_core.gallery.database as database_module
from reid_core.errors import (
    DatabaseBusyError,
    GalleryError,
    MissingDependencyError,
    NightreidError,
    SchemaTooNewError,
    StorageError,
    UsageError,
)
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, all_rows, unit
from tests.support.tables import whole_schema

NEVER = IdentityPolicy(None)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.db"
    Gallery.open(f"sqlite:///{path}").close()
    return path


def test_the_migrations_make_the_schema(path):
    with create_engine(f"sqlite:///{path}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, whole_schema()) == []


def test_opening_again_changes_nothing(path):
    before = all_rows(path)
    Gallery.open(f"sqlite:///{path}").close()
    assert all_rows(path) == before


@pytest.mark.slow
def test_opening_prints_nothing(tmp_path):
    code = f"from reid_core.gallery import Gallery; Gallery.open('sqlite:///{tmp_path}/x.db').close()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=_environment()
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _environment():
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_newer_schema_is_named(path):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(SchemaTooNewError) as caught:
        Gallery.open(f"sqlite:///{path}")
    assert caught.value.message == (
        f"The database {path} was written by a newer version of nightreid (schema 0999)."
    )


def test_somebody_elses_database_is_left_alone(tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="something other than a gallery"):
        Gallery.open(f"sqlite:///{path}")
    assert path.read_bytes()[100:] == before[100:]


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "x.db"
    path.write_text("a letter to somebody, long enough to be no empty database " * 10)
    before = path.read_bytes()
    with pytest.raises(GalleryError, match=r"x\.db is not a gallery database"):
        Gallery.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_damaged_database(path):
    with Gallery.open(f"sqlite:///{path}") as gallery:
        gallery.add(
            unit(np.random.default_rng(1), 50),
            camera="a",
            modality=Modality.VISIBLE,
            time_ns=range(50),
            model=MODEL,
        )
    shutil.rmtree(path.with_name("x.db.index"))
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with (
        pytest.raises(GalleryError, match=r"damaged|not a gallery"),
        Gallery.open(f"sqlite:///{path}") as gallery,
    ):
        gallery.tracklets()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gallery.db", "not valid"),
        ("", "not valid"),
        ("nosql://somewhere/x", "not known"),
        ("postgresql://user:s3cret@host:port/x", "not valid"),
    ],
)
def test_an_address_that_is_none(url, said):
    with pytest.raises(UsageError, match=said) as caught:
        Gallery.open(url)
    assert "sqlite:///gallery.db" in caught.value.hint and "s3cret" not in str(caught.value)


def test_a_missing_driver_is_named():
    with pytest.raises(MissingDependencyError, match="pip install oracledb") as caught:
        Gallery.open("oracle+oracledb://user:s3cret@host/x")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("place", ["missing/x.db", "file/x.db", ""])
def test_a_place_where_no_database_can_be(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened or created"):
        Gallery.open(f"sqlite:///{tmp_path / place}")


def test_a_read_only_database_is_named_and_can_still_be_searched(path):
    vectors = unit(np.random.default_rng(1), 3)
    arguments = {"camera": "a", "modality": Modality.VISIBLE, "time_ns": [1, 2, 3], "model": MODEL}
    with Gallery.open(f"sqlite:///{path}") as gallery:
        gallery.add(vectors, **arguments)
    with Gallery.open(f"sqlite:///file:{path}?mode=ro&uri=true") as gallery:
        assert gallery.search(vectors, MODEL, 1).ids[:, 0].tolist() == [1, 2, 3]
        with pytest.raises(StorageError, match="read-only") as caught:
            gallery.add(unit(np.random.default_rng(2), 1), **(arguments | {"time_ns": [9]}))
        assert not caught.value.transient


def test_a_full_disk_keeps_what_was_there(path):
    generator = np.random.default_rng(3)

    def limit(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 12}")

    event.listen(Engine, "connect", limit)
    try:
        with Gallery.open(f"sqlite:///{path}") as gallery:
            scene = Scene(gallery)
            written = 0
            with pytest.raises(StorageError, match="no space left"):
                for written in range(100):
                    entry = scene.entry(20 * written, unit(generator, 5, 256))
                    gallery.add_tracklets([entry], MODEL, NEVER)
            # It says so every time, and goes on answering.
            with pytest.raises(StorageError, match="no space left") as caught:
                gallery.add_tracklets([entry], MODEL, NEVER)
            assert caught.value.transient
            assert gallery.search(unit(generator, 1, 256), MODEL, 1000).ids.shape == (1, 5 * written)
    finally:
        event.remove(Engine, "connect", limit)
    assert written > 0
    rows = all_rows(path)
    assert (len(rows["tracklets"]), len(rows["vectors"])) == (written, 5 * written)
    with Gallery.open(f"sqlite:///{path}") as gallery:
        Scene(gallery)
        gallery.add_tracklets([entry], MODEL, NEVER)
        assert len(gallery.tracklets()) == written + 1


def test_a_locked_database_is_named(path, monkeypatch):
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.1)
    with Gallery.open(f"sqlite:///{path}") as gallery:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError, match="in use by another program") as caught:
            Scene(gallery)
        assert caught.value.transient
        other.execute("ROLLBACK")
        other.close()
        Scene(gallery)


def test_an_error_never_shows_rows(path, caplog):
    with Gallery.open(f"sqlite:///{path}") as gallery:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE outbox")
        scene_error: list[NightreidError] = []
        with caplog.at_level(logging.WARNING), pytest.raises(GalleryError) as caught:
            gallery.search(unit(np.random.default_rng(1), 1), MODEL)
        scene_error.append(caught.value)
    assert caught.value.message == f"The database {path} cannot be used: no such table: outbox."


KILLED = """
import os, sys
import numpy as np
sys.path.insert(0, {root!r})
from tests.support.gallery_world import MODEL, Scene, unit
from reid_core.gallery import Gallery, IdentityPolicy
generator = np.random.default_rng(1)
gallery = Gallery.open({url!r})
scene = Scene(gallery)
for i in range(6):
    gallery.add_tracklets([scene.entry(20 * i, unit(generator, 3))], MODEL, IdentityPolicy(None))
    if i == {last}:
        os.kill(os.getpid(), 9)
gallery.close()
"""


@pytest.mark.slow
def test_kill_leaves_whole_tracklets_and_a_second_run_completes_them(tmp_path):
    def run(name, last):
        url = f"sqlite:///{tmp_path / name}"
        code = KILLED.format(root=str(Path(__file__).parents[2]), url=url, last=last)
        return subprocess.run([sys.executable, "-c", code], env=_environment(), cwd=tmp_path).returncode

    assert run("whole.db", -1) == 0
    assert run("killed.db", 3) == -9
    assert len(all_rows(tmp_path / "killed.db")["tracklets"]) == 4
    assert run("killed.db", -1) == 0
    assert all_rows(tmp_path / "killed.db") == all_rows(tmp_path / "whole.db")

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, Scene, all_rows, unit

NEVER = IdentityPolicy(None)
QUERIES = unit(np.random.default_rng(99), 3)


def fill(database: Path, seed: int, tracklets: int = 8, first: int = 0) -> None:
    generator = np.random.default_rng(seed)
    with Gallery.open(f"sqlite:///{database}") as gallery:
        scene, night = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
        for i in range(first, first + tracklets):
            entries = [scene.entry(20 * i, unit(generator, 3)), night.entry(20 * i, unit(generator, 2))]
            gallery.add_tracklets(entries, MODEL, NEVER)


def answers(database: Path):
    with Gallery.open(f"sqlite:///{database}") as gallery:
        told = []
        for where in (
            None,
            SearchFilter(modality=Modality.VISIBLE),
            SearchFilter(cameras=frozenset({"yard"})),
        ):
            hits = gallery.search(QUERIES, MODEL, 7, where)
            told.append((hits.ids.tolist(), hits.scores.tolist(), hits.tracklets.tolist()))
        return told


def folder_of(database: Path) -> Path:
    (folder,) = database.with_name(f"{database.name}.index").iterdir()
    return folder


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "x.db"
    fill(path, 1)
    return path


@pytest.fixture
def truth(database):
    """The answers where there is no index at all."""
    kept = database.with_name("kept")
    shutil.move(database.with_name("x.db.index"), kept)
    told = answers(database)
    shutil.rmtree(database.with_name("x.db.index"))
    shutil.move(kept, database.with_name("x.db.index"))
    return told


def test_the_saved_index_is_used(database, truth, caplog, monkeypatch):
    from reid_core.gallery.live import LiveIndex

    def forbidden(*_):
        raise AssertionError("rebuilt")

    monkeypatch.setattr(LiveIndex, "_rebuild", forbidden)
    with caplog.at_level(logging.WARNING):
        assert answers(database) == truth
    assert not caplog.records


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def set_manifest(folder: Path, **values) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


DAMAGE = {
    "a byte of the vectors": lambda folder: flip(next(folder.glob("vectors-*")), -3),
    "a byte of the header": lambda folder: flip(next(folder.glob("vectors-*")), 0),
    "a byte of the columns": lambda folder: flip(next(folder.glob("columns-*")), 700),
    "a byte of the manifest": lambda folder: flip(folder / "manifest.json", 2),
    "vectors cut short": lambda folder: next(folder.glob("vectors-*")).write_bytes(b"IxFI"),
    "vectors missing": lambda folder: next(folder.glob("vectors-*")).unlink(),
    "columns missing": lambda folder: next(folder.glob("columns-*")).unlink(),
    "manifest missing": lambda folder: (folder / "manifest.json").unlink(),
    "manifest empty": lambda folder: (folder / "manifest.json").write_bytes(b""),
    "everything missing": lambda folder: shutil.rmtree(folder),
    "a file in place of the folder": lambda folder: (shutil.rmtree(folder), folder.write_text("x")),
    "of a later format": lambda folder: set_manifest(folder, format=2),
    "of another space": lambda folder: set_manifest(folder, space="c" * 64),
    "another size": lambda folder: set_manifest(folder, ntotal=1),
    "ahead of the database": lambda folder: set_manifest(folder, outbox=10**6),
    "another chain": lambda folder: set_manifest(folder, chain="0" * 64),
    "digests left out": lambda folder: (
        set_manifest(folder, sha256={}),
        flip(next(folder.glob("vectors-*")), -3),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.slow
def test_a_damaged_index_is_rebuilt(name, database, truth, caplog):
    rows = all_rows(database)
    DAMAGE[name](folder_of(database))
    with caplog.at_level(logging.WARNING):
        assert answers(database) == truth
    # Of an index that is not there, or not for this version, nothing need be said.
    silent = {"vectors missing", "columns missing", "manifest missing", "everything missing"}
    silent |= {"of a later format", "of another space"}
    assert ("rebuilt" in caplog.text) == (name not in silent)
    assert answers(database) == truth
    assert all_rows(database) == rows


def test_an_older_index_catches_up(database, tmp_path, monkeypatch):
    old = tmp_path / "old"
    shutil.copytree(database.with_name("x.db.index"), old)
    fill(database, 2, tracklets=5, first=8)
    shutil.rmtree(database.with_name("x.db.index"))
    truth = answers(database)
    shutil.rmtree(database.with_name("x.db.index"))
    shutil.move(old, database.with_name("x.db.index"))

    from reid_core.gallery.live import LiveIndex

    def forbidden(*_):
        raise AssertionError("rebuilt")

    monkeypatch.setattr(LiveIndex, "_rebuild", forbidden)
    assert answers(database) == truth


def test_an_index_of_another_database_is_not_used(database, truth, tmp_path, caplog):
    other = tmp_path / "other.db"
    fill(other, 2)
    shutil.rmtree(database.with_name("x.db.index"))
    shutil.move(other.with_name("other.db.index"), database.with_name("x.db.index"))
    with caplog.at_level(logging.WARNING):
        assert answers(database) == truth
    assert "another database" in caplog.text


def test_an_index_ahead_of_a_restored_backup_is_not_used(database, truth, tmp_path):
    backup = tmp_path / "backup.db"
    shutil.copy(database, backup)
    fill(database, 2, tracklets=2, first=8)
    shutil.copy(backup, database)
    assert answers(database) == truth
    # The restored one goes its own way: as many rows, but others.
    fill(database, 3, tracklets=2, first=8)
    after = answers(database)
    shutil.rmtree(database.with_name("x.db.index"))
    assert answers(database) == after


def test_without_a_place_for_the_index_nothing_is_lost(tmp_path, caplog):
    # A file where the folder should be: as good as a read-only disk, for root too.
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    url = f"sqlite:///{tmp_path / 'x.db'}"
    vectors = unit(np.random.default_rng(4), 5)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with Gallery.open(url, blocked / "index") as gallery:
                gallery.add(vectors, camera="a", modality=Modality.VISIBLE, time_ns=range(5), model=MODEL)
                assert gallery.search(vectors, MODEL, 1).ids[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert "cannot be saved" in caplog.text and "nothing is lost" in caplog.text


def test_a_full_disk_leaves_the_older_index(database, truth, monkeypatch, caplog):
    import reid_core.gallery.index_files as index_files

    before = {path.name: path.read_bytes() for path in folder_of(database).iterdir()}

    class Full:
        def __init__(self, file):
            self._file, self._left = file, 100

        def write(self, data):
            self._left -= len(data)
            if self._left < 0:
                raise OSError(28, "No space left on device")
            return self._file.write(data)

    real = index_files._write_index
    monkeypatch.setattr(index_files, "_write_index", lambda flat, file: real(flat, Full(file)))
    with caplog.at_level(logging.WARNING):
        fill(database, 2, tracklets=1, first=8)
    assert "No space left" in caplog.text
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder_of(database).iterdir()} == before
    with Gallery.open(f"sqlite:///{database}") as gallery:
        assert len(gallery.tracklets()) == 18
        assert gallery.search(QUERIES, MODEL, 100).ids.shape == (3, 45)


def test_nothing_is_written_where_nothing_changed(database):
    def stamps():
        return {path.name: path.stat().st_mtime_ns for path in folder_of(database).iterdir()}

    before = stamps()
    answers(database)
    assert stamps() == before and len(before) == 3
    fill(database, 5, tracklets=1, first=8)
    assert len(stamps()) == 3 and stamps() != before


def test_the_manifest_says_what_the_index_holds(database):
    manifest = json.loads((folder_of(database) / "manifest.json").read_text())
    assert (manifest["space"], manifest["dim"], manifest["ntotal"]) == (MODEL, DIM, 40)
    assert set(manifest["sha256"]) == {manifest["vectors"], manifest["columns"]}

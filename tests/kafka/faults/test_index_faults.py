"""The vector index beside an SQLite gallery is harmed between two workers' lives: it is a cache."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from reid_core.gallery import Gallery
from tests.support.crew import until

KIND = "The vector index"
pytestmark = pytest.mark.slow
BOUND = 30


def fault(row, injected, promise="Detected at startup and rebuilt from the database"):
    return pytest.mark.fault(row=row, injected=injected, promise=promise, bound_s=BOUND)


class Night:
    """A night in two shifts, the index kept between them.

    Args:
        deployment: whose gallery is an SQLite file.
        records: of the whole night.
    """

    def __init__(self, deployment, records):
        self.deployment = deployment
        self.records = records
        self.database = Path(deployment.database.removeprefix("sqlite:///"))
        self.index = self.database.with_name(f"{self.database.name}.index")

    def begin(self):
        """The larger part of the night, until somebody is in the gallery; the index is saved then."""
        share = 2 * len(self.records) // 3
        self.deployment.publish(self.records[:share])
        worker = self.deployment.worker()
        until("a tracklet", lambda: self.deployment.count("tracklets"), 40)
        assert worker.stop() == 0
        assert self.files(), "the index was saved"
        self.deployment.publish(self.records[share:])

    def go_on(self):
        """All of the rest."""
        worker = self.deployment.worker()
        self.deployment.drained(BOUND)
        assert worker.stop() == 0

    def files(self):
        return [path for path in self.index.rglob("*") if path.is_file()]

    def finish(self, recovery, undisturbed):
        """The rest of the night: all as if nothing had happened, and answers as the database has them."""
        recovery.begins()
        worker = self.deployment.worker()
        self.deployment.drained(recovery.left)
        recovery.over()
        assert worker.stop() == 0
        self.deployment.check(undisturbed["sqlite"])
        self.check_answers()

    def check_answers(self):
        model = self._model()
        queries = np.random.default_rng(5).normal(size=(20, 3)).astype(np.float32)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        with Gallery.open(self.deployment.database) as gallery:
            kept = gallery.search(queries, model, 10)
        nowhere = self.index.with_name("nowhere")
        with Gallery.open(self.deployment.database, nowhere) as gallery:
            anew = gallery.search(queries, model, 10)
        assert kept.scores.shape[1] == 10
        assert np.array_equal(kept.ids, anew.ids) and np.array_equal(kept.scores, anew.scores)

    def _model(self):
        with Gallery.open(self.deployment.database) as gallery:
            [model] = gallery.models()
        return model.id


@pytest.fixture
def night(deploy, short_records):
    return Night(deploy(), short_records)


@fault("Missing", "Its folder is deleted")
def test_the_index_is_missing(night, recovery, undisturbed):
    night.begin()
    shutil.rmtree(night.index)
    night.finish(recovery, undisturbed)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(-1, marks=fault("Corrupt", "The last byte of the last vector is changed"), id="vector"),
        pytest.param(
            0, marks=fault("Not an index", "The first bytes of its files are overwritten"), id="head"
        ),
    ],
)
def test_the_index_is_corrupt(night, recovery, undisturbed, place):
    night.begin()
    for path in night.files():
        if path.suffix == ".faiss" or place == 0:
            data = bytearray(path.read_bytes())
            data[place] ^= 0x3F
            path.write_bytes(data)
    night.finish(recovery, undisturbed)


@fault("Truncated", "Its files are cut in half; the manifest is intact")
def test_the_index_is_cut_short(night, recovery, undisturbed):
    night.begin()
    for path in night.files():
        if path.name != "manifest.json":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    night.finish(recovery, undisturbed)


@fault("Stale", "It is replaced by its state some tracklets ago", "It catches up with the database")
def test_the_index_is_stale(night, recovery, undisturbed, tmp_path):
    night.begin()
    shutil.copytree(night.index, tmp_path / "old")
    night.go_on()
    shutil.rmtree(night.index)
    shutil.copytree(tmp_path / "old", night.index)
    night.finish(recovery, undisturbed)


@fault("Newer than the database", "The database is restored from an older copy, the index is not")
def test_the_index_is_newer(night, recovery, undisturbed, tmp_path):
    night.begin()
    night.deployment.gallery.close()
    shutil.copy(night.database, tmp_path / "old.db")
    night.go_on()
    night.deployment.gallery.close()
    for path in night.database.parent.glob(f"{night.database.name}-*"):
        path.unlink()
    shutil.copy(tmp_path / "old.db", night.database)
    night.finish(recovery, undisturbed)

"""The fourth system (`tests/fourth`) behind a worker at a real Kafka: the rows of `nightreid run` with it."""

import json
import signal
import sqlite3
import time

import pytest
import torch

from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.systems import SYSTEMS
from reid_core.preprocess import Preprocess
from tests.conftest import ROOT
from tests.kafka.test_two_workers import port_of, ready, worker
from tests.support.galleries import gallery_rows
from tests.support.shift import make_topics

pytestmark = [pytest.mark.footage, pytest.mark.slow]
START = "2026-03-01T22:00:00Z"


@pytest.fixture
def fourth(monkeypatch, tmp_path):
    """A checkpoint of the fourth system, which every process here has installed."""
    folder = ROOT / "tests/fourth"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(SYSTEMS, "_loaded", dict(SYSTEMS._loaded))
    system = SYSTEMS.get("patchwise")()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = system.build(system.architecture(), 32).eval()
    preprocess = Preprocess(height=32, width=16, mean=(127.5,) * 3, std=(127.5,) * 3)
    save_checkpoint(tmp_path / "fourth", network, name="fourth", preprocess=preprocess)
    return tmp_path / "fourth"


def settled(database):
    with sqlite3.connect(database) as connection:
        done = connection.execute("SELECT count(*) FROM recordings WHERE status = 'complete'").fetchone()[0]
        staged = connection.execute("SELECT count(*) FROM staged").fetchone()[0]
    return done == 1 and staged == 0


def test_a_worker_with_it_makes_the_rows_of_a_run(kafka, topic_prefix, footage, fourth, nightreid, tmp_path):
    run = nightreid(
        *("run", "--infrared", f"night={footage['night']}", "--start", f"night={START}", "--reid", fourth),
        *("--db", "sqlite:///run.db", "--json"),
        cwd=tmp_path,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    make_topics(kafka.bootstrap, topic_prefix, partitions=1)
    common = ("--bootstrap", kafka.bootstrap, "--set", f"prefix={topic_prefix}")
    camera = {"camera": "night", "source": str(footage["night"]), "modality": "infrared", "start": START}
    (tmp_path / "publish.yaml").write_text(json.dumps({"cameras": [camera], "codec": "png"}))
    asked = (
        "--db",
        f"sqlite:///{tmp_path}/worker.db",
        "--metrics-port",
        "0",
        "--set",
        f"models.reid={fourth}",
    )
    with worker(tmp_path, "one", *common, *asked, "--set", "limits.idle_seconds=5") as one:
        port = port_of(tmp_path, "one")
        published = nightreid("publish", "--config", "publish.yaml", *common, cwd=tmp_path, timeout=300)
        assert published.returncode == 0, published.stderr
        begun = time.monotonic()
        while not settled(tmp_path / "worker.db"):
            assert time.monotonic() - begun < 200 and one.poll() is None, (tmp_path / "one.log").read_text()
            time.sleep(0.5)
        assert ready(port)
        one.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0
    expected, found = (gallery_rows(f"sqlite:///{tmp_path}/{name}.db") for name in ("run", "worker"))
    assert len(expected["tracklets"]) == 3 and len(expected["vectors"]) > 3
    assert {name: set(rows) for name, rows in expected.items()} == {
        name: set(rows) for name, rows in found.items()
    }

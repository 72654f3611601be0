"""The loop of the consumer's thread, turned by hand."""

import threading
from types import SimpleNamespace

import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from stream.worker import worker as module
from stream.worker.config import WorkerSettings
from stream.worker.worker import Worker
from tests.support.brightness import SMALL, brightness_detector

QUIET = SimpleNamespace(
    _coordinator=SimpleNamespace(_join_task=None),
    _fetcher=SimpleNamespace(_next_partition_records=None),
    poll=lambda timeout_ms, max_records: {},
)


@pytest.fixture
def worker(tmp_path, colour_checkpoint):
    settings = WorkerSettings.model_validate({"detector": SMALL.model_dump()})
    embedder = load_embedder(colour_checkpoint, threads=1)
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield Worker(gallery, brightness_detector(), embedder, settings, threading.Event())


def test_memory_is_returned_once_a_minute(worker, monkeypatch):
    clock, returned = SimpleNamespace(now=1000.0), []
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(module, "return_memory", lambda: returned.append(clock.now))
    monkeypatch.setattr(worker._reporter, "report", lambda client, paused: None)
    worker._returned = clock.now
    for clock.now in range(1001, 1200):
        worker._turn(QUIET, None)
    assert returned == [1060, 1120, 1180]

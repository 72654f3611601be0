"""While the console is at work, where the audit log ends is noted elsewhere."""

import time

from fastapi.testclient import TestClient

from console.api import checkpoints
from console.api.app import create_app
from console.api.settings import ServeSettings
from reid_core.audit.checkpoints import CheckpointFile
from reid_core.audit.event import AuditEvent
from reid_core.audit.keeping import Checkpointing
from reid_core.audit.settings import AuditSettings
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery


def test_the_end_of_the_log_is_noted_at_the_start(tmp_path):
    file = tmp_path / "elsewhere"
    settings = ServeSettings(audit=AuditSettings(checkpoints=file))
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        trail = Trail.of(gallery.database)
        trail.append(AuditEvent("view", "user:x"))
        with TestClient(create_app(settings, gallery, trail)):
            deadline = time.monotonic() + 10
            while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
                time.sleep(0.01)
        [noted] = CheckpointFile(file).read()
        assert (noted.number, noted.hash) == (1, trail.checkpoint().hash)


def test_checkpoints_go_on_after_what_nobody_foresaw(tmp_path, monkeypatch, caplog):
    turn, turns = Checkpointing.turn, []

    def fails_once(keeping):
        turns.append(keeping)
        if len(turns) == 1:
            raise RuntimeError("a bug")
        return turn(keeping)

    monkeypatch.setattr(Checkpointing, "turn", fails_once)
    monkeypatch.setattr(checkpoints, "_TURN_SECONDS", 0.01)
    with (
        Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery,
        TestClient(create_app(ServeSettings(), gallery, Trail.of(gallery.database))),
    ):
        deadline = time.monotonic() + 10
        while len(turns) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(turns) >= 2 and "RuntimeError: a bug" in caplog.text

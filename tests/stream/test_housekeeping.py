"""A worker enforces retention and notes checkpoints of the audit log, beside its work."""

import json
import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from reid_core.audit.checkpoints import CheckpointFile
from reid_core.audit.errors import AuditKeyError
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.errors import DatabaseAwayError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.lease import Lease
from reid_core.gallery.outbox import AUDIT_CHECKPOINT, Event, Outbox
from reid_core.gallery.schema import OutboxRow
from reid_core.retention.enforcing import Retention
from reid_core.retention.reporting import report
from reid_core.retention.rules import CameraRules, RetentionRules
from stream.followers.announcements import KINDS
from stream.worker import housekeeping
from stream.worker.config import WorkerSettings
from stream.worker.housekeeping import Housekeeper
from tests.support.gallery_world import MODEL, Scene, unit

RULES = RetentionRules(days=CameraRules(tracklets=7))


@pytest.fixture
def gallery(tmp_path, generator):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        # Captured in 1970.
        gallery.add_tracklets([Scene(gallery).entry(0, unit(generator, 2))], MODEL, IdentityPolicy(None))
        yield gallery


@pytest.fixture
def generator():
    import numpy as np

    return np.random.default_rng(1)


def keeper(gallery, **settings):
    return Housekeeper(gallery, WorkerSettings.model_validate(settings), "w1")


def test_a_worker_enforces_the_rules_of_its_settings(gallery, tmp_path):
    one = keeper(gallery, retention={"days": {"tracklets": 7}})
    one.turn()
    assert gallery.tracklets() == ()
    found = report(gallery.database, Trail.of(gallery.database))
    [line] = [one for one in found.lines if (one.camera, one.what) == ("lobby", "tracklets")]
    assert (line.days, line.removed) == (7, 1)


def test_or_those_that_the_gallery_keeps(gallery):
    keeper(gallery).turn()
    assert len(gallery.tracklets()) == 1
    Retention(gallery, Trail.of(gallery.database), "local:x", "x").change(RULES)
    keeper(gallery).turn()
    assert gallery.tracklets() == ()


def test_who_died_while_enforcing_is_taken_over_from(gallery):
    Lease(gallery.database, "retention", "dead", 60.0).hold()
    moment, settings = SimpleNamespace(now=7.0), {"retention": {"days": {"tracklets": 7}}}
    one = Housekeeper(gallery, WorkerSettings.model_validate(settings), "w1", lambda: moment.now)
    one.turn()
    assert len(gallery.tracklets()) == 1
    for _ in range(100):
        moment.now += 1
        one.turn()
    assert gallery.tracklets() == ()


def test_who_lost_the_database_while_enforcing_goes_on_by_itself(gallery, monkeypatch):
    moment, settings = SimpleNamespace(now=7.0), {"retention": {"days": {"tracklets": 7}}}
    one = Housekeeper(gallery, WorkerSettings.model_validate(settings), "w1", lambda: moment.now)

    def away(*_):
        raise DatabaseAwayError("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "guard", away)
        patched.setattr(Lease, "let_go", away)
        one.turn()
    assert len(gallery.tracklets()) == 1
    moment.now += 3600
    one.turn()
    assert gallery.tracklets() == ()


def test_without_rules_and_a_log_it_leaves_no_key(gallery, tmp_path):
    keeper(gallery).turn()
    assert not [one for one in tmp_path.iterdir() if "audit" in one.name]


def test_it_notes_where_the_log_ends_in_a_file_and_for_the_topic(gallery, tmp_path):
    trail = Trail.of(gallery.database)
    trail.append(AuditEvent("view", "user:x"))
    one = keeper(gallery, audit={"checkpoints": str(tmp_path / "elsewhere"), "topic": True})
    one.turn()
    one.turn()
    one.turn()
    [noted] = CheckpointFile(tmp_path / "elsewhere").read()
    with gallery.database.read() as session:
        [row] = session.scalars(select(OutboxRow).where(OutboxRow.kind == AUDIT_CHECKPOINT))
        event = Event(row.id, row.kind, row.subject, row.payload, row.created_ns)
    told = KINDS[AUDIT_CHECKPOINT].make(Outbox(gallery.database), event, "site.")
    assert told.topic == "site.audit"
    (tmp_path / "taken from the topic").write_bytes(told.value + b"\n")
    assert CheckpointFile(tmp_path / "taken from the topic").read() == (noted,)
    assert json.loads(told.value)["number"] == 1


def test_blobs_that_the_clerk_removed_are_in_the_report(gallery):
    one = keeper(gallery, retention={}, blob_hours=48)
    one.note_blobs(3)
    one.turn()
    found = report(gallery.database, Trail.of(gallery.database))
    [line] = [one for one in found.lines if one.what == "blobs"]
    assert (line.camera, line.removed, line.last_days) == (None, 3, 2)


def test_rules_that_could_not_be_proved_keep_a_worker_from_starting(postgres):
    with Gallery.open(postgres) as gallery:
        with pytest.raises(AuditKeyError):
            keeper(gallery, retention={"days": {"tracklets": 7}})
        keeper(gallery).turn()


def test_it_outlives_what_nobody_foresaw_and_says_so(gallery, monkeypatch, caplog):
    Retention(gallery, Trail.of(gallery.database), "local:x", "x").change(RULES)
    enforce, failed = Retention.enforce, threading.Event()

    def fail_once(self, stop):
        if not failed.is_set():
            failed.set()
            raise OverflowError("too many days")
        return enforce(self, stop)

    monkeypatch.setattr(Retention, "enforce", fail_once)
    monkeypatch.setattr(housekeeping, "_TURN_SECONDS", 0.01)
    one = keeper(gallery, retention_minutes=0.001)
    one.start()
    deadline = time.monotonic() + 30
    while gallery.tracklets() and time.monotonic() < deadline:
        time.sleep(0.01)
    one.stop(30)
    assert failed.is_set() and gallery.tracklets() == ()
    assert "OverflowError: too many days" in caplog.text

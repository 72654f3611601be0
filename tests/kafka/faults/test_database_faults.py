"""The database goes away, or has no room left."""

import resource
import time
from pathlib import Path

import pytest

from tests.support.crew import until

KIND = "The database"
pytestmark = pytest.mark.slow
AWAY_SECONDS = 20.0


@pytest.mark.fault(
    row="The database is down for 20 s",
    injected="PostgreSQL is shut down while a worker is busy, and started again",
    promise="The worker pauses; /ready fails with a reason, /live stays green, Kafka's offsets do not "
    "move; once the database answers, the worker resumes by itself",
    bound_s=10,
)
def test_the_database_is_down(deploy, own_postgres, recovery, short_records, undisturbed):
    deployment = deploy(database=own_postgres.fresh_database())
    worker = deployment.worker(slow=0.02)
    deployment.publish(short_records)
    deployment.until_staged()
    own_postgres.stop()
    down = time.monotonic()
    until("it says so", lambda: not worker.ready, 10)
    time.sleep(2)
    committed, taken = deployment.committed(), worker.metric("records_total")
    while time.monotonic() - down < AWAY_SECONDS:
        assert worker.live and not worker.ready
        time.sleep(0.5)
    assert any("database" in reason for reason in worker.reasons)
    assert deployment.committed() == committed
    assert worker.metric("records_total") == taken, "it pauses"
    before = worker.metric("frames_total")
    own_postgres.start()
    recovery.begins()
    until("it goes on", lambda: worker.ready and worker.metric("frames_total") > before, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["postgresql"])
    assert worker.stop() == 0


@pytest.mark.fault(
    row="The database dies",
    injected="SIGKILL to all PostgreSQL processes while a worker is busy; started again after 2 s",
    promise="Once the database answers, the worker resumes by itself; no transaction is left half done",
    bound_s=10,
)
def test_the_database_is_killed(deploy, own_postgres, recovery, short_records, undisturbed):
    deployment = deploy(database=own_postgres.fresh_database())
    worker = deployment.worker(slow=0.02)
    deployment.publish(short_records)
    deployment.until_staged()
    own_postgres.kill()
    time.sleep(2)
    before = worker.metric("frames_total")
    own_postgres.start()
    recovery.begins()
    until("it goes on", lambda: worker.ready and worker.metric("frames_total") > before, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["postgresql"])
    assert worker.stop() == 0


@pytest.mark.fault(
    row="The disk is full",
    injected="SQLite's files cannot grow (RLIMIT_FSIZE) while a worker is busy; after 8 s they can again",
    promise="The worker pauses; /ready fails with a reason, no row is half written; once there is "
    "space, the worker resumes by itself",
    bound_s=10,
)
def test_the_disk_is_full(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    worker = deployment.worker(slow=0.02)
    deployment.publish(short_records)
    deployment.until_staged()
    database = Path(deployment.database.removeprefix("sqlite:///"))
    largest = max(path.stat().st_size for path in (database, database.with_name(f"{database.name}-wal")))
    free = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (largest, free[1]))
    until("it says so", lambda: any("space" in reason or "disk" in reason for reason in worker.reasons), 20)
    time.sleep(1)
    rows, offsets = deployment.whole(), deployment.next_offsets()
    time.sleep(6)
    assert worker.live and not worker.ready
    assert deployment.whole() == rows and deployment.next_offsets() == offsets, "it goes no further"
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, free)
    recovery.begins()
    until("it goes on", lambda: worker.ready and deployment.next_offsets() != offsets, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    assert worker.stop() == 0

"""A follower that is killed between its read, its work and its mark, or stands still in between."""

import psutil
import pytest

from reid_core.gallery.schema import LeaseRow
from tests.support.crew import until
from tests.support.tally import happened, tallied, worker_with_tally

KIND = "A follower is killed"
pytestmark = pytest.mark.slow
BOUND = 20


def killed(row, point, promise):
    """A row of the table for each kind of database: the worker dies at a point of `tests.support.deaths`."""
    for database in ("sqlite", "postgresql"):
        mark = pytest.mark.fault(
            row=f"kill -9 of a follower's worker {row}",
            injected=f"SIGKILL by the worker to itself at that point; another one is started ({database})",
            promise=promise,
            bound_s=BOUND,
        )
        yield pytest.param(point, database, marks=mark, id=f"{point} {database}")


AGAIN = "Each event takes effect exactly once and in order: the other one prepares it again"
ROLLED_BACK = (
    "Each event takes effect exactly once and in order: all is rolled back, the other one repeats it"
)
ONCE = "Each event takes effect exactly once and in order: the other one resumes after it"
POINTS = [
    *killed("after it has read its events", "work:before:2", AGAIN),
    *killed("in the middle of its work", "one:after:3", AGAIN),
    *killed("after its work, before the transaction", "work:after:2", AGAIN),
    *killed("in the transaction, effect and mark written, not committed", "mark:commit:2", ROLLED_BACK),
    *killed("right after the transaction", "mark:after:2", ONCE),
]


def all_tallied(deployment, within):
    """Come back once every event has been followed; asserts that each was once and in order."""
    database = deployment.gallery
    until("every event is followed", lambda: len(tallied(database)) >= len(happened(database)), within)
    assert [one[:3] for one in tallied(database)] == happened(database)


@pytest.mark.parametrize(("point", "database"), POINTS)
def test_a_follower_killed_at(
    request, tmp_path, deploy, recovery, short_records, undisturbed, point, database
):
    url = request.getfixturevalue("postgres") if database == "postgresql" else None
    deployment = deploy(database=url)
    target = worker_with_tally(tmp_path)
    worker = deployment.worker(target, deadly=point)
    deployment.publish(short_records)
    deployment.until_dead(worker)
    before = len(tallied(deployment.gallery))
    recovery.begins()
    other = deployment.worker(target)
    deployment.drained(recovery.left)
    all_tallied(deployment, recovery.left)
    recovery.over()
    deployment.check(undisturbed[database])
    processes = [one[3] for one in tallied(deployment.gallery)]
    assert processes == [worker.pid] * before + [other.pid] * (len(processes) - before)
    assert 0 < before < len(processes)


STILL = [
    pytest.param(
        database,
        marks=pytest.mark.fault(
            row="A follower is suspended past its lease, before its transaction",
            injected="SIGSTOP by the worker to itself once the work is prepared; SIGCONT once another one "
            f"has done it ({database})",
            promise="Its transaction is refused; each event takes effect exactly once and in order",
            bound_s=BOUND,
        ),
    )
    for database in ("sqlite", "postgresql")
]


@pytest.mark.parametrize("database", STILL)
def test_a_follower_that_stands_still(
    request, tmp_path, deploy, recovery, short_records, undisturbed, database
):
    url = request.getfixturevalue("postgres") if database == "postgresql" else None
    deployment = deploy(database=url)
    target = worker_with_tally(tmp_path)
    zombie = deployment.worker(target, deadly="freeze work:after:2")
    deployment.publish(short_records)
    stopped = psutil.STATUS_STOPPED
    until("the worker stands still", lambda: psutil.Process(zombie.pid).status() == stopped, 30)
    epoch, before = follower_epoch(deployment), len(tallied(deployment.gallery))
    other = deployment.worker(target)
    until("another one follows", lambda: follower_epoch(deployment) > epoch, 20)
    until("it has gone on", lambda: len(tallied(deployment.gallery)) > before, 20)
    recovery.begins()
    zombie.thaw()
    until("it hears of it", lambda: "Another worker is the tally now" in zombie.log(), recovery.left)
    recovery.over()
    deployment.drained(60)
    all_tallied(deployment, 20)
    deployment.check(undisturbed[database])
    assert [worker.stop() for worker in (zombie, other)] == [0, 0]


def follower_epoch(deployment):
    """Which holder of the tally's lease it is by now."""
    with deployment.gallery.read() as session:
        return session.get(LeaseRow, f"follower/tally/{deployment.group}").epoch

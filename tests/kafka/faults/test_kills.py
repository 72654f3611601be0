"""A worker that is killed wherever it hurts, and the one that goes on in its place."""

import pytest

from tests.support.short_night import LATER

KIND = "A worker is killed"
pytestmark = pytest.mark.slow
BOUND = 20
NEVER = 1 << 63


def killed(row, point, promise, database="sqlite"):
    """A row of the table: the worker dies at a point of `tests.support.deaths`."""
    mark = pytest.mark.fault(
        row=f"kill -9 {row}",
        injected=f"SIGKILL by the worker to itself at that point; another one is started ({database})",
        promise=promise,
        bound_s=BOUND,
    )
    return pytest.param(point, database, marks=mark, id=point)


AGAIN = "The other one processes the records again"
ONCE = "The other one skips what is there already"
ROLLED_BACK = "All of it is rolled back; the other one repeats it"
POINTS = [
    killed("before a tracklet's crops are written", "crop:before:2", AGAIN),
    killed("after they are handed to the transaction", "crop:after:2", AGAIN),
    killed("before the results are committed", "ledger:commit", ROLLED_BACK, "postgresql"),
    killed("after the results are committed", "ledger:after", ONCE, "postgresql"),
    killed(
        "after the first commit of results and offsets",
        "write:kept",
        "There is no second: the other one finds both, or neither",
        "postgresql",
    ),
    killed("before an offset is committed to the database", "offset:commit", AGAIN),
    killed("after the offset is committed", "offset:after", "The other one resumes there"),
    killed(
        "before offsets are committed to Kafka",
        "kafka:before:2",
        "Nothing depends on them; the ledger decides",
    ),
    killed(
        "after offsets are committed to Kafka", "kafka:after:2", "Nothing depends on them; the ledger decides"
    ),
    killed(
        "before the announcing Kafka transaction is committed",
        "announce:before",
        "Readers never see it; it is announced again",
    ),
    killed(
        "after the Kafka commit, before the database notes it",
        "announce:after",
        "Read back from the topics, not announced again",
    ),
    killed("before tracklets are admitted", "admit:before:2", "Staged tracklets wait for the next clerk"),
    killed("before the admission is committed", "admit:commit:2", ROLLED_BACK, "postgresql"),
    killed("after the admission is committed", "admit:after:2", ONCE, "postgresql"),
    killed("between an infrared tracklet and its link", "infrared:after", "The other one links it"),
    killed("before a link is committed", "settle:commit", ROLLED_BACK, "postgresql"),
    killed("after the link is committed", "settle:after", ONCE),
]


@pytest.mark.parametrize(("point", "database"), POINTS)
def test_a_worker_killed_at(request, deploy, recovery, short_records, undisturbed, point, database):
    url = request.getfixturevalue("postgres") if database == "postgresql" else None
    deployment = deploy(database=url)
    worker = deployment.worker(deadly=point)
    # Offsets go on where nobody is followed. For the others the records of the overlapping camera are all
    # needed again, whoever of it is staged or in the gallery already.
    until = NEVER if point.startswith(("offset", "kafka")) else LATER
    deployment.publish([one for one in short_records if one.capture_ns < until])
    deployment.until_dead(worker)
    recovery.begins()
    deployment.worker()
    deployment.publish([one for one in short_records if one.capture_ns >= until])
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed[database])

"""Real footage by the documented commands, with default settings: the rows of ``nightreid run``."""

import random
import time
import uuid

import pytest

from tests.support.broker import external
from tests.support.crew import until
from tests.support.forked import start_server
from tests.support.plain_use import PlainUse, recordings, rows_of_a_run

KIND = "Plain use on real footage"
pytestmark = [pytest.mark.footage, pytest.mark.slow]
# Longer than a worker's session, and than any tracklet may be held.
PAUSED_SECONDS = 70.0
NIGHTS = 3
KILLING_SECONDS = 300.0
NIGHT_SECONDS = 90.0
SEED = 2026


@pytest.fixture(scope="module")
def expected(footage, module_tmp):
    """`gallery_rows` of ``nightreid run`` on the two recordings."""
    start_server()
    found = rows_of_a_run(recordings(footage), module_tmp("run"), numbers=True)
    assert len(found["tracklets"]) >= 9 and len(found["links"]) >= 3 and len(found["identities"]) >= 5
    return found


@pytest.fixture
def plain(request, missing, tmp_path):
    """``plain(bootstrap=None, database=None) -> PlainUse``; ended after the test."""
    if external():
        missing("the fault suite needs brokers of its own: their limits are tighter than others'")
    start_server()

    def make(bootstrap=None, database=None):
        prefix = f"p{uuid.uuid4().hex[:8]}."
        if bootstrap is None:
            bootstrap = request.getfixturevalue("kafka").bootstrap
        database = database or f"sqlite:///{tmp_path / 'x.db'}"
        make.made.append(PlainUse(bootstrap, prefix, database, tmp_path))
        return make.made[-1]

    make.made = []
    yield make
    for one in make.made:
        one.close()


def joined(worker):
    """Come back once a worker is ready; nothing that it says meanwhile is without a sense."""
    said = set()

    def ready():
        said.update(worker.reasons)
        return worker.ready

    until("it has joined", ready, 60)
    assert not any("inf" in reason.split() for reason in said), said


def all_of_it(deployment, expected, within):
    """Nothing waits any more, and everything is as it was expected: no tracklet came late."""
    deployment.drained(within)
    deployment.check(expected)
    assert sum(worker.metric("late_tracklets_total") for worker in deployment.workers if worker.alive) == 0


def test_published_first_and_then_one_worker(plain, footage, expected):
    deployment = plain()
    assert deployment.give(recordings(footage)).ended(120) == 0
    joined(deployment.work())
    all_of_it(deployment, expected, 300)


def test_a_worker_first_and_then_published(plain, footage, expected):
    deployment = plain()
    joined(deployment.work())
    assert deployment.give(recordings(footage)).ended(120) == 0
    all_of_it(deployment, expected, 300)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(
            first,
            marks=pytest.mark.fault(
                row=f"A worker is paused for 70 s, {first} first",
                injected="SIGSTOP to the only worker, which has its default settings, while it has a "
                "backlog; SIGCONT after longer than its session and `limits.hold_seconds`",
                promise="The rows of `nightreid run` on the same footage; no tracklet is late",
                bound_s=240,
            ),
            id=first,
        )
        for first in ("publish", "worker")
    ],
)
def test_a_worker_is_paused(plain, footage, expected, recovery, first):
    deployment = plain()
    if first == "worker":
        worker = deployment.work()
        joined(worker)
        publisher = deployment.give(recordings(footage))
    else:
        publisher = deployment.give(recordings(footage))
        assert publisher.ended(120) == 0
        worker = deployment.work()
    deployment.until_staged(within=120)
    worker.freeze()
    assert deployment.records_left() > 0, "there was nothing left to be paused in"
    assert publisher.ended(120) == 0
    time.sleep(PAUSED_SECONDS)
    worker.thaw()
    recovery.begins()
    all_of_it(deployment, expected, recovery.left)
    recovery.over()
    assert worker.stop() == 0


@pytest.mark.fault(
    row="Random kills for five minutes",
    injected="SIGKILL to one of two workers, the broker or PostgreSQL, in random order every 5 to 15 s, "
    "each started again after up to 5 s, while three days and nights of real footage are published "
    f"(seed {SEED})",
    promise="Every row is that of `nightreid run` on the same footage; `limits.hold_seconds` is the default",
    bound_s=600,
)
def test_random_kills(plain, own_broker, own_postgres, footage, recovery, tmp_path):
    cameras = recordings(footage, NIGHTS)
    (tmp_path / "run").mkdir()
    expected = rows_of_a_run(cameras, tmp_path / "run", numbers=False)
    chance = random.Random(SEED)
    deployment = plain(own_broker.bootstrap, own_postgres.fresh_database())
    words = ("--set", "session_seconds=10")
    crew = [deployment.work(*words), deployment.work(*words)]
    for worker in crew:
        joined(worker)
    begun, publishers = time.monotonic(), []
    due = begun + chance.uniform(5, 15)
    while (now := time.monotonic()) < begun + KILLING_SECONDS:
        if len(publishers) < NIGHTS and now >= begun + NIGHT_SECONDS * len(publishers):
            # Each by itself: together they would be sent twelve hours apart, as they were recorded.
            night = cameras[2 * len(publishers) : 2 * len(publishers) + 2]
            publishers.append([deployment.give([one], realtime=True) for one in night])
        if now >= due:
            _kill(chance, crew, own_broker, own_postgres)
            due = time.monotonic() + chance.uniform(5, 15)
        _start_again(deployment, crew, words)
        time.sleep(0.1)
    _start_again(deployment, crew, words)
    recovery.begins()
    assert [one.ended(recovery.left) for both in publishers for one in both] == [0] * 2 * NIGHTS
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(expected)
    assert [worker.stop() for worker in crew] == [0, 0]


def _kill(chance, crew, broker, postgres):
    victim, seconds = chance.choice(("worker", "worker", "broker", "database")), chance.uniform(0, 5)
    if victim == "worker":
        chance.choice(crew).kill()
        time.sleep(seconds)
    else:
        server = broker if victim == "broker" else postgres
        server.kill()
        time.sleep(seconds)
        server.start()


def _start_again(deployment, crew, words):
    """What a service manager does; also to one that found no database when it started."""
    for number, worker in enumerate(crew):
        if not worker.alive:
            crew[number] = deployment.work(*words)

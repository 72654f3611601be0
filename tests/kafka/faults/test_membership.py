"""Workers that come, go, stand still and come back."""

import time

import psutil
import pytest

from tests.support.crew import until

KIND = "Workers come and go"
pytestmark = pytest.mark.slow


def stands_still(worker):
    """Come back once the worker has stopped itself."""
    stopped = psutil.STATUS_STOPPED
    until("the worker stands still", lambda: psutil.Process(worker.pid).status() == stopped, 30)


def taken_over(deployment, zombie):
    """Come back once another worker holds all that the zombie held."""
    was = deployment.holders()
    assert any(holder for holder, _ in was.values())

    def over():
        now = deployment.holders()
        return all(now[place][1] > epoch for place, (holder, epoch) in was.items() if holder)

    until("another worker takes over", over, 20)
    assert zombie.alive


@pytest.mark.fault(
    row="A worker is suspended past its session timeout, before a write",
    injected="SIGSTOP by the worker to itself just before it writes results; SIGCONT once another has "
    "its partitions",
    promise="The write is refused (fenced) and counted; the other one is not disturbed; the first "
    "rejoins the group",
    bound_s=20,
)
def test_a_zombie_writes_nothing(deploy, postgres, recovery, short_records, undisturbed):
    deployment = deploy(database=postgres)
    zombie = deployment.worker(deadly="freeze ledger:before:2")
    deployment.publish(short_records)
    stands_still(zombie)
    other = deployment.worker(slow=0.02)
    taken_over(deployment, zombie)
    recovery.begins()
    zombie.thaw()
    until("the write is refused", lambda: zombie.metric("fenced_total"), recovery.left)
    assert "belongs to another worker now" in zombie.log()
    until("the worker takes part again", lambda: zombie.ready, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["postgresql"])
    assert other.metric("retries_total") == 0
    assert [worker.stop() for worker in (zombie, other)] == [0, 0]


@pytest.mark.fault(
    row="A worker is suspended past its lease, before an admission",
    injected="SIGSTOP by the worker to itself just before it admits a tracklet; SIGCONT once another is "
    "the clerk",
    promise="It admits nothing more; the other one has admitted in its place",
    bound_s=20,
)
def test_a_zombie_admits_nothing(deploy, postgres, recovery, short_records, undisturbed):
    deployment = deploy(database=postgres)
    zombie = deployment.worker(deadly="freeze admit:before:2")
    deployment.publish(short_records)
    stands_still(zombie)
    deployment.worker(slow=0.02)
    epoch = deployment.lease_epoch()
    until("another clerk", lambda: deployment.lease_epoch() > epoch, 20)
    recovery.begins()
    zombie.thaw()
    until("it hears of it", lambda: "Another worker has become the clerk" in zombie.log(), recovery.left)
    until("it leads no more", lambda: not zombie.metric("leads"), recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["postgresql"])
    assert zombie.stop() == 0


@pytest.mark.fault(
    row="A worker is suspended past its lease, before an announcement",
    injected="SIGSTOP by the worker to itself just before it commits a Kafka transaction; SIGCONT once "
    "another has announced in its place",
    promise="Kafka refuses the transaction; nothing is announced twice",
    bound_s=20,
)
def test_a_zombie_announces_nothing(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    zombie = deployment.worker(deadly="freeze announce:before")
    deployment.publish(short_records)
    stands_still(zombie)
    other = deployment.worker()
    deployment.drained(40)
    recovery.begins()
    zombie.thaw()
    until("it hears of it", lambda: "The announcer waits" in zombie.log(), recovery.left)
    recovery.over()
    deployment.drained(20)
    deployment.check(undisturbed["sqlite"])
    assert [worker.stop() for worker in (zombie, other)] == [0, 0]


@pytest.mark.fault(
    row="Five workers join and leave within 10 s",
    injected="While one works, five others are started and stopped by SIGTERM, one after another and "
    "overlapping",
    promise="No worker writes to another's partitions; each exits with status 0; all records are processed",
    bound_s=40,
)
def test_workers_join_and_leave(deploy, postgres, recovery, short_records, undisturbed):
    deployment = deploy(database=postgres, slow=0.05)
    first = deployment.worker()
    deployment.publish(short_records)
    deployment.until_staged()
    recovery.begins()
    begun = time.monotonic()
    others = []
    for step in range(6):
        if step < 5:
            others.append(deployment.worker())
        if step > 0:
            others[step - 1].ask_to_stop()
        time.sleep(max(0.0, begun + 1.6 * (step + 1) - time.monotonic()))
    assert deployment.records_left() > 0, "there was nothing left to fight for"
    assert [worker.ended(recovery.left) for worker in others] == [0] * 5
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["postgresql"])
    assert first.stop() == 0


@pytest.mark.fault(
    row="SIGTERM under load",
    injected="SIGTERM while records wait in the worker and in Kafka; another worker is started afterwards",
    promise="It exits with status 0 in the time allowed, its finished work is written, and the next one "
    "resumes from there",
    bound_s=8,
)
def test_a_worker_is_asked_to_stop_under_load(deploy, recovery, short_records, undisturbed):
    deployment = deploy(slow=0.05, limits={"stop_seconds": 8.0})
    worker = deployment.worker()
    deployment.publish(short_records)
    deployment.until_staged()
    assert worker.metric("waiting_records") > 0
    recovery.begins()
    assert worker.stop() == 0
    recovery.over()
    assert not any(holder for holder, _ in deployment.holders().values()), "it let go of everything"
    assert deployment.records_left() > 0
    deployment.worker(slow=0.0)
    deployment.drained(40)
    deployment.check(undisturbed["sqlite"])


@pytest.mark.fault(
    row="A worker with static membership restarts",
    injected="Two workers with static names; one is stopped by SIGTERM and started again within its "
    "session timeout",
    promise="It gets its partitions back, and the other one keeps its own without interruption",
    bound_s=10,
)
def test_a_static_member_is_started_again(deploy, recovery, short_records, undisturbed):
    deployment = deploy(session_seconds=15.0, partitions=2)
    one, two = deployment.worker(member="one"), deployment.worker(member="two")
    until(
        "both have partitions",
        lambda: one.metric("assigned_partitions") == two.metric("assigned_partitions") == 2,
        30,
    )
    half = len(short_records) // 2
    deployment.publish(short_records[:half])
    until("all of it is taken", lambda: deployment.records_taken() == half, 30)
    before = deployment.holders()
    recovery.begins()
    assert one.stop() == 0
    again = deployment.worker(member="one")
    until("it has them again", lambda: again.metric("assigned_partitions") == 2, recovery.left)
    recovery.over()
    after = deployment.holders()
    assert {place: held for place, held in after.items() if held[0] == "two"} == {
        place: held for place, held in before.items() if held[0] == "two"
    }
    deployment.publish(short_records[half:])
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    assert [worker.stop() for worker in (again, two)] == [0, 0]

"""What comes back as it was before, or is made anew, or was there before Kafka was."""

import sqlite3
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from sqlalchemy import select

from reid_core.gallery.database import Database
from reid_core.gallery.schema import RecordingRow
from tests.support.crew import until
from tests.support.giving import PublisherProcess
from tests.support.mjpeg import camera

KIND = "Restored, made anew, or early"
pytestmark = pytest.mark.slow
SECOND = 1_000_000_000
LETTERS = 12


def back_up(url, to):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as source, sqlite3.connect(to) as target:
        source.backup(target)


def restore(deployment, backup):
    deployment.gallery.close()
    path = Path(deployment.database.removeprefix("sqlite:///"))
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    path.write_bytes(backup.read_bytes())
    deployment.gallery = Database(deployment.database)


@pytest.mark.fault(
    row="The database is restored from a backup",
    injected="The file is put back to where it was in the middle of the night; the topics tell more",
    promise="What the restored gallery finds again is announced, as the next generation; nothing is left out",
    bound_s=30,
)
def test_the_database_is_restored(tmp_path, deploy, recovery, short_records, undisturbed):
    deployment, backup = deploy(), tmp_path / "backup.db"
    worker = deployment.worker(slow=0.05)
    deployment.publish(short_records)
    until("somebody is in the gallery", lambda: deployment.count("tracklets"), 30)
    back_up(deployment.database, backup)
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    before = [(one.outbox, one.headers["generation"]) for one in deployment.told("sightings")]
    assert worker.stop() == 0 and {generation for _, generation in before} == {b"1"}
    restore(deployment, backup)
    assert 0 < deployment.count("tracklets") < len(before)
    recovery.begins()
    again = deployment.worker()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])
    told = [(one.outbox, one.headers["generation"]) for one in deployment.told("sightings")]
    assert told[: len(before)] == before and {generation for _, generation in told[len(before) :]} == {b"2"}
    assert again.stop() == 0


@pytest.mark.fault(
    row="The topics of frames are made anew",
    injected="Deleted, with dead letters in them, and created again while the worker is stopped; their "
    "records begin with number 0",
    promise="Every record of the new ones is processed, whatever was at its place in the old ones",
    bound_s=30,
)
def test_topics_made_anew(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    worker = deployment.worker()
    names = [f"{deployment.prefix}frames.{modality}" for modality in ("visible", "infrared")]
    with KafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        for name in names:
            for number in range(LETTERS):
                producer.send(name, b"no map", partition=number % 2)
        producer.flush(10)
    deployment.drained(30)
    assert worker.stop() == 0
    letters = [("frames.visible", "schema")] * LETTERS + [("frames.infrared", "schema")] * LETTERS
    assert len(deployment.refused()) == len(letters)
    with KafkaAdminClient(bootstrap_servers=deployment.bootstrap) as admin:
        admin.delete_topics(names)
        until("they are gone", lambda: not set(names) & set(admin.list_topics()), 20)
        configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(10 << 20)}
        told = {"num_partitions": 2, "replication_factor": 1, "configs": configs}
        admin.create_topics(dict.fromkeys(names, told))
    deployment.publish(short_records)
    recovery.begins()
    again = deployment.worker()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"], letters)
    assert again.stop() == 0


@pytest.mark.fault(
    row="A camera is started while Kafka is away",
    injected="A publisher reads a live camera for 8 s before the broker is started; clocks may be off by 3 s",
    promise="Its frames keep the times at which they were taken; no clock counts as wrong",
    bound_s=30,
)
def test_a_publisher_before_kafka(tmp_path, deploy, own_broker, recovery):
    deployment = deploy(own_broker, order={"clock_tolerance_seconds": 3.0})
    own_broker.stop()
    with camera(200) as source:
        settings = {
            "kafka": {"bootstrap": [own_broker.bootstrap]},
            "prefix": deployment.prefix,
            "cameras": [{"camera": "door", "source": source.url, "modality": "visible"}],
        }
        publisher = PublisherProcess(settings, tmp_path)
        begun_ns = time.time_ns()
        publisher.start()
        try:
            until("it reads", lambda: source.sent > 0, 30)
            read_ns = time.time_ns()
            until("all is read", lambda: source.sent == 200, 60)
            own_broker.start()
            recovery.begins()
            until("it is sent", lambda: publisher.metric("frames_acknowledged_total") == 200, recovery.left)
            worker = deployment.worker()
            assert publisher.stop() == 0
            deployment.drained(recovery.left)
            recovery.over()
        finally:
            publisher.remove()
    deployment.check_topics()
    with deployment.gallery.read() as session:
        [recording] = session.scalars(select(RecordingRow))
        started = recording.start_ns, recording.frames_done
    assert begun_ns <= started[0] <= read_ns + SECOND and started[1] == 200
    assert worker.metric("oddities_total") == 0
    assert deployment.count("tracklets") == 1
    assert worker.stop() == 0

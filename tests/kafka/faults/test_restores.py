"""What comes back as it was before, or is made anew, or was there before Kafka was."""

import sqlite3
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from sqlalchemy import delete, select

from reid_core.gallery.database import Database
from reid_core.gallery.outbox import event_values, put_events
from reid_core.gallery.schema import OutboxRow, RecordingRow
from stream.kafka.clients import KafkaSettings
from stream.kafka.dead_letter_box import list_letters
from stream.kafka.topic_plan import TopicSettings
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


def take_a_number(deployment):
    """As of an event that was given up: those to come are one further."""
    with deployment.gallery.write() as session:
        (number,) = put_events(session, [event_values("none", "nobody", {}, 0)])
        session.execute(delete(OutboxRow).where(OutboxRow.id == number))


@pytest.mark.fault(
    row="The database is restored from a backup",
    injected="The file is put back to where it was in the middle of the night; the topics tell more",
    promise="What the restored gallery finds again is announced, as the next generation; nothing is left out",
    bound_s=30,
)
def test_the_database_is_restored(tmp_path, deploy, recovery, short_records, undisturbed):
    deployment, backup = deploy(), tmp_path / "backup.db"
    worker, share = deployment.worker(), 2 * len(short_records) // 3
    deployment.publish(short_records[:share])
    until("somebody is in the gallery", lambda: deployment.count("tracklets"), 30)
    back_up(deployment.database, backup)
    deployment.publish(short_records[share:])
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    before = [(one.outbox, one.headers["generation"]) for one in deployment.told("sightings")]
    assert worker.stop() == 0 and {generation for _, generation in before} == {b"1"}
    restore(deployment, backup)
    assert 0 < deployment.count("tracklets") < len(before)
    # What is found again may have the very numbers that it had, and is told already then. Not here.
    take_a_number(deployment)
    recovery.begins()
    again = deployment.worker()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])
    told = [(one.outbox, one.headers["generation"]) for one in deployment.told("sightings")]
    assert told[: len(before)] == before and {generation for _, generation in told[len(before) :]} == {b"2"}
    assert again.stop() == 0


def frame_topics(deployment):
    return [f"{deployment.prefix}frames.{modality}" for modality in ("visible", "infrared")]


def publish_letters(deployment, number=LETTERS):
    """So many records that are no frames, in each of the topics' partitions half of them."""
    with KafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        for name in frame_topics(deployment):
            for one in range(number):
                producer.send(name, b"no map", partition=one % 2)
        producer.flush(10)


def make_anew(deployment):
    """Delete the topics of frames, and create them again."""
    names = frame_topics(deployment)
    with KafkaAdminClient(bootstrap_servers=deployment.bootstrap) as admin:
        admin.delete_topics(names)
        until("they are gone", lambda: not set(names) & set(admin.list_topics()), 20)
        configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(10 << 20)}
        told = {"num_partitions": 2, "replication_factor": 1, "configs": configs}
        admin.create_topics(dict.fromkeys(names, told))


def letters(number=LETTERS):
    return [(f"frames.{modality}", "schema") for modality in ("visible", "infrared")] * number


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
    publish_letters(deployment)
    deployment.drained(30)
    assert worker.stop() == 0
    assert len(deployment.refused()) == len(letters())
    make_anew(deployment)
    deployment.publish(short_records)
    recovery.begins()
    again = deployment.worker()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"], letters())
    assert again.stop() == 0


@pytest.mark.fault(
    row="The topics of frames are made anew under a worker",
    injected="Deleted, with dead letters in them, and created again with more records than they had, while "
    "the worker stands still and stays a member (SIGSTOP, SIGCONT); once more while it waits for records",
    promise="Every record of the new ones is processed once, from number 0 on; each dead letter is listed, "
    "also those at the same places",
    bound_s=30,
)
def test_topics_made_anew_under_a_worker(deploy, recovery, short_records, undisturbed):
    deployment = deploy(session_seconds=30.0)
    worker = deployment.worker()
    publish_letters(deployment)
    deployment.drained(30)
    worker.freeze()
    make_anew(deployment)
    deployment.publish(short_records)
    before = deployment.next_offsets()
    assert all(offset == LETTERS // 2 for offset in before.values())
    worker.thaw()
    recovery.begins()
    deployment.drained(recovery.left)
    deployment.check(undisturbed["sqlite"], letters())
    make_anew(deployment)
    publish_letters(deployment, LETTERS // 2)
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"], letters() + letters(LETTERS // 2))
    kafka, settings = KafkaSettings(bootstrap=[deployment.bootstrap]), TopicSettings(prefix=deployment.prefix)
    listed = [one.place for one in list_letters(kafka, settings, frame_topics(deployment))]
    assert sorted(listed) == sorted(
        f"{name}/{number}/{offset}"
        for name in frame_topics(deployment)
        for number in range(2)
        for offset in [*range(LETTERS // 2), *range(LETTERS // 4)]
    )
    assert worker.alive and worker.stop() == 0


def accounted(publisher):
    """How many frames are in Kafka, or were dropped."""
    names = ("frames_acknowledged_total", "frames_dropped_total")
    return sum(publisher.metric(name) for name in names)


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
            # Its camera is given up meanwhile: it may have sent all and ended before anybody asks. A machine
            # that is busy with something else drops a frame of a live camera here and there, and counts it.
            until("it is sent", lambda: not publisher.alive or accounted(publisher) == 200, recovery.left)
            worker = deployment.worker()
            assert publisher.stop() == 0
            told = publisher.result
            assert told["acknowledged"] + told["dropped"] == 200 and told["acknowledged"] >= 180
            deployment.drained(recovery.left)
            recovery.over()
        finally:
            publisher.remove()
    deployment.check_books()
    with deployment.gallery.read() as session:
        [recording] = session.scalars(select(RecordingRow))
        started = recording.start_ns, recording.frames_done
    assert begun_ns <= started[0] <= read_ns + SECOND and started[1] == told["acknowledged"]
    assert worker.metric("oddities_total") == 0
    assert deployment.count("tracklets") == 1
    assert worker.stop() == 0

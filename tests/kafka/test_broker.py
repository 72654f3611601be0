"""The servers that the other tests stand on: they keep what they acknowledged, and can be hurt."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import sqlalchemy
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError

from tests.conftest import ROOT, command_environment
from tests.support.broker import Cluster, external
from tests.support.reaper import family


def create(cluster, topic, partitions=1, copies=1, **configs):
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
        admin.create_topics(
            {
                topic: {
                    "num_partitions": partitions,
                    "replication_factor": copies,
                    "configs": {name.replace("_", "."): value for name, value in configs.items()},
                }
            },
            wait_for_metadata=True,
        )


def produce(cluster, topic, values, **options):
    """Send, and come back once each is acknowledged by all replicas in sync."""
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, **options)
    try:
        for sent in [producer.send(topic, value) for value in values]:
            sent.get(20)
    finally:
        producer.close(timeout=0)


def consume(cluster, topic, count, timeout=20):
    """The values of a topic, oldest first, once there are that many."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    deadline = time.monotonic() + timeout
    found = []
    while len(found) < count and time.monotonic() < deadline:
        for records in consumer.poll(200).values():
            found.extend(record.value for record in records)
    consumer.close()
    return found


def test_what_is_produced_is_consumed(kafka, topic_prefix):
    topic = f"{topic_prefix}frames"
    create(kafka, topic)
    values = [b"%d" % number * 1000 for number in range(50)]
    produce(kafka, topic, values)
    assert consume(kafka, topic, 50) == values


def test_it_runs_in_any_folder_and_locale(broker_jars, missing, tmp_path, monkeypatch):
    if external():
        missing("KAFKA_BOOTSTRAP names a broker that is there already")
    monkeypatch.setenv("LC_ALL", "C")
    folder = tmp_path / "Jörgs Ordner, neu"
    cluster = Cluster(folder)
    try:
        cluster.start()
        create(cluster, "frames")
        produce(cluster, "frames", [b"one"])
        assert consume(cluster, "frames", 1) == [b"one"]
    finally:
        cluster.kill()
    assert (folder / "node1/data/frames-0").is_dir()


def test_topics_are_never_made_by_naming_them(kafka, topic_prefix):
    with pytest.raises(KafkaTimeoutError):
        produce(kafka, f"{topic_prefix}misspelt", [b"x"], max_block_ms=1500)


def test_a_restart_a_kill_and_a_freeze_lose_nothing(own_broker):
    address = own_broker.bootstrap
    create(own_broker, "kept")
    produce(own_broker, "kept", [b"before"])

    own_broker.restart()
    assert own_broker.bootstrap == address
    assert consume(own_broker, "kept", 1) == [b"before"]

    produce(own_broker, "kept", [b"%d" % number for number in range(500)])
    own_broker.kill()
    assert not own_broker.nodes[0].alive
    own_broker.start()
    assert consume(own_broker, "kept", 501) == [b"before", *(b"%d" % number for number in range(500))]

    producer = KafkaProducer(bootstrap_servers=address)
    producer.send("kept", b"connected").get(20)
    own_broker.freeze()
    sent = producer.send("kept", b"while frozen")
    with pytest.raises(KafkaTimeoutError):
        sent.get(1.5)
    own_broker.thaw()
    sent.get(20)
    producer.close()
    assert consume(own_broker, "kept", 503)[501:] == [b"connected", b"while frozen"]


def test_three_nodes_outlive_one(make_cluster):
    cluster = make_cluster(nodes=3)
    create(cluster, "three", partitions=3, copies=3, min_insync_replicas="2")
    produce(cluster, "three", [b"a%d" % number for number in range(60)])
    cluster.nodes[0].kill()
    produce(cluster, "three", [b"b%d" % number for number in range(60)])
    assert sorted(consume(cluster, "three", 120)) == sorted(
        b"%s%d" % (letter, number) for letter in (b"a", b"b") for number in range(60)
    )


def test_postgres_searches_vectors(postgres, postgres_server):
    engine = sqlalchemy.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION vector")
        connection.exec_driver_sql("CREATE TABLE points (name text, place vector(2))")
        connection.exec_driver_sql("INSERT INTO points VALUES ('near', '[1,1]'), ('far', '[9,9]')")
        nearest = connection.exec_driver_sql("SELECT name FROM points ORDER BY place <-> '[8,9]' LIMIT 1")
        assert nearest.scalar() == "far"
    assert postgres_server.fresh_database() != postgres


def test_a_stopped_killed_or_frozen_postgres_keeps_what_was_committed(own_postgres):
    engine = sqlalchemy.create_engine(own_postgres.fresh_database(), pool_pre_ping=True)

    def add(number):
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("INSERT INTO kept VALUES (:number)"), {"number": number})

    def kept():
        with engine.connect() as connection:
            return list(connection.exec_driver_sql("SELECT number FROM kept ORDER BY number").scalars())

    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (number int)")
    add(1)
    own_postgres.stop()
    with pytest.raises(sqlalchemy.exc.OperationalError):
        add(2)
    own_postgres.start()
    add(3)
    own_postgres.kill()
    own_postgres.start()
    assert kept() == [1, 3]

    open_one = engine.connect()
    own_postgres.freeze()
    assert {process.status() for process in family(own_postgres.pid)} == {psutil.STATUS_STOPPED}
    own_postgres.thaw()
    assert open_one.exec_driver_sql("SELECT 1").scalar() == 1
    open_one.close()
    assert kept() == [1, 3]


STARTER = """
import sys, time
from pathlib import Path
from tests.support.broker import Cluster
from tests.support.postgres import Postgres
cluster = Cluster(Path(sys.argv[1]))
cluster.start()
postgres = Postgres()
postgres.start()
postgres.freeze()
print(cluster.nodes[0].pid, postgres.pid, postgres.folder, flush=True)
time.sleep(600)
"""


def test_servers_do_not_outlive_a_session_that_is_killed(broker_jars, postgres_server, tmp_path):
    session = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=ROOT,
        env=command_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    *pids, folder = session.stdout.readline().split()
    servers = [process for pid in pids for process in family(int(pid))]
    assert len(servers) > 3
    session.kill()
    session.wait(10)
    session.stdout.close()
    _, alive = psutil.wait_procs(servers, timeout=10)
    assert alive == []
    deadline = time.monotonic() + 10
    while (left := Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left

"""Topics of a deployment on a real broker: made, checked, and who is behind."""

import json
import time

import pytest

from reid_core.types import Modality
from stream.kafka.clients import (
    ConfigResource,
    KafkaSettings,
    OffsetAndMetadata,
    TopicPartition,
    admin,
    consumer,
    producer,
    translated,
    using,
)
from stream.kafka.errors import BrokerError
from stream.kafka.lag import lag
from stream.kafka.topics import Topic, TopicSettings, check, create, plan


@pytest.fixture
def reached(kafka):
    return KafkaSettings(bootstrap=kafka.bootstrap, request_seconds=20)


@pytest.fixture
def settings(topic_prefix):
    return TopicSettings(prefix=topic_prefix, frame_partitions=3, result_partitions=2)


def about(findings):
    return {(each.topic, each.about) for each in findings}


def test_the_plan_names_every_topic_and_its_prefix():
    settings = TopicSettings(prefix="siteA.", frame_partitions=6, replication=3, frame_hours=2)
    planned = {topic.name: topic for topic in plan(settings)}
    assert list(planned) == [
        "siteA.frames.visible",
        "siteA.frames.infrared",
        "siteA.sightings",
        "siteA.links",
        "siteA.captions",
        "siteA.alerts",
        "siteA.dlq.frames.visible",
        "siteA.dlq.frames.infrared",
        "siteA.audit",
        "siteA.control",
    ]
    frames = planned["siteA.frames.infrared"]
    assert (frames.partitions, frames.replication) == (6, 3)
    assert frames.configs["retention.ms"] == str(2 * 3600 * 1000)
    assert int(frames.configs["segment.ms"]) * 4 == int(frames.configs["retention.ms"])
    assert {topic.configs["message.timestamp.type"] for topic in planned.values()} == {"LogAppendTime"}
    assert {topic.configs["min.insync.replicas"] for topic in planned.values()} == {"2"}
    letters = planned["siteA.dlq.frames.infrared"]
    assert int(letters.configs["max.message.bytes"]) > int(frames.configs["max.message.bytes"])
    control = planned["siteA.control"]
    assert (control.partitions, control.configs["cleanup.policy"]) == (1, "compact")


@pytest.mark.parametrize(
    "values",
    [{"prefix": "site A"}, {"prefix": "a/b"}, {"frame_partitions": 0}, {"frame_hours": 0}, {"hours": 1}],
)
def test_wrong_settings_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        TopicSettings.model_validate(values)


def test_making_them_once_is_enough(reached, settings):
    first = create(reached, settings)
    assert first.created == tuple(topic.name for topic in plan(settings))
    assert (first.kept, first.findings) == ((), ())
    again = create(reached, settings)
    assert (again.created, again.kept, again.findings) == ((), first.created, ())
    assert check(reached, settings) == []


def test_only_what_is_missing_is_made_and_differences_are_told(reached, settings):
    frames = settings.frames(Modality.VISIBLE)
    with admin(reached) as client:
        client.create_topics({frames: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    done = create(reached, settings)
    assert frames not in done.created
    assert done.kept == (frames,)
    assert (frames, "partitions") in about(done.findings)
    with admin(reached) as client:
        described = client.describe_topics([frames])[0]
    assert len(described["partitions"]) == 2, "what was there is left as it was"


def test_everything_wrong_is_found(reached, settings):
    assert about(check(reached, settings)) == {(topic.name, "missing") for topic in plan(settings)}
    frames = settings.frames(Modality.VISIBLE)
    wrong = {
        frames: {
            "num_partitions": 2,
            "replication_factor": 1,
            "configs": {
                "cleanup.policy": "compact",
                "max.message.bytes": "1000000",
                "message.timestamp.type": "CreateTime",
                "retention.ms": "-1",
            },
        }
    }
    with admin(reached) as client:
        client.create_topics(wrong, wait_for_metadata=True)
    wanted = next(topic for topic in plan(settings) if topic.name == frames)
    wanted = Topic(frames, 3, 2, {**wanted.configs, "min.insync.replicas": "2"})
    found = check(reached, settings, [wanted])
    assert {each.about for each in found} == {
        "partitions",
        "replication",
        "cleanup.policy",
        "max.message.bytes",
        "message.timestamp.type",
        "retention.ms",
        "segment.ms",
        "min.insync.replicas",
    }
    assert "It has 2 partitions; 3 are wanted." in {each.text for each in found}
    assert "max.message.bytes is 1000000; 2097152 or more is wanted." in {each.text for each in found}


def test_more_than_planned_is_not_wrong(reached, settings):
    create(reached, settings)
    fewer = settings.model_copy(update={"frame_partitions": 2, "max_message_bytes": 1_500_000})
    assert check(reached, fewer) == []


def test_what_the_broker_refuses_is_said(reached, settings):
    with pytest.raises(BrokerError, match=r"too few brokers for this replication: topic .*frames\.visible"):
        create(reached, settings.model_copy(update={"replication": 3}))
    assert about(check(reached, settings)) == {(topic.name, "missing") for topic in plan(settings)}


def test_a_node_that_is_gone_is_found(make_cluster):
    cluster = make_cluster(nodes=3)
    reached = KafkaSettings(bootstrap=cluster.bootstrap)
    settings = TopicSettings(frame_partitions=3, result_partitions=1, replication=3)
    create(reached, settings)
    assert check(reached, settings) == []
    cluster.nodes[2].kill()
    deadline = time.monotonic() + 20
    while not (found := check(reached, settings)) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert {each.about for each in found} == {"in-step"}


def test_the_records_time_is_the_brokers(reached, settings):
    create(reached, settings)
    topic = settings.frames(Modality.INFRARED)
    with using(producer(reached)) as client:
        # A camera two days ahead: without LogAppendTime, Kafka 4 would refuse the record.
        sent = client.send(topic, b"x", timestamp_ms=int((time.time() + 172_800) * 1000)).get(10)
    assert abs(sent.timestamp / 1000 - time.time()) < 60


def test_a_record_of_the_largest_size_has_room(reached, settings):
    create(reached, settings)
    largest = settings.max_message_bytes
    with using(producer(reached, max_request_size=2 * largest)) as client:
        client.send(settings.frames(Modality.VISIBLE), b"x" * (largest - 1000)).get(10)
        with pytest.raises(BrokerError, match="larger than its topic accepts"), translated():
            client.send(settings.frames(Modality.VISIBLE), b"x" * (largest + 1000)).get(10)
    # As a dead letter it is larger, and must be taken all the same.
    letters = settings.dead_letters(settings.frames(Modality.VISIBLE))
    # Another producer: after one record that is too large the library's sends nothing any more.
    with using(producer(reached, max_request_size=2 * largest)) as client:
        client.send(letters, b"x" * (largest + 1000)).get(10)


def produced(reached, topic, counts):
    with using(producer(reached)) as client:
        for partition, count in counts.items():
            for _ in range(count):
                client.send(topic, b"x", partition=partition)
        client.flush(10)


def committed(reached, group, offsets):
    with using(consumer(reached, group_id=group)) as client:
        client.assign(list(offsets))
        client.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()})


def test_lag_of_each_group_and_partition(reached, settings):
    create(reached, settings)
    frames, sightings = settings.frames(Modality.VISIBLE), settings.sightings
    produced(reached, frames, {0: 5, 1: 7})
    group = f"{settings.prefix}workers"
    assert lag(reached, [frames]) == []
    committed(reached, group, {TopicPartition(frames, 0): 5, TopicPartition(frames, 1): 2})
    committed(reached, f"{group}.others", {TopicPartition(sightings, 0): 0})
    found = lag(reached, [frames])
    assert [(each.group, each.partition, each.committed, each.end, each.lag) for each in found] == [
        (group, 0, 5, 5, 0),
        (group, 1, 2, 7, 5),
        (group, 2, None, 0, 0),
    ]
    assert {each.topic for each in lag(reached, [frames, sightings], [f"{group}.others"])} == {sightings}
    assert lag(reached, [frames], [f"{group}.unheard-of"]) == []
    with admin(reached) as client:
        client.delete_records({TopicPartition(frames, 1): 4})
    last = lag(reached, [frames], [group])[1]
    assert (last.start, last.lag, last.missed) == (4, 3, 2)


def test_lag_of_a_topic_that_is_not_there(reached, topic_prefix):
    with pytest.raises(BrokerError, match=f"no such topic or partition: topic {topic_prefix}x"):
        lag(reached, [f"{topic_prefix}x"])


def test_the_commands(kafka, topic_prefix, nightreid, tmp_path):
    (tmp_path / "site.yaml").write_text(
        f"prefix: {topic_prefix}\nkafka:\n  bootstrap: {kafka.bootstrap}\n"
        # A worker's and a publisher's: one file serves them all.
        "database: postgresql:///x\ncameras: []\nframe_partitions: 2\n"
    )
    site = ("--config", tmp_path / "site.yaml")

    def run(*arguments, status=0):
        done = nightreid(*arguments, cwd=tmp_path)
        assert done.returncode == status, done.stderr
        return done

    missing = json.loads(run("topics", "check", *site, "--json", status=1).stdout)["findings"]
    assert {each["about"] for each in missing} == {"missing"}
    created = run("topics", "create", *site)
    assert f"created {topic_prefix}frames.visible (2 partitions)\n" in created.stdout
    assert created.stderr == ""
    assert run("topics", "check", *site).stdout == "All 10 topics are as planned.\n"
    with admin(KafkaSettings(bootstrap=kafka.bootstrap)) as client:
        changed = ConfigResource("topic", f"{topic_prefix}control", {"cleanup.policy": "delete"})
        client.alter_configs([changed])
    told = run("topics", "check", *site, status=1)
    assert told.stdout == (f"{topic_prefix}control: cleanup.policy is delete; compact is wanted.\n")
    assert run("topics", "lag", *site).stdout == "No group has read any of these topics.\n"
    group = f"{topic_prefix}w"
    place = TopicPartition(f"{topic_prefix}frames.visible", 1)
    committed(KafkaSettings(bootstrap=kafka.bootstrap), group, {place: 0})
    rows = json.loads(run("topics", "lag", *site, "--json").stdout)["partitions"]
    assert [(each["group"], each["partition"], each["lag"]) for each in rows] == [
        (group, 0, 0),
        (group, 1, 0),
    ]
    assert group in run("topics", "lag", *site, "--group", group).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("topics", "check", "--bootstrap", "127.0.0.1:1"), 1, "error[kafka-away]: No Kafka broker answers"),
        (("dlq", "list", "--bootstrap", "127.0.0.1:1"), 1, "127.0.0.1:1 (connection refused)"),
        (("topics", "create", "--bootstrap", "a:b:c"), 2, "not of the form host:port"),
        (("topics", "create", "--prefix", "a b"), 2, "error[config]: Configuration key 'prefix'"),
        (("topics", "create", "--set", "frame_partition=3"), 2, "Did you mean 'frame_partitions'?"),
        (("topics", "check", "--config", "none.yaml"), 2, "none.yaml does not exist"),
    ],
)
def test_wrong_input_is_one_sentence_in_time(nightreid, tmp_path, arguments, status, said):
    began = time.monotonic()
    done = nightreid(*arguments, cwd=tmp_path)
    assert time.monotonic() - began < 15, "ten seconds, and a machine that is busy"
    assert done.returncode == status
    assert said in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 2

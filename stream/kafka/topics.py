"""Makes the topics of a deployment and finds out whether they are as planned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stream.kafka.clients import (
    ConfigResource,
    KafkaAdminClient,
    KafkaSettings,
    ask,
    kafka_errors,
)
from stream.kafka.errors import BrokerError
from stream.kafka.topic_plan import Topic, TopicSettings, plan

__all__ = ["Creation", "Finding", "Topic", "TopicSettings", "check", "create", "plan"]


@dataclass(frozen=True)
class Finding:
    """Something about a topic that is not as planned.

    Attributes:
        topic: its name.
        about: ``missing``, ``partitions``, ``replication``, ``leader``, ``in-step``, or the name of the
            setting of Kafka's that differs.
        text: one sentence.
    """

    topic: str
    about: str
    text: str


@dataclass(frozen=True)
class Creation:
    """What `create` did.

    Attributes:
        created: names of the topics that were not there.
        kept: names of those that were; nothing about them is changed.
        findings: how those differ from what they should be.
    """

    created: tuple[str, ...]
    kept: tuple[str, ...]
    findings: tuple[Finding, ...]


def create(kafka: KafkaSettings, settings: TopicSettings) -> Creation:
    """Make the topics that are not there; the others are left as they are.

    Raises:
        BrokerError: Kafka cannot be reached, or refuses a topic; what it made before stays.
    """
    wanted = plan(settings)
    made: set[str] = set()

    def make(client: KafkaAdminClient) -> None:
        existing = set(client.list_topics())
        made.update(topic.name for topic in wanted if topic.name not in existing and _create(client, topic))
        client.wait_for_topics(sorted(made), timeout_ms=int(kafka.request_seconds * 1000))

    ask(kafka, make)
    kept = [topic for topic in wanted if topic.name not in made]
    return Creation(
        created=tuple(topic.name for topic in wanted if topic.name in made),
        kept=tuple(topic.name for topic in kept),
        findings=tuple(check(kafka, settings, kept)) if kept else (),
    )


def _create(client: KafkaAdminClient, topic: Topic) -> bool:
    """Make one topic; false where somebody else was quicker."""
    asked = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": dict(topic.configs),
        }
    }
    answer = client.create_topics(asked, raise_errors=False)["topics"][0]
    kind = kafka_errors.for_code(answer["error_code"])
    if kind is kafka_errors.TopicAlreadyExistsError:
        return False
    if kind is not kafka_errors.NoError:
        raise kind(f"topic {topic.name}: {answer['error_message'] or kind.description}")
    return True


def check(
    kafka: KafkaSettings, settings: TopicSettings, topics: Iterable[Topic] | None = None
) -> list[Finding]:
    """Compare the topics with the plan.

    Args:
        kafka: how Kafka is reached.
        settings: of the topics.
        topics: some of the plan alone.

    Returns:
        What is wrong, topic by topic; empty where nothing is. More partitions, copies or room than planned
        are not wrong.

    Raises:
        BrokerError: Kafka cannot be reached, or does not tell.
    """
    wanted = list(plan(settings) if topics is None else topics)

    def look(client: KafkaAdminClient) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        told = client.describe_topics([topic.name for topic in wanted])
        there = {each["name"]: each for each in told if _exists(each)}
        return there, _configs(client, [topic for topic in wanted if topic.name in there])

    described, configs = ask(kafka, look)
    found: list[Finding] = []
    for topic in wanted:
        if topic.name not in described:
            found.append(Finding(topic.name, "missing", "The topic does not exist."))
            continue
        found.extend(_partitions(topic, described[topic.name]["partitions"]))
        found.extend(_settings(topic, configs[topic.name]))
    return found


def _exists(described: Mapping[str, Any]) -> bool:
    kind = kafka_errors.for_code(described["error_code"])
    if kind is kafka_errors.UnknownTopicOrPartitionError:
        return False
    if kind is not kafka_errors.NoError:
        raise kind(f"topic {described['name']}")
    return True


def _configs(client: KafkaAdminClient, topics: Iterable[Topic]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource("topic", topic.name, list(topic.configs)) for topic in topics]
    if not asked:
        return {}
    told = client.describe_configs(asked, config_filter="all")["topic"]
    for name, values in told.items():
        # The library passes over the error that stands beside the empty answer.
        if not values:
            raise BrokerError(
                f"Kafka does not return the settings of the topic {name}.",
                "May the user describe its settings?",
            )
    return {name: {key: value["value"] for key, value in values.items()} for name, values in told.items()}


def _partitions(topic: Topic, partitions: list[dict[str, Any]]) -> Iterable[Finding]:
    if len(partitions) < topic.partitions:
        yield Finding(
            topic.name, "partitions", f"It has {len(partitions)} partitions; {topic.partitions} are wanted."
        )
    copies = min(len(each["replica_nodes"]) for each in partitions)
    if copies < topic.replication:
        yield Finding(
            topic.name, "replication", f"There are {copies} copies of it; {topic.replication} are wanted."
        )
    lost = [str(each["partition_index"]) for each in partitions if each["leader_id"] < 0]
    if lost:
        yield Finding(topic.name, "leader", f"No broker leads its partitions {', '.join(lost)}.")
    behind = [
        str(each["partition_index"])
        for each in partitions
        if len(each["isr_nodes"]) < len(each["replica_nodes"])
    ]
    if behind:
        yield Finding(topic.name, "in-step", f"Copies of its partitions {', '.join(behind)} are behind.")


_AT_LEAST = frozenset({"max.message.bytes", "min.insync.replicas"})
_AT_MOST = frozenset({"segment.ms", "segment.bytes", "min.cleanable.dirty.ratio"})


def _settings(topic: Topic, configs: Mapping[str, str]) -> Iterable[Finding]:
    for name, wanted in topic.configs.items():
        there = configs[name]
        if name in _AT_LEAST:
            wrong, more = float(there) < float(wanted), " or more"
        elif name in _AT_MOST:
            wrong, more = float(there) > float(wanted), " or less"
        else:
            wrong, more = there != wanted, ""
        if wrong:
            yield Finding(topic.name, name, f"{name} is {there}; {wanted}{more} is wanted.")

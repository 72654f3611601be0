"""How far the groups of workers are behind, by what they committed to Kafka.

Workers keep their own offsets with their rows, in SQL; what they commit to Kafka follows a little later and
is for looking at.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from stream.kafka.clients import (
    KafkaAdminClient,
    KafkaSettings,
    OffsetSpec,
    TopicPartition,
    ask,
    kafka_errors,
)


@dataclass(frozen=True)
class Lag:
    """How far one group is behind in one partition.

    Attributes:
        group: id of the group.
        topic: of the partition.
        partition: its number.
        start: offset of the oldest record that is still there.
        end: offset that the next record will have.
        committed: offset of the next record the group will read; ``None`` where it has committed none.
    """

    group: str
    topic: str
    partition: int
    start: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int:
        """Records that are there and not yet read."""
        return max(0, self.end - max(self.start, self.committed or 0))

    @property
    def missed(self) -> int:
        """Records that retention took before the group came to them."""
        return 0 if self.committed is None else max(0, self.start - self.committed)


def lag(kafka: KafkaSettings, topics: Iterable[str], groups: Collection[str] | None = None) -> list[Lag]:
    """Every partition of the topics that a group reads, group by group.

    Args:
        kafka: how Kafka is reached.
        topics: names of the topics.
        groups: ids of the groups; ``None`` takes all that have committed anything in these topics.

    Raises:
        BrokerError: Kafka cannot be reached, or a topic does not exist.
    """
    names = set(topics)

    def look(client: KafkaAdminClient) -> tuple[list[TopicPartition], Any, Any, Any]:
        partitions = _partitions(client, names)
        known = [each["group_id"] for each in client.list_groups()] if groups is None else list(groups)
        committed = client.list_group_offsets(known) if known else {}
        first = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        last = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return partitions, committed, first, last

    partitions, committed, first, last = ask(kafka, look)
    found: list[Lag] = []
    for group, offsets in committed.items():
        read = {place.topic for place, where in offsets.items() if where.offset >= 0}
        for place in partitions:
            if place.topic not in read:
                continue
            where = offsets.get(place)
            found.append(
                Lag(
                    group=group,
                    topic=place.topic,
                    partition=place.partition,
                    start=first[place].offset,
                    end=last[place].offset,
                    committed=where.offset if where is not None and where.offset >= 0 else None,
                )
            )
    return sorted(found, key=lambda each: (each.group, each.topic, each.partition))


def _partitions(client: KafkaAdminClient, topics: set[str]) -> list[TopicPartition]:
    found = []
    for described in client.describe_topics(sorted(topics)) if topics else ():
        kind = kafka_errors.for_code(described["error_code"])
        if kind is not kafka_errors.NoError:
            raise kind(f"topic {described['name']}")
        found += [
            TopicPartition(described["name"], each["partition_index"]) for each in described["partitions"]
        ]
    return found

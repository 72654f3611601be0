"""Kafka's own ids of topics: one that was deleted and made again has another, and counts from 0 again.

The client library goes by names alone. It reads on in the new topic at the number that it had come to in the
old one, and may hear of the change minutes later.
"""

from collections.abc import Mapping
from typing import Any

from stream.kafka.clients import KafkaConsumer, kafka_errors


class TopicIds:
    """The ids of a consumer's topics, in that consumer's thread.

    Attributes:
        told: what was told last, by topic: empty where the broker tells none (before Kafka 2.8). A topic that
            is not there is left out.
    """

    def __init__(self) -> None:
        self.told: Mapping[str, str] = {}

    def ask(self, client: KafkaConsumer, timeout_ms: int) -> Mapping[str, str]:
        """Ask for them now.

        An id is never used twice. So what was asked of a topic before this, and after its id was told, is of
        the topic of that id, if the id is still the same.

        Args:
            client: whose topics.
            timeout_ms: how long an answer is waited for.

        Raises:
            KafkaError: there was none in time.
        """
        cluster, manager = client._cluster, client._manager

        async def answer() -> Any:
            return await manager.wait_for(manager.send(cluster.metadata_request()), timeout_ms)

        there = [one for one in manager.run(answer).topics if one.error_code == kafka_errors.NoError.errno]
        self.told = {one.name: str(one.topic_id) if one.topic_id else "" for one in there}
        known = {topic: str(cluster.topic_id(topic) or "") for topic in self.told}
        if known != self.told:
            # It is still at the partitions of the old one.
            cluster.request_update()
        return self.told

    def is_same(self, topic: str, topic_id: str) -> bool:
        """Whether a topic is there and has still this id, as far as was told; an empty one fits any."""
        told = self.told.get(topic)
        return told is not None and (not topic_id or told in ("", topic_id))

    def is_another(self, topic: str, topic_id: str) -> bool:
        """Whether another topic than that of this id is there, as far as was told."""
        return topic in self.told and not self.is_same(topic, topic_id)

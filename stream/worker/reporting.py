"""What a worker's partitions have come to, told once in a while: in the consumer's thread."""

import time
from collections.abc import Sequence
from contextlib import suppress

from stream.kafka.clients import KafkaConsumer, OffsetAndMetadata, TopicPartition, kafka_errors
from stream.kafka.topic_ids import TopicIds
from stream.service.telemetry import Telemetry
from stream.worker.assignments import ANSWER_MS, Assignments
from stream.worker.partitions import Share
from stream.worker.records import Passed, Waiting
from stream.worker.soundings import Soundings

_SILENT_SECONDS = 2.0


class Reporter:
    """Tells Prometheus, Kafka's own tools and the shift how the partitions stand.

    Args:
        waiting: what waits for the shift; it hears there of what is no record.
        assigned: the partitions.
        soundings: told where the partitions of the topics end, whoever holds them.
        topics: that frames are taken from.
        telemetry: told how things stand.
        heartbeat_seconds: how often the group hears of this worker.
        ids: of the topics; asked for with each sounding.
    """

    def __init__(
        self,
        waiting: Waiting,
        assigned: Assignments,
        soundings: Soundings,
        topics: Sequence[str],
        telemetry: Telemetry,
        heartbeat_seconds: float,
        ids: TopicIds,
    ) -> None:
        self._ids = ids
        self._waiting = waiting
        self._assigned = assigned
        self._soundings = soundings
        self._topics = topics
        self._telemetry = telemetry
        self._heartbeat_seconds = heartbeat_seconds
        self._silent = False
        self._told: dict[TopicPartition, int] = {}

    def report(self, client: KafkaConsumer, paused: bool) -> None:
        """Gauges, and the offsets that Kafka's own tools show; what counts is in the ledger."""
        self._telemetry.waiting.set(len(self._waiting))
        self._telemetry.waiting_bytes.set(self._waiting.bytes)
        self._telemetry.assigned.set(len(self._assigned.shares))
        self._listen(client)
        self.sound(client, paused)
        offsets = {}
        for partition, share in self._assigned.shares.items():
            behind = max(0, share.end - share.position)
            self._telemetry.lag.labels(partition.topic, str(partition.partition)).set(behind)
            if self._told.get(partition) != share.saved and not share.fresh:
                self._told[partition] = share.saved
                offsets[partition] = OffsetAndMetadata(share.saved, "", -1)
        if offsets:
            with suppress(kafka_errors.KafkaError):
                client.commit_async(offsets)

    def _listen(self, client: KafkaConsumer) -> None:
        """Notice when Kafka is silent: its client goes on asking without a word."""
        # While a heartbeat is not answered, there is no next one. A member that has only just joined has
        # sent none yet: its joining was the last word.
        beat = client.metrics()["consumer-coordinator-metrics"]["last-heartbeat-seconds-ago"]
        silent = min(beat, time.monotonic() - self._assigned.changes.joined_at)
        away = self._assigned.changes.joined and silent > max(_SILENT_SECONDS, 2 * self._heartbeat_seconds)
        said = f"No word from Kafka for {silent:.0f} s: the answer to a heartbeat is awaited."
        self._telemetry.trouble("group", said if away else None)
        self._silent = away

    def sound(self, client: KafkaConsumer, paused: bool) -> None:
        """Find out where all partitions end, and of each share how far it has been read."""
        if not self._silent:
            before, asked = self._ids.told, time.monotonic()
            ends = self._ends(client)
            # What was asked of a topic that was made anew meanwhile may be of either.
            if self._ids.ask(client, ANSWER_MS) == before:
                self._soundings.put(
                    asked, {(one.topic, one.partition): end for one, end in ends.items()}, before
                )
                for partition, share in self._of_now():
                    if partition in ends:
                        share.end = max(share.end, ends[partition])
                        self._pass_over(client, partition, share)
        for partition, share in self._of_now():
            share.end = max(share.end, client.highwater(partition) or 0)
            share.caught_up = share.position >= share.end and not paused and not self._silent
            place = partition.topic, partition.partition
            share.read_up_to = self._soundings.read_one_up_to(place, share.position)

    def _ends(self, client: KafkaConsumer) -> dict[TopicPartition, int]:
        partitions = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in sorted(client.partitions_for_topic(topic))
        ]
        return client.end_offsets(partitions, timeout_ms=ANSWER_MS) if partitions else {}

    def _of_now(self) -> list[tuple[TopicPartition, Share]]:
        """The shares, without those of topics that were made anew since they were claimed."""
        return [
            (one, share)
            for one, share in self._assigned.shares.items()
            if not self._ids.is_another(one.topic, share.hold.topic_id)
        ]

    def _pass_over(self, client: KafkaConsumer, partition: TopicPartition, share: Share) -> None:
        """What lies in the log and is no record is never handed over: nobody need wait for it."""
        if share.position == share.handed < share.end:
            position = client.position(partition, timeout_ms=ANSWER_MS)
            if position is not None and position > share.handed:
                self._waiting.put(Passed(share, position))
                share.handed = position

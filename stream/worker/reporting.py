"""What a worker's partitions have come to, told once in a while: in the consumer's thread."""

from contextlib import suppress

from stream.kafka.clients import KafkaConsumer, OffsetAndMetadata, TopicPartition, kafka_errors
from stream.service.telemetry import Telemetry
from stream.worker.assignments import ANSWER_MS, Assignments
from stream.worker.records import Return, Waiting

_SILENT_SECONDS = 2.0


class Reporter:
    """Tells Prometheus, Kafka's own tools and the shift how the partitions stand.

    Args:
        waiting: what waits for the shift; it hears there of a silence that is over.
        assigned: the partitions.
        telemetry: told of them.
        heartbeat_seconds: how often the group hears of this worker.
    """

    def __init__(
        self, waiting: Waiting, assigned: Assignments, telemetry: Telemetry, heartbeat_seconds: float
    ) -> None:
        self._waiting = waiting
        self._assigned = assigned
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
        self._look_ahead(client, paused)
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
        # While a heartbeat is not answered, there is no next one.
        silent = client.metrics()["consumer-coordinator-metrics"]["last-heartbeat-seconds-ago"]
        away = self._assigned.changes.joined and silent > max(_SILENT_SECONDS, 2 * self._heartbeat_seconds)
        self._telemetry.trouble("group", f"No word from Kafka for {silent:.0f} s." if away else None)
        if self._silent and not away:
            self._waiting.put(Return())
        self._silent = away

    def _look_ahead(self, client: KafkaConsumer, paused: bool) -> None:
        """Find out of each share whether more of it waits in Kafka."""
        hopeful = []
        for partition, share in self._assigned.shares.items():
            share.end = max(share.end, client.highwater(partition) or 0)
            if share.position < share.end or paused or self._silent:
                share.caught_up = False
            elif not share.caught_up:
                hopeful.append(partition)
        if hopeful:
            # What was heard with the last fetch may be old by now.
            for partition, end in client.end_offsets(hopeful, timeout_ms=ANSWER_MS).items():
                share = self._assigned.shares[partition]
                share.end = max(share.end, end)
                share.caught_up = share.position >= share.end

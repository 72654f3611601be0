"""Polling that outlives a record which the client library cannot read, and a pause."""

from typing import ClassVar

from reid_core.errors import NightreidError
from stream.kafka.clients import KafkaConsumer, Record, TopicPartition, explain_kafka, kafka_errors


class DamagedRecordError(NightreidError):
    """A record whose bytes are no Kafka record: nothing of it can be had but where it is.

    Args:
        place: its topic and partition.
        offset: in the partition.
        why: the library's words.
    """

    code: ClassVar[str] = "damaged-record"

    def __init__(self, place: TopicPartition, offset: int, why: str) -> None:
        super().__init__(f"The record {place.topic}/{place.partition}/{offset} cannot be read: {why}.")
        self.place = place
        self.offset = offset


def poll(
    client: KafkaConsumer, timeout_seconds: float, most: int | None = None
) -> dict[TopicPartition, list[Record]]:
    """What has come, by partition.

    A checksum that does not fit or a header whose name is no text makes the library raise once and then
    poll for ever without an answer; so the consumer is moved past that record first. The records after it
    in the same batch are then as unreadable, and raise one by one: nobody is passed over in silence.

    Args:
        client: the consumer, called from its own thread.
        timeout_seconds: how long to wait where nothing has come.
        most: records at once.

    Raises:
        DamagedRecordError: a record cannot be read; the next call goes on behind it.
        BrokerError: Kafka cannot be reached, or refuses.
    """
    _remind(client)
    try:
        polled: dict[TopicPartition, list[Record]] = client.poll(
            int(timeout_seconds * 1000), max_records=most
        )
    except kafka_errors.CorruptRecordError as error:
        # The library does not say which record: its reader still stands before it.
        place = client._fetcher._next_partition_records.topic_partition
        offset = client.position(place)
        client.seek(place, offset + 1)
        raise DamagedRecordError(place, offset, str(error.args[0]) if error.args else "damaged") from None
    except kafka_errors.KafkaError as error:
        raise explain_kafka(error) from error
    return polled


def _remind(client: KafkaConsumer) -> None:
    """Tell the library what it forgets."""
    coordinator, fetcher = client._coordinator, client._fetcher
    if coordinator._join_task is not None:
        # A member that begins to join again because partitions have changed no longer sees a need for it once
        # it has joined. Where that was between two calls, nobody takes note of it: no heartbeat is sent from
        # then on, and the group goes on without this member, who never hears of it.
        coordinator.request_rejoin()
    if not fetcher._next_partition_records:
        # The library takes up what it put aside of a paused partition only if nothing is here, and means that
        # literally: what is read to its end stays here, and the resumed partition would wait for ever.
        fetcher._next_partition_records = None

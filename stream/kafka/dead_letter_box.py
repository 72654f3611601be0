"""Reads dead-letter topics, and sends the records in them again."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reid_core.errors import NightreidError
from stream.kafka.clients import (
    KafkaConsumer,
    KafkaProducer,
    KafkaSettings,
    Record,
    TopicPartition,
    consumer,
    kafka_errors,
    producer,
    translated,
    using,
)
from stream.kafka.dead_letters import DeadLetter, no_letter, topic_of
from stream.kafka.errors import BrokerAwayError, BrokerError, DeadLetterError
from stream.kafka.polling import poll
from stream.kafka.topic_plan import DEAD_LETTER_ROOM, TopicSettings

_POLL_SECONDS = 0.5
_AT_ONCE = 16
_UNACKNOWLEDGED = 64

Told = Callable[[NightreidError], None]


def list_letters(
    kafka: KafkaSettings, settings: TopicSettings, topics: Iterable[str], told: Told | None = None
) -> Iterator[DeadLetter]:
    """The dead letters of some topics, oldest first in each partition, each once.

    A letter may be in its topic twice, where whoever wrote it fell over before it could note so. What comes
    in while this reads is left for the next time.

    Args:
        kafka: how Kafka is reached.
        settings: of the topics.
        topics: names of the topics whose letters are wanted, such as ``settings.frames(modality)``.
        told: told of each record that is no dead letter; without it, the first one raises.

    Raises:
        BrokerError: Kafka cannot be reached, stops answering, or has no such topic.
        DeadLetterError: a record is no dead letter, or claims to come from a topic that it cannot come from.
        DamagedRecordError: a record cannot be read at all.
    """
    seen: set[tuple[str, str]] = set()
    options = {"isolation_level": "read_committed", "max_poll_records": _AT_ONCE}
    with using(consumer(kafka, **options)) as client:
        for read in _to_the_end(client, [settings.dead_letters(topic) for topic in topics], kafka):
            try:
                letter = _letter(read, settings)
            except NightreidError as error:
                if told is None:
                    raise
                told(error)
                continue
            # A topic that was made anew has other records at the same places.
            one = letter.topic_id, letter.place
            if one not in seen:
                seen.add(one)
                yield letter


def _letter(read: Record | NightreidError, settings: TopicSettings) -> DeadLetter:
    if isinstance(read, NightreidError):
        raise read
    letter = DeadLetter.from_record(read)
    if settings.dead_letters(letter.topic) != read.topic:
        # Sent again, it would go wherever its header says.
        raise no_letter(read, f"it names the topic {letter.topic!r}")
    return letter


def _to_the_end(
    client: KafkaConsumer, topics: list[str], kafka: KafkaSettings
) -> Iterator[Record | NightreidError]:
    """Every record that is there now, and an error in the place of each that cannot be read."""
    with translated():
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in _partitions(client, topic)
        ]
        client.assign(partitions)
        first, last = client.beginning_offsets(partitions), client.end_offsets(partitions)
        for place in partitions:
            client.seek(place, first[place])
    left = {place for place in partitions if first[place] < last[place]}
    moved = time.monotonic()
    before = dict(first)
    while left:
        try:
            for place, records in poll(client, _POLL_SECONDS).items():
                yield from (record for record in records if record.offset < last[place])
        except BrokerError:
            raise
        except NightreidError as error:
            yield error
        with translated():
            now = {place: client.position(place) for place in left}
        if any(now[place] > before[place] for place in left):
            # The time of whoever takes the letters does not count.
            moved, before = time.monotonic(), before | now
        elif time.monotonic() - moved > kafka.request_seconds:
            raise BrokerAwayError(
                f"Kafka stopped answering while dead letters were read from {', '.join(topics)}."
            )
        left = {place for place in left if now[place] < last[place]}


def _partitions(client: KafkaConsumer, topic: str) -> list[int]:
    numbers = client.partitions_for_topic(topic)
    if not numbers:
        raise kafka_errors.UnknownTopicOrPartitionError(f"topic {topic}")
    return sorted(numbers)


def show(kafka: KafkaSettings, settings: TopicSettings, place: str) -> DeadLetter:
    """One dead letter; of several topics of the name, one after another, that of the last one.

    Args:
        kafka: how Kafka is reached.
        settings: of the topics.
        place: ``topic/partition/offset`` of its record.

    Raises:
        BrokerError: Kafka cannot be reached, stops answering, or has no such topic.
        DeadLetterError: there is no such letter.
    """
    found: DeadLetter | None = None
    for letter in list_letters(kafka, settings, [topic_of(place)], told=lambda error: None):
        if letter.place == place and (found is None or letter.time_ns > found.time_ns):
            found = letter
    if found is None:
        raise DeadLetterError(f"There is no dead letter {place}.", "`nightreid dlq list` prints them.")
    return found


def replay(kafka: KafkaSettings, settings: TopicSettings, letters: Iterable[DeadLetter]) -> int:
    """Send letters' records to their topics again, byte for byte, with the header `REPLAY_HEADER`.

    The letters stay where they are: a topic forgets by age alone.

    Args:
        kafka: how Kafka is reached.
        settings: of the topics.
        letters: which ones; taken one at a time.

    Returns:
        How many were acknowledged.

    Raises:
        BrokerError: Kafka cannot be reached, or refuses one; those before it may have been sent.
    """
    done = 0
    patience = int(kafka.request_seconds * 1000)
    options = {
        "max_request_size": settings.max_message_bytes + DEAD_LETTER_ROOM,
        "max_block_ms": patience,
        "delivery_timeout_ms": 2 * patience,
    }
    # Once all is acknowledged there is nothing to wait for, and after a failure nothing may follow.
    with using(producer(kafka, **options), seconds=0) as client, translated():
        waiting: list[Any] = []
        for letter in letters:
            waiting.append(_send_again(client, letter))
            if len(waiting) == _UNACKNOWLEDGED:
                done += _acknowledged(waiting)
                waiting = []
        return done + _acknowledged(waiting)


def _send_again(client: KafkaProducer, letter: DeadLetter) -> Any:
    record = letter.to_replay()
    partition = None
    if record.key is None and letter.partition in client.partitions_for(letter.topic):
        # Without a key nothing else says where it was.
        partition = letter.partition
    return client.send(
        letter.topic, record.value, key=record.key, headers=record.headers, partition=partition
    )


def _acknowledged(futures: list[Any]) -> int:
    for future in futures:
        future.get()
    return len(futures)

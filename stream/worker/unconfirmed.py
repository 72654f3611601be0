"""Polled records on their way to the shift: handed on once Kafka has said that their topic is the same still.

The library goes on in a topic that was made anew where it was in the old one. What it brings from there has
nothing to do with the partition that was claimed, and must not be taken for its next records.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stream.kafka.clients import Record, TopicPartition
from stream.kafka.topic_ids import TopicIds
from stream.worker.partitions import Share
from stream.worker.records import POLLED, Damaged

# Kafka is asked for no more often, unless a handful has come.
_ASK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll brought of a share: records, or a damaged one."""

    share: Share
    records: Sequence[Record] = ()
    damaged: Damaged | None = None


class Unconfirmed:
    """Keeps what was polled until it is known to be of the topic that was claimed.

    Args:
        ids: of the topics.
        clock: seconds that only go up.
    """

    def __init__(self, ids: TopicIds, clock: Callable[[], float] = time.monotonic) -> None:
        self._ids = ids
        self._clock = clock
        self._kept: list[Polled] = []
        self._asked = float("-inf")

    def __len__(self) -> int:
        return sum(max(1, len(one.records)) for one in self._kept)

    def keep(self, polled: Polled) -> None:
        """Take something in, behind what was taken in before."""
        self._kept.append(polled)
        share = polled.share
        share.handed = polled.damaged.offset + 1 if polled.damaged else polled.records[-1].offset + 1

    def confirmed(self, shares: Mapping[TopicPartition, Share], ask: Callable[[], object]) -> list[Polled]:
        """What may be handed on now, in order; what is of another topic, or of nobody's share, is dropped.

        Args:
            shares: that are held.
            ask: asks Kafka for the ids; what has been kept stays if that fails.
        """
        now = self._clock()
        if not self._kept or (now - self._asked < _ASK_SECONDS and len(self) < POLLED):
            return []
        self._asked = now
        ask()
        found, kept = [], []
        for one in self._kept:
            hold = one.share.hold
            if not one.share.alive or shares.get(TopicPartition(hold.topic, hold.number)) is not one.share:
                continue
            if self._ids.is_same(hold.topic, hold.topic_id):
                found.append(one)
            elif hold.topic not in self._ids.told:
                # Whether it comes back as the same one is not known yet.
                kept.append(one)
        self._kept = kept
        return found

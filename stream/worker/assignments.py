"""Which partitions the group gives a worker, and which of them it has claimed: in the consumer's thread."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from stream.kafka.clients import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from stream.kafka.topic_ids import TopicIds
from stream.service.telemetry import Telemetry
from stream.worker.partitions import Claim, Release, Share
from stream.worker.records import Waiting

_LOG = logging.getLogger(__name__)
# Who waits for an answer for longer can tell nobody that there is none.
ANSWER_MS = 3000


class Assignments:
    """Asks the shift to claim what is assigned, and to let go of what is not any more.

    Args:
        waiting: where the shift takes that from.
        claimed: what it has claimed since.
        telemetry: told of partitions that are gone.
        heartbeat_seconds: how often the group hears of this worker.
        ids: of the topics, as Kafka was asked for them last.

    Attributes:
        changes: what the group decides.
        shares: the partitions that records are taken from.
    """

    def __init__(
        self,
        waiting: Waiting,
        claimed: deque[tuple[Claim, Share]],
        telemetry: Telemetry,
        heartbeat_seconds: float,
        ids: TopicIds,
    ) -> None:
        self._ids = ids
        self._waiting = waiting
        self._claimed = claimed
        self._telemetry = telemetry
        self._heartbeat_seconds = heartbeat_seconds
        self.changes = Changes()
        self.shares: dict[TopicPartition, Share] = {}
        self._new: list[TopicPartition] = []
        self._claims: dict[TopicPartition, Claim] = {}
        self._shut_out: dict[TopicPartition, float] = {}

    def follow(self, client: KafkaConsumer) -> None:
        """Act on what the group has decided since."""
        assigned, gone = self.changes.take()
        anew = self._made_anew(client)
        assigned, gone = [*assigned, *anew], [*gone, *anew]
        # What is gone and was assigned again since is let go of and claimed anew.
        self._new = list(dict.fromkeys([*(one for one in self._new if one not in gone), *assigned]))
        for partition in gone:
            claim = self._claims.pop(partition, None)
            if claim is not None:
                claim.wanted = False
            share = self.shares.pop(partition, None)
            if share is not None:
                share.alive = False
                self._waiting.put(Release(share))
                with suppress(KeyError):
                    self._telemetry.lag.remove(partition.topic, str(partition.partition))
        self._new += self._to_claim_again(client)
        new = [one for one in self._new if one in client.assignment()]
        if new:
            client.pause(*new)
            self._ask_for(client, new)

    def _ask_for(self, client: KafkaConsumer, new: list[TopicPartition]) -> None:
        """Ask the shift to claim partitions; where Kafka does not answer, they stay new until it does."""
        before = self._ids.ask(client, ANSWER_MS)
        first = client.beginning_offsets(new, timeout_ms=ANSWER_MS)
        last = client.end_offsets(new, timeout_ms=ANSWER_MS)
        now = self._ids.ask(client, ANSWER_MS)
        # Of a topic that was made anew in between, nobody knows which one the offsets are of.
        self._new = [
            one for one in new if before.get(one.topic) is None or before[one.topic] != now.get(one.topic)
        ]
        for partition in new:
            if partition not in self._new:
                name, kept = partition.topic, (first[partition], last[partition])
                claim = Claim(name, partition.partition, kept, now[name])
                self._claims[partition] = claim
                self._waiting.put(claim)

    def _made_anew(self, client: KafkaConsumer) -> list[TopicPartition]:
        """Partitions of topics that were deleted and made again: their records begin with number 0 again."""
        anew = [
            one
            for one, share in self.shares.items()
            if self._ids.is_another(one.topic, share.hold.topic_id) and one in client.assignment()
        ]
        for topic in sorted({one.topic for one in anew}):
            _LOG.warning("The topic %s was made anew: its partitions begin anew.", topic)
        return anew

    def _to_claim_again(self, client: KafkaConsumer) -> list[TopicPartition]:
        """Partitions that another worker claimed which Kafka still says are this one's.

        That other one was late with its claim and lets go of it again. Where it is this one that is late,
        its membership is over, and it has heard so by then.
        """
        now = time.monotonic()
        dead = [one for one, share in self.shares.items() if not share.alive]
        self._shut_out = {one: self._shut_out.get(one, now) for one in dead}
        heard = now - 2 * self._heartbeat_seconds
        again = [one for one in dead if self._shut_out[one] < heard and one in client.assignment()]
        for partition in again:
            del self.shares[partition]
        return again

    def begin_claimed(self, client: KafkaConsumer, paused: bool) -> None:
        """Begin with what the shift has claimed, unless that is another's again; paused if all is."""
        while self._claimed:
            claim, share = self._claimed.popleft()
            partition = TopicPartition(claim.topic, claim.number)
            if self._claims.pop(partition, None) is not claim or partition not in client.assignment():
                share.alive = False
                self._waiting.put(Release(share))
                continue
            self.shares[partition] = share
            share.handed = share.position
            client.seek(partition, share.position)
            if not paused:
                client.resume(partition)


class Changes(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what the group decides; the consumer's thread acts on it, for this one must not wait.

    Attributes:
        joined: whether this worker has been a member.
        joined_at: when it last became one, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.joined = False
        self.joined_at = 0.0
        self._lock = threading.Lock()
        self._assigned: list[TopicPartition] = []
        self._gone: list[TopicPartition] = []

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """They are another's from now on."""
        with self._lock:
            self._gone += revoked
            self._assigned = [one for one in self._assigned if one not in revoked]

    def on_partitions_lost(self, lost: Sequence[TopicPartition]) -> None:
        """They have been another's for a while."""
        self.on_partitions_revoked(lost)

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """They are this worker's from now on; none, where there are more workers than partitions."""
        with self._lock:
            self.joined = True
            self.joined_at = time.monotonic()
            self._assigned += assigned

    def take(self) -> tuple[list[TopicPartition], list[TopicPartition]]:
        """What was assigned and what is gone since it was last asked for."""
        with self._lock:
            assigned, gone = self._assigned, self._gone
            self._assigned, self._gone = [], []
        return assigned, gone

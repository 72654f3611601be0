"""How far workers have come in the partitions of a log, written in one transaction with what they found.

Whoever holds a partition has its epoch. Each write names the epoch and the record it goes on from; where
either is no longer the stored one, somebody else holds the partition by now, and the whole write is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError
from reid_core.gallery import writing
from reid_core.gallery.database import Database
from reid_core.gallery.records import Checkpoint, Refused
from reid_core.gallery.refusals import RECORD_REFUSED, put_refused, refused_from, take_unnamed
from reid_core.gallery.schema import (
    AttemptRow,
    PartitionRow,
    StreamRow,
)
from reid_core.gallery.streams import (
    AGAIN,
    END,
    TRACKLET,
    Staged,
    StreamProgress,
    moving_streams,
    put_stream,
    stage,
    stream_progress,
)

__all__ = [
    "AGAIN",
    "END",
    "RECORD_REFUSED",
    "TRACKLET",
    "Advance",
    "Batch",
    "FencedError",
    "Hold",
    "Ledger",
    "Refused",
    "Staged",
    "StreamProgress",
]


class FencedError(GalleryError):
    """Somebody else holds the partition by now: what was to be written is theirs to write.

    Args:
        topic: of the partition.
        number: of the partition.
    """

    code: ClassVar[str] = "fenced"

    def __init__(self, topic: str, number: int) -> None:
        super().__init__(f"Partition {number} of {topic} is held by another worker by now.")
        self.topic = topic
        self.number = number


@dataclass(frozen=True, slots=True)
class Hold:
    """A partition that was claimed.

    Attributes:
        topic: its topic.
        number: its number.
        epoch: of this holder.
        next: the record to go on at.
        careful_below: records in front of this one may have been the end of the last holder.
        refused: records from ``next`` on that are dead letters already.
        careful_from: those in front of this one were not its end: it had gone through them.
        topic_id: Kafka's own of the topic, empty where it is not known.
        moving: streams by camera of which more is expected here.
    """

    topic: str
    number: int
    epoch: int
    next: int
    careful_below: int
    refused: frozenset[int] = frozenset()
    careful_from: int = 0
    topic_id: str = ""
    moving: Mapping[str, StreamProgress] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a partition has come.

    Attributes:
        topic: its topic.
        number: its number.
        epoch: of the holder.
        expected: what ``next`` was when the holder last wrote or claimed it.
        next: the record to go on at from now on.
        reached: the last record that was begun with, plus one. What closed in front of it is in this write
            or an earlier one: the clerk goes by that.
        seen: whether anybody has looked into it; once it is, it stays so.
        caught_up: whether nothing more was waiting there lately.
        settled: records in front of it were gone through and did no harm.
    """

    topic: str
    number: int
    epoch: int
    expected: int
    next: int
    reached: int
    seen: bool
    caught_up: bool
    settled: int = 0


@dataclass(slots=True)
class Batch:
    """What is written together."""

    advances: list[Advance] = field(default_factory=list)
    staged: list[Staged] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    streams: list[StreamProgress] = field(default_factory=list)


class Ledger:
    """The books of one group of workers.

    Args:
        database: of the gallery.
        group: the group's name.
    """

    def __init__(self, database: Database, group: str) -> None:
        self._database = database
        self._group = group

    def expect(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Make partitions known that nobody may have looked into yet: ``(topic, number)`` of each."""
        with self._database.write() as session:
            for topic, number in partitions:
                if self._row(session, topic, number) is None:
                    self._begin(session, topic, number, 0)

    def reached(self, topic_ids: Mapping[str, str] | None = None) -> dict[tuple[str, int], int]:
        """Of each partition, by topic and number, the record behind the last one that was begun with.

        What closed in front of it is staged or in the gallery.

        Args:
            topic_ids: Kafka's own of the topics that are there now, as far as they are known. Of a topic that
                was made anew, partitions that nobody has claimed since are left out: nothing of it was read.
        """
        query = select(
            PartitionRow.topic, PartitionRow.number, PartitionRow.reached, PartitionRow.topic_id
        ).where(PartitionRow.group_id == self._group)
        now = topic_ids or {}
        with self._database.read() as session:
            return {
                (row.topic, row.number): row.reached
                for row in session.execute(query)
                if not row.topic_id or now.get(row.topic, "") in ("", row.topic_id)
            }

    def claim(
        self, topic: str, number: int, holder: str, kept: tuple[int, int], span: int, topic_id: str = ""
    ) -> Hold:
        """Become the holder of a partition; whoever held it before can write no more.

        Where the topic was made anew, the partition begins anew: its records have nothing to do with those
        that had their numbers.

        Args:
            topic: its topic.
            number: its number.
            holder: who one is.
            kept: the first record that the log still has, and the one behind its last; where ``next`` lies
                outside of it (records expired), the first one is next.
            span: how many records a holder may have begun with and not written.
            topic_id: Kafka's own of the topic; empty where the broker tells none.
        """
        with self._database.write() as session:
            row = self._row(session, topic, number, lock=True)
            if row is None:
                row = self._begin(session, topic, number, kept[0])
            died = row.holder != ""
            row.epoch += 1
            row.holder = holder
            if self._is_another(session, row, topic_id):
                died = False
                row.next = row.reached = kept[0]
            if not kept[0] <= row.next <= kept[1]:
                row.next = row.reached = kept[0]
            row.reached = max(row.reached, row.next)
            careful = row.reached + span if died else row.next
            settled = min(max(row.settled, row.next), row.reached)
            # Who dies before it has written anything may have died of one that did no harm to others.
            row.settled = row.next
            session.flush()
            return Hold(
                topic=topic,
                number=number,
                epoch=row.epoch,
                next=row.next,
                careful_below=careful,
                refused=refused_from(session, row),
                careful_from=settled,
                topic_id=row.topic_id,
                moving=moving_streams(session, topic, number),
            )

    def release(self, advances: Sequence[Advance]) -> None:
        """Let go of partitions in order; those that others hold by now stay theirs."""
        with self._database.write() as session:
            for one in advances:
                held = self._where(one.topic, one.number), PartitionRow.epoch == one.epoch
                session.execute(update(PartitionRow).where(*held).values(holder=""))

    def save(self, batch: Batch) -> None:
        """Write a batch: all of it or nothing. What is staged or in the gallery already is left out.

        Raises:
            FencedError: a partition is another's by now.
        """
        with self._database.write() as session:
            for advance in batch.advances:
                self._advance(session, advance)
            for staged in batch.staged:
                stage(session, staged)
            for checkpoint in batch.checkpoints:
                writing.put_checkpoint(session, checkpoint)
            for progress in batch.streams:
                put_stream(session, progress)

    def attempt(self, hold: Hold, offset: int, done: tuple[Hold, int] | None) -> int:
        """Note that a record is about to be tried, and that another one did no harm.

        Args:
            hold: of its partition.
            offset: of the record.
            done: the record that was tried before it, of whatever partition.

        Returns:
            how often it has been begun, this time included.

        Raises:
            FencedError: the partition is another's by now.
        """
        with self._database.write() as session:
            self._check(session, hold.topic, hold.number, hold.epoch)
            if done is not None:
                self._harmless(session, *done)
            row = session.scalar(select(AttemptRow).where(self._record(hold, offset)))
            if row is None:
                row = AttemptRow(
                    group_id=self._group, topic=hold.topic, number=hold.number, offset=offset, attempts=0
                )
                session.add(row)
            row.attempts += 1
            session.flush()
            return row.attempts

    def harmless(self, hold: Hold, offset: int) -> None:
        """Note that a record that was tried did no harm."""
        with self._database.write() as session:
            self._harmless(session, hold, offset)

    def refuse(self, refused: Refused, epoch: int) -> None:
        """Write a dead letter and its outbox row; once for each record.

        Raises:
            FencedError: the partition is another's by now.
        """
        with self._database.write() as session:
            self._check(session, refused.topic, refused.number, epoch)
            put_refused(session, refused)

    def stream(self, camera: str) -> StreamProgress | None:
        """How far a camera's stream has come."""
        with self._database.read() as session:
            row = session.get(StreamRow, camera)
            return stream_progress(row) if row is not None else None

    def _begin(self, session: Session, topic: str, number: int, begin: int) -> PartitionRow:
        row = PartitionRow(
            group_id=self._group,
            topic=topic,
            number=number,
            topic_id="",
            next=begin,
            reached=begin,
            settled=begin,
            epoch=0,
            holder="",
            seen=False,
            caught_up=False,
        )
        session.add(row)
        session.flush()
        return row

    def _advance(self, session: Session, advance: Advance) -> None:
        mine = (
            self._where(advance.topic, advance.number),
            PartitionRow.epoch == advance.epoch,
            PartitionRow.next == advance.expected,
        )
        values = {
            "next": advance.next,
            "reached": advance.reached,
            "caught_up": advance.caught_up,
            "settled": max(advance.settled, advance.next),
            **({"seen": True} if advance.seen else {}),
        }
        changed = update(PartitionRow).where(*mine).values(values).returning(PartitionRow.number)
        if session.execute(changed).first() is None:
            raise FencedError(advance.topic, advance.number)

    def _is_another(self, session: Session, row: PartitionRow, topic_id: str) -> bool:
        """Whether a partition is of another topic than before, whose records have its numbers."""
        before, row.topic_id = row.topic_id, topic_id or row.topic_id
        if not topic_id or topic_id == before:
            return False
        if not before:
            take_unnamed(session, row)
            return False
        tried = (
            AttemptRow.group_id == self._group,
            AttemptRow.topic == row.topic,
            AttemptRow.number == row.number,
        )
        session.execute(delete(AttemptRow).where(*tried))
        return True

    def _harmless(self, session: Session, hold: Hold, offset: int) -> None:
        row = self._row(session, hold.topic, hold.number)
        if row is not None and row.epoch == hold.epoch:
            session.execute(delete(AttemptRow).where(self._record(hold, offset)))

    def _check(self, session: Session, topic: str, number: int, epoch: int) -> None:
        row = self._row(session, topic, number, lock=True)
        if row is None or row.epoch != epoch:
            raise FencedError(topic, number)

    def _row(self, session: Session, topic: str, number: int, lock: bool = False) -> PartitionRow | None:
        query = select(PartitionRow).where(self._where(topic, number))
        return session.scalar(query.with_for_update() if lock else query)

    def _where(self, topic: str, number: int) -> ColumnElement[bool]:
        return and_(
            PartitionRow.group_id == self._group,
            PartitionRow.topic == topic,
            PartitionRow.number == number,
        )

    def _record(self, hold: Hold, offset: int) -> ColumnElement[bool]:
        return and_(
            AttemptRow.group_id == self._group,
            AttemptRow.topic == hold.topic,
            AttemptRow.number == hold.number,
            AttemptRow.offset == offset,
        )

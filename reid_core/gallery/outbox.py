"""What happened in a gallery, in order, for those who tell others of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.schema import LinkRow, OutboxRow, RefusedRow, TrackletRow

TRACKLET_CLOSED, LINK_MADE = "tracklet.closed", "link.made"
VECTORS_ADDED, VECTORS_REMOVED = "vectors.added", "vectors.removed"
EXEMPLARS_REPLACED = "exemplars.replaced"

EVENT_SET_ASIDE = "event.set_aside"
"""Kind of the event that tells of another one, with which somebody who follows the outbox cannot do what is
to be done; the payload names both and says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox; fields as in `OutboxRow`."""

    id: int
    kind: str
    subject: str
    payload: Mapping[str, Any]
    created_ns: int


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A dead letter that is not on its topic yet; fields as in `RefusedRow`."""

    topic: str
    number: int
    offset: int
    reason: str
    message: str
    attempts: int
    record: bytes


def put_event(session: Session, kind: str, subject: str, payload: dict[str, Any], created_ns: int) -> None:
    """Append to the outbox, in its caller's writing transaction."""
    values = {"kind": kind, "subject": subject, "payload": payload, "created_ns": created_ns}
    session.execute(insert(OutboxRow).values(values))


class Outbox:
    """Reads the outbox of a gallery.

    Args:
        database: of the gallery.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, position: int, kinds: Collection[str], limit: int) -> tuple[Event, ...]:
        """The next events of some kinds behind a position, in order."""
        chosen = (
            select(OutboxRow)
            .where(OutboxRow.id > position, OutboxRow.kind.in_(sorted(kinds)))
            .order_by(OutboxRow.id)
            .limit(limit)
        )
        with self._database.read() as session:
            return tuple(
                Event(row.id, row.kind, row.subject, row.payload, row.created_ns)
                for row in session.scalars(chosen)
            )

    def count_after(self, position: int, kinds: Collection[str]) -> int:
        """How many events of some kinds are behind a position."""
        counted = (
            select(func.count())
            .select_from(OutboxRow)
            .where(OutboxRow.id > position, OutboxRow.kind.in_(sorted(kinds)))
        )
        with self._database.read() as session:
            return session.scalar(counted) or 0

    def end(self) -> int:
        """Number of the last event of any kind; 0 where there is none.

        Events become visible in the order of their numbers: none comes in front of it any more.
        """
        with self._database.read() as session:
            return session.scalar(select(func.max(OutboxRow.id))) or 0

    def tracklet(self, tracklet: str) -> dict[str, Any] | None:
        """When and where a tracklet was, for those who were not there; ``None`` where it is gone."""
        with self._database.read() as session:
            row = session.get(TrackletRow, tracklet)
            if row is None:
                return None
            return {
                "tracklet": row.id,
                "camera": row.camera_id,
                "modality": row.modality,
                "start_ns": row.start_ns,
                "end_ns": row.end_ns,
                "frames": row.length,
                "identity": row.identity_id,
            }

    def link(self, tracklet: str, model: str) -> dict[str, Any] | None:
        """Who an infrared tracklet is, with the candidates; ``None`` where the link is gone."""
        with self._database.read() as session:
            row = session.get(LinkRow, (tracklet, model))
            if row is None:
                return None
            return {
                "decision": row.decision,
                "identity": row.identity_id,
                "score": row.score,
                "probability": row.probability,
                "candidates": row.candidates,
                "model": row.model_id,
            }

    def refused(self, number: int) -> RefusedRecord | None:
        """A dead letter by the number its event names."""
        with self._database.read() as session:
            row = session.get(RefusedRow, number)
            if row is None or not row.record:
                return None
            return RefusedRecord(
                row.topic, row.number, row.offset, row.reason, row.message, row.attempts, row.record
            )


def forget_refused(session: Session, numbers: Collection[int]) -> None:
    """Empty the records of dead letters that are on their topic, inside a writing transaction."""
    if numbers:
        gone = RefusedRow.id.in_(sorted(numbers))
        session.execute(update(RefusedRow).where(gone).values(record=b""))

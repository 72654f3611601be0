"""What happened in a gallery, in order, for those who tell others of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.records import Refused
from reid_core.gallery.schema import (
    CaptionRow,
    LinkRow,
    MetaRow,
    OutboxRow,
    RefusedRow,
    SightingRow,
    TrackletRow,
    table_of,
)
from reid_core.gallery.watch_rows import AlertRow
from reid_core.types import unknown_probability

TRACKLET_CLOSED, LINK_MADE = "tracklet.closed", "link.made"
VECTORS_ADDED, VECTORS_REMOVED = "vectors.added", "vectors.removed"
EXEMPLARS_REPLACED = "exemplars.replaced"
IDENTITY_CHANGED = "identity.changed"
CAPTION_MADE = "caption.made"
ALERT_RAISED = "alert.raised"
AUDIT_CHECKPOINT = "audit.checkpoint"

EVENT_SET_ASIDE = "event.set_aside"
"""Kind of the event that tells of another one, with which somebody who follows the outbox cannot do what is
to be done; the payload names both and says why."""

_PRUNED = "outbox_pruned"
_ROWS = table_of(OutboxRow)
_APPEND = insert(_ROWS).returning(_ROWS.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox; fields as in `OutboxRow`."""

    id: int
    kind: str
    subject: str
    payload: Mapping[str, Any]
    created_ns: int


def put_event(session: Session, kind: str, subject: str, payload: dict[str, Any], created_ns: int) -> None:
    """Append to the outbox, in its caller's writing transaction."""
    put_events(session, [event_values(kind, subject, payload, created_ns)])


def put_events(session: Session, events: Sequence[dict[str, Any]]) -> list[int]:
    """Append what `event_values` gave, in its caller's writing transaction; returns the rows' numbers."""
    session.flush()
    return list(session.connection().scalars(_APPEND, events))


def event_values(kind: str, subject: str, payload: dict[str, Any], created_ns: int) -> dict[str, Any]:
    """An event for `put_events`."""
    return {"kind": kind, "subject": subject, "payload": payload, "created_ns": created_ns}


def pruned_to(session: Session) -> int:
    """The highest number of an event that was taken out; 0 where none was."""
    row = session.get(MetaRow, _PRUNED)
    return int(row.value) if row is not None else 0


def note_pruned(session: Session, number: int) -> None:
    """Remember that events up to a number are not all there any more, in a writing transaction."""
    session.merge(MetaRow(key=_PRUNED, value=str(max(number, pruned_to(session)))))
    session.flush()


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
                "searched": row.searched,
                "unknown": unknown_probability(row.searched, [one["probability"] for one in row.candidates]),
                "calibrated_for_cameras": row.own_cameras,
            }

    def captions(self, tracklet: str, model: str) -> list[dict[str, Any]]:
        """What a captioner says of a tracklet's sightings, best first; empty where they are gone."""
        chosen = (
            select(CaptionRow.sighting_id, SightingRow.rank, CaptionRow.text)
            .join(SightingRow, SightingRow.id == CaptionRow.sighting_id)
            .where(CaptionRow.tracklet_id == tracklet, CaptionRow.model_id == model)
            .order_by(SightingRow.rank)
        )
        with self._database.read() as session:
            return [
                {"sighting": row.sighting_id, "rank": row.rank, "text": row.text}
                for row in session.execute(chosen)
            ]

    def alert(self, number: int) -> dict[str, Any] | None:
        """What a watch found, for those who were not there; ``None`` where the alert is gone."""
        with self._database.read() as session:
            row = session.get(AlertRow, number)
            if row is None:
                return None
            return {
                "alert": row.id,
                "watch": row.watch_id,
                "name": row.name,
                "kind": row.kind,
                "tracklet": row.tracklet_id,
                "camera": row.camera_id,
                "modality": row.modality,
                "start_ns": row.start_ns,
                "end_ns": row.end_ns,
                "identity": row.identity_id,
                "score": row.score,
                "probability": row.probability,
                "false_alarms": row.false_alarms,
                "calibrated": row.calibrated,
                "evidence": row.evidence,
            }

    def refused(self, event: Event) -> Refused | None:
        """The dead letter that an event tells of; ``None`` where it is on its topic already, or gone."""
        with self._database.read() as session:
            row = session.get(RefusedRow, int(event.payload["id"]))
            if row is None or not row.record:
                return None
            return Refused(
                topic=row.topic,
                number=row.number,
                offset=row.offset,
                reason=row.reason,
                message=row.message,
                attempts=row.attempts,
                record=row.record,
                time_ns=event.created_ns,
                topic_id=row.topic_id,
            )


def forget_refused(session: Session, numbers: Collection[int]) -> None:
    """Empty the records of dead letters that are on their topic, inside a writing transaction."""
    if numbers:
        gone = RefusedRow.id.in_(sorted(numbers))
        session.execute(update(RefusedRow).where(gone).values(record=b""))

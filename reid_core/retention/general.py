"""What is kept beside cameras: events, notes of dead letters, watches that have expired, audit details."""

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import ColumnElement, CursorResult, Delete, delete, func, or_, select
from sqlalchemy.orm import Session

from reid_core.audit.event import DETAILS, PURPOSE, AuditEvent
from reid_core.audit.rows import AuditPartRow, AuditRow
from reid_core.audit.trail import Trail
from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED, note_pruned
from reid_core.gallery.schema import LeaseRow, OutboxRow, RefusedRow
from reid_core.gallery.watch_rows import WatchRow
from reid_core.retention.rules import General

FOLLOWS = ("follower/", "clerk/")
"""How the leases begin whose holders follow the outbox."""


class Beside(Protocol):
    """One class of what is kept beside cameras."""

    def oldest(self, session: Session) -> int | None:
        """Time of the oldest that is left, UTC nanoseconds; ``None`` where nothing is."""

    def take_out(self, session: Session, before_ns: int, most: int) -> int:
        """Remove some that are over, in a writing transaction; returns how many: 0 where none is left."""


def followers_behind(session: Session) -> dict[str, int]:
    """How far everybody came who follows the outbox, by the name of the lease."""
    named = or_(*(LeaseRow.name.startswith(one) for one in FOLLOWS))
    rows = session.scalars(select(LeaseRow).where(named))
    return {row.name: int(row.state.get("position", 0)) for row in rows}


class OutboxEvents:
    """Events that every follower is done with.

    The last event stays, by which others see how far the outbox goes, and the last one of vectors, by which
    an index knows its database again.
    """

    def oldest(self, session: Session) -> int | None:
        """See `Beside`."""
        return session.scalar(select(func.min(OutboxRow.created_ns)))

    def take_out(self, session: Session, before_ns: int, most: int) -> int:
        """See `Beside`."""
        last = session.scalar(select(func.max(OutboxRow.id))) or 0
        of_vectors = OutboxRow.kind.in_((VECTORS_ADDED, VECTORS_REMOVED))
        last_of_vectors = session.scalar(select(func.max(OutboxRow.id)).where(of_vectors)) or 0
        done = min(followers_behind(session).values(), default=last)
        over = (
            OutboxRow.created_ns < before_ns,
            OutboxRow.id <= done,
            OutboxRow.id.not_in((last, last_of_vectors)),
            # A dead letter's note is found by its event.
            OutboxRow.kind != RECORD_REFUSED,
        )
        numbers = session.scalars(select(OutboxRow.id).where(*over).order_by(OutboxRow.id).limit(most)).all()
        if not numbers:
            return 0
        note_pruned(session, max(numbers))
        return _done(session, delete(OutboxRow).where(OutboxRow.id.in_(numbers)))


class DeadLetters:
    """Notes of dead letters that are on their topic, and the events that told of them."""

    def oldest(self, session: Session) -> int | None:
        """See `Beside`."""
        return session.scalar(select(func.min(OutboxRow.created_ns)).where(OutboxRow.kind == RECORD_REFUSED))

    def take_out(self, session: Session, before_ns: int, most: int) -> int:
        """See `Beside`."""
        last = session.scalar(select(func.max(OutboxRow.id))) or 0
        done = min(followers_behind(session).values(), default=last)
        over = (
            OutboxRow.kind == RECORD_REFUSED,
            OutboxRow.created_ns < before_ns,
            OutboxRow.id <= done,
            OutboxRow.id != last,
        )
        chosen = select(OutboxRow.id, OutboxRow.payload).where(*over).order_by(OutboxRow.id).limit(most)
        events = {row.id: int(row.payload["id"]) for row in session.execute(chosen)}
        if not events:
            return 0
        note_pruned(session, max(events))
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_(events)))
        session.execute(delete(RefusedRow).where(RefusedRow.id.in_(events.values())))
        return len(events)


class ExpiredWatches:
    """Watches that look for nobody any more, with the words or the vector of whom they looked for."""

    def oldest(self, session: Session) -> int | None:
        """See `Beside`; by when it expires: of those that never do, there is none."""
        return session.scalar(select(func.min(WatchRow.expires_ns)))

    def take_out(self, session: Session, before_ns: int, most: int) -> int:
        """See `Beside`."""
        over = select(WatchRow.id).where(WatchRow.expires_ns < before_ns).order_by(WatchRow.id).limit(most)
        numbers = session.scalars(over).all()
        return _done(session, delete(WatchRow).where(WatchRow.id.in_(numbers))) if numbers else 0


class AuditDetails:
    """What is personal of the audit log: purposes and details; the chain stays, and says that it went."""

    def __init__(self, trail: Trail, actor: Callable[[], str]) -> None:
        self._trail = trail
        self._actor = actor

    def oldest(self, session: Session) -> int | None:
        """See `Beside`."""
        chosen = select(func.min(AuditRow.time_ns)).where(_has_parts())
        return session.scalar(chosen)

    def take_out(self, session: Session, before_ns: int, most: int) -> int:
        """See `Beside`."""
        over = select(AuditRow.number).where(AuditRow.time_ns < before_ns, _has_parts())
        numbers = session.scalars(over.order_by(AuditRow.number).limit(most)).all()
        if numbers:
            event = AuditEvent("retention", self._actor())
            self._trail.forget(numbers, event, (DETAILS, PURPOSE), session)
        return len(numbers)


def besides(trail: Trail, actor: Callable[[], str]) -> dict[General, Beside]:
    """What is kept beside cameras, in the order in which it goes."""
    return {
        General.WATCHES: ExpiredWatches(),
        General.DEAD_LETTERS: DeadLetters(),
        General.OUTBOX: OutboxEvents(),
        General.AUDIT_DETAILS: AuditDetails(trail, actor),
    }


def _has_parts() -> ColumnElement[bool]:
    return select(AuditPartRow.number).where(AuditPartRow.number == AuditRow.number).exists()


def _done(session: Session, statement: Delete) -> int:
    done = session.execute(statement)
    assert isinstance(done, CursorResult)
    return int(done.rowcount)

"""What the audit log says, read back: who did what, by what is asked for."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from reid_core.audit.event import DETAILS, PURPOSE
from reid_core.audit.rows import AuditPartRow, AuditRow
from reid_core.gallery.database import Database

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are asked for; what is ``None`` does not count.

    Attributes:
        since_ns: not before, UTC nanoseconds.
        until_ns: before.
        actor: whose.
        action: which; ``link`` stands for ``link.confirm`` too.
        subject: an id that is named as subject.
        case: reference of the case.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row as it is read; fields as of `AuditEvent`.

    Attributes:
        forgotten: what was there beside the row and is no more: ``purpose``, ``details``.
    """

    number: int
    time_ns: int
    action: str
    actor: str
    purpose: str | None
    case: str | None
    subject: dict[str, Any]
    details: dict[str, Any]
    forgotten: tuple[str, ...]
    hash: str


def entries_before(
    session: Session, where: AuditFilter, before: int | None, limit: int
) -> tuple[AuditEntry, ...]:
    """The newest rows first.

    Args:
        session: of a transaction.
        where: which.
        before: only rows of lower numbers.
        limit: so many at most.
    """
    chosen = select(AuditRow).where(*_conditions(where)).order_by(AuditRow.number.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(AuditRow.number < before)
    return tuple(_entries(session, session.scalars(chosen).all()))


def entries_in_order(
    database: Database, where: AuditFilter, up_to: int | None = None
) -> Iterator[AuditEntry]:
    """All rows, the oldest first; a transaction a page, so that whoever reads slowly holds nothing up.

    Args:
        database: of the gallery.
        where: which.
        up_to: only rows of at most this number.
    """
    last = 0
    while True:
        chosen = select(AuditRow).where(*_conditions(where), AuditRow.number > last)
        if up_to is not None:
            chosen = chosen.where(AuditRow.number <= up_to)
        with database.read() as session:
            rows = session.scalars(chosen.order_by(AuditRow.number).limit(_PAGE)).all()
            page = [*_entries(session, rows)]
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].number


def numbers_about(session: Session, ids: Collection[str]) -> list[int]:
    """Numbers of the rows that name one of some ids as subject, whose personal part is there."""
    found = set[int]()
    kept = select(AuditPartRow.number).where(AuditPartRow.number == AuditRow.number).exists()
    for one in ids:
        found.update(session.scalars(select(AuditRow.number).where(_names(one), kept)))
    return sorted(found)


def _conditions(where: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.since_ns is not None:
        found.append(AuditRow.time_ns >= where.since_ns)
    if where.until_ns is not None:
        found.append(AuditRow.time_ns < where.until_ns)
    if where.actor is not None:
        found.append(AuditRow.actor == where.actor)
    if where.action is not None:
        below = AuditRow.action.startswith(f"{where.action}.", autoescape=True)
        found.append(or_(AuditRow.action == where.action, below))
    if where.subject is not None:
        found.append(_names(where.subject))
    if where.case is not None:
        stated = AuditPartRow.content.contains(f'"case":{json.dumps(where.case)}', autoescape=True)
        of_case = (AuditPartRow.part == PURPOSE) & stated
        found.append(AuditRow.number.in_(select(AuditPartRow.number).where(of_case)))
    return found


def _names(one: str) -> ColumnElement[bool]:
    # The text is canonical JSON: a whole string between its quotes, or a whole number.
    quoted = AuditRow.subject.contains(json.dumps(one), autoescape=True)
    if not one.isdecimal():
        return quoted
    ends = [AuditRow.subject.contains(f"{left}{one}{right}") for left in ":[," for right in ",]}"]
    return or_(quoted, *ends)


def _entries(session: Session, rows: Sequence[AuditRow]) -> Iterator[AuditEntry]:
    numbers = [row.number for row in rows]
    parts = {
        (part.number, part.part): json.loads(part.content)
        for part in session.scalars(select(AuditPartRow).where(AuditPartRow.number.in_(numbers)))
    }
    for row in rows:
        why = parts.get((row.number, PURPOSE), {})
        digests = ((PURPOSE, row.purpose_digest), (DETAILS, row.details_digest))
        yield AuditEntry(
            number=row.number,
            time_ns=row.time_ns,
            action=row.action,
            actor=row.actor,
            purpose=why.get("purpose"),
            case=why.get("case"),
            subject=json.loads(row.subject),
            details=parts.get((row.number, DETAILS), {}),
            forgotten=tuple(part for part, there in digests if there and (row.number, part) not in parts),
            hash=row.hash,
        )

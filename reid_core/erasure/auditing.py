"""What the audit log says of erasures and holds: that they were, under which name, and by whom.

It holds who was searched for and seen, by ids that lead nowhere once somebody is erased; those stay, for the
log is of its users. What is personal beside it (texts, names, addresses) goes with who is erased, of rows
that are about nobody else.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from reid_core.audit.event import AuditEvent
from reid_core.audit.rows import AuditRow
from reid_core.audit.trail import Trail
from reid_core.erasure.gone import Gone
from reid_core.erasure.holdings import Id
from reid_core.erasure.holds import Hold

ERASE, HOLD, LIFT = "erase", "hold.add", "hold.lift"
"""Actions."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEARCHED = 64


class Auditing:
    """Writes down who erases and holds, in the transaction in which it is done.

    The row of an erasure names the erasure and not whom: the ids that it is of are gone.

    Args:
        trail: the audit log of the gallery.
        actor: who, as an `AuditEvent` has it.
        purpose: why.
        case: the reference of a case.
    """

    def __init__(self, trail: Trail, actor: str, purpose: str | None = None, case: str | None = None) -> None:
        self._trail = trail
        self._actor = actor
        self._purpose = purpose
        self._case = case

    def erased(self, session: Session, name: str, gone: Gone, counts: Mapping[str, int]) -> int:
        """Write down an erasure, and forget what is personal of them; returns the number of its row.

        Args:
            session: of the writing transaction.
            name: of the erasure.
            gone: whom.
            counts: by table, how many rows went or were changed.
        """
        self.forget(session, name, gone)
        return self._append(session, ERASE, {"erasure": name, "rows": dict(counts)})

    def forget(self, session: Session, name: str, gone: Gone) -> int | None:
        """Forget what is personal in rows about somebody who is erased; returns the row that says so."""
        event = AuditEvent(ERASE, self._actor, self._purpose, self._case, {"erasure": name})
        return self._trail.forget(rows_about(session, gone), event, session=session)

    def held(self, session: Session, hold: Hold) -> int:
        """Write down a hold; returns the number of the row."""
        return self._append(session, HOLD, _said(hold), {"reason": hold.reason})

    def lifted(self, session: Session, hold: Hold) -> int:
        """Write down that a hold was lifted; returns the number of the row."""
        return self._append(session, LIFT, _said(hold))

    def _append(
        self,
        session: Session,
        action: str,
        subject: Mapping[str, object],
        details: Mapping[str, object] | None = None,
    ) -> int:
        event = AuditEvent(action, self._actor, self._purpose, self._case, subject, details or {})
        return self._trail.append(event, session)


def _said(hold: Hold) -> dict[str, object]:
    named = {str(hold.kind): hold.subject if hold.subject is not None else hold.camera}
    times = {name: getattr(hold, name) for name in ("since_ns", "until_ns")}
    return {
        "hold": hold.number,
        **named,
        **{name: value for name, value in times.items() if value is not None},
    }


def rows_about(session: Session, gone: Gone) -> list[int]:
    """The numbers of audit rows that name somebody who is gone, and nobody else."""
    ids, found = sorted(gone.of(Id.ANY)), set[int]()
    for start in range(0, len(ids), _SEARCHED):
        page = ids[start : start + _SEARCHED]
        named = or_(*(AuditRow.subject.contains(one, autoescape=True) for one in page))
        for row in session.execute(select(AuditRow.number, AuditRow.subject).where(named)):
            if _is_about(json.loads(row.subject), gone.of(Id.ANY)):
                found.add(row.number)
    return sorted(found)


def _is_about(subject: Any, gone: Collection[str]) -> bool:
    texts = set(_texts(subject))
    others = {one for one in texts if _ID.fullmatch(one)} - set(gone)
    return bool(texts & set(gone)) and not others


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)

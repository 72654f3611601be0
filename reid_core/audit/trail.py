"""Appends to the audit log: one chain, however many processes write at once."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Self

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from reid_core.audit.checkpoints import Checkpoint
from reid_core.audit.errors import AuditError, AuditKeyError
from reid_core.audit.event import DETAILS, FORGET, PURPOSE, RESEAL, AuditEvent
from reid_core.audit.findings import Verification
from reid_core.audit.keys import FILE_VARIABLE, KEY_VARIABLE, audit_key
from reid_core.audit.rows import AuditHeadRow, AuditPartRow, AuditRow
from reid_core.audit.sealing import (
    Sealed,
    canonical,
    checkpoint_signature,
    commitment,
    key_name,
    new_chain,
    new_salt,
    row_hash,
)
from reid_core.audit.spans import spans
from reid_core.audit.verifying import verify
from reid_core.file_names import readable_text
from reid_core.gallery.database import Database

_HEAD = 1
_PAGE = 4096
# The one row, whoever is first; the same words on SQLite and PostgreSQL.
_BEGIN = text(
    "INSERT INTO audit_head (id, chain, key, era, number, time_ns, hash)"
    " VALUES (:id, :chain, :key, 0, 0, 0, :chain) ON CONFLICT (id) DO NOTHING"
)


class Trail:
    """The audit log of a gallery.

    Args:
        database: of the gallery.
        key: of its chain.
        clock: UTC nanoseconds.
    """

    def __init__(self, database: Database, key: bytes, clock: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._key = key
        self._key_name = key_name(key)
        self._clock = clock

    @classmethod
    def of(cls, database: Database, key_file: Path | None = None) -> Self:
        """The log of a gallery with the key that environment, settings or the gallery's folder hold.

        Args:
            database: of the gallery.
            key_file: as settings name it (`AuditSettings.key_file`).

        Raises:
            AuditKeyError: there is none, or it is not one.
            StorageError: its file cannot be read or made.
        """
        return cls(database, audit_key(database, key_file))

    def append(self, event: AuditEvent, session: Session | None = None) -> int:
        """Write down one use.

        Args:
            event: what was done.
            session: of a writing transaction with which the row comes and goes; one of its own otherwise.
                The log's end is locked until it ends.

        Returns:
            the row's number.

        Raises:
            AuditKeyError: the log is kept with another key.
            UsageError: subject or details are no JSON.
            DatabaseBusyError: the writer before it does not end.
        """
        if session is not None:
            return self._append(session, event)
        with self._database.write(in_turn=False) as own:
            return self._append(own, event)

    def forget(
        self,
        numbers: Collection[int],
        event: AuditEvent,
        parts: Collection[str] = (DETAILS,),
        session: Session | None = None,
    ) -> int | None:
        """Destroy what is personal of some rows, and their salts; the chain stays whole, and says so.

        Args:
            numbers: of the rows; ones of which nothing is there are passed over.
            event: who forgets, and why. Its action is `FORGET`, its subject gains the rows and parts.
            parts: `DETAILS`, `PURPOSE` or both.
            session: as for `append`.

        Returns:
            the number of the row that says so; ``None`` where there was nothing to forget.

        Raises:
            AuditKeyError, DatabaseBusyError: as for `append`.
        """
        with nullcontext(session) if session is not None else self._database.write(in_turn=False) as own:
            # Whoever appends at the same time is in front of it or behind it, wholly.
            self._head(own)
            gone = _destroyed(own, numbers, parts)
            if not gone:
                return None
            said = [[part, spans(rows)] for part, rows in sorted(gone.items())]
            subject = {**event.subject, "forgotten": said}
            return self._append(own, replace(event, action=FORGET, subject=subject))

    def checkpoint(self, session: Session | None = None) -> Checkpoint | None:
        """Where the log ends now, signed; ``None`` where nothing was ever written.

        Args:
            session: of any transaction.

        Raises:
            AuditKeyError: the log is kept with another key.
        """
        with nullcontext(session) if session is not None else self._database.read() as own:
            head = own.get(AuditHeadRow, _HEAD, populate_existing=True)
            if head is None:
                return None
            self._check_key(head)
            said = head.chain, head.era, head.number, self._clock(), head.hash
        chain, era, number, time_ns, row = said
        return Checkpoint(chain, era, number, row, time_ns, checkpoint_signature(self._key, *said))

    def verify(
        self,
        checkpoints: Sequence[Checkpoint] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Verification:
        """Check the whole log; as `verifying.verify`.

        Raises:
            AuditKeyError: the log is kept with another key.
        """
        return verify(self._database, self._key, checkpoints, progress)

    def reseal(self, last: Checkpoint, event: AuditEvent) -> int:
        """Go on with a log that a restored backup set back: what is lost is named for good.

        Args:
            last: the newest checkpoint of before the restoring, as `verifying` chose it.
            event: who does so, and why. Its action is `RESEAL`.

        Returns:
            the number of the row that says so.

        Raises:
            AuditError: the checkpoint is none of this log, or nothing is lost.
            AuditKeyError, DatabaseBusyError: as for `append`.
        """
        with self._database.write(in_turn=False) as session:
            head = self._head(session)
            if last.chain != head.chain or not last.is_signed_by(self._key):
                raise AuditError("The checkpoint is not of this log.")
            if last.number <= head.number and last.era <= head.era:
                raise AuditError(f"No row is missing: the log ends at {head.number}.")
            era = max(last.era, head.era) + 1
            said = {"era": era, "kept": head.number, "lost": last.number, "hash": last.hash}
            number = self._append(session, replace(event, action=RESEAL, subject={**event.subject, **said}))
            session.execute(update(AuditHeadRow).where(AuditHeadRow.id == _HEAD).values(era=era))
            return number

    def _append(self, session: Session, event: AuditEvent) -> int:
        parts = {name: (new_salt(), content) for name, content in _parts(event).items()}
        digests = {name: commitment(salt, content) for name, (salt, content) in parts.items()}
        head = self._head(session)
        row = Sealed(
            number=head.number + 1,
            time_ns=self._clock(),
            action=event.action,
            actor=readable_text(event.actor),
            subject=canonical(event.subject),
            purpose_digest=digests.get(PURPOSE, ""),
            details_digest=digests.get(DETAILS, ""),
            previous=head.hash,
        )
        sealed = row_hash(self._key, row)
        fields = {name: getattr(row, name) for name in Sealed.__slots__}
        session.execute(insert(AuditRow).values(**fields, hash=sealed))
        session.execute(
            update(AuditHeadRow)
            .where(AuditHeadRow.id == _HEAD)
            .values(number=row.number, time_ns=row.time_ns, hash=sealed)
        )
        for name, (salt, content) in parts.items():
            session.execute(
                insert(AuditPartRow).values(number=row.number, part=name, salt=salt, content=content)
            )
        return row.number

    def _head(self, session: Session) -> AuditHeadRow:
        """The end of the chain, locked: whoever else appends waits here."""
        session.flush()
        chosen = (
            select(AuditHeadRow)
            .where(AuditHeadRow.id == _HEAD)
            .with_for_update()
            # As it is now, not as the session may have seen it.
            .execution_options(populate_existing=True)
        )
        head = session.scalar(chosen)
        if head is None:
            session.execute(_BEGIN, {"id": _HEAD, "chain": new_chain(), "key": self._key_name})
            head = session.scalar(chosen)
            assert head is not None
        self._check_key(head)
        return head

    def _check_key(self, head: AuditHeadRow) -> None:
        if head.key != self._key_name:
            raise AuditKeyError(
                f"The audit log of {self._database.name} is kept with another key.",
                f"Give the key that it was begun with: {KEY_VARIABLE}, {FILE_VARIABLE} or its file.",
            )


def is_begun(database: Database) -> bool:
    """Whether anything was ever written to a gallery's log."""
    with database.read() as session:
        return session.get(AuditHeadRow, _HEAD) is not None


def _destroyed(session: Session, numbers: Collection[int], parts: Collection[str]) -> dict[str, list[int]]:
    """Remove what is personal of rows; returns the numbers of those that had it, by part."""
    gone: dict[str, list[int]] = {}
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _PAGE):
        mine = AuditPartRow.number.in_(wanted[start : start + _PAGE]), AuditPartRow.part.in_(sorted(parts))
        for number, part in session.execute(select(AuditPartRow.number, AuditPartRow.part).where(*mine)):
            gone.setdefault(part, []).append(number)
        session.execute(delete(AuditPartRow).where(*mine))
    return gone


def _parts(event: AuditEvent) -> Mapping[str, str]:
    """What of an event is kept apart."""
    why = {name: value for name, value in (("purpose", event.purpose), ("case", event.case)) if value}
    found = {}
    if why:
        found[PURPOSE] = canonical(why)
    if event.details:
        found[DETAILS] = canonical(event.details)
    return found

"""Checks a whole audit log: the chain, what is personal beside it, and the checkpoints kept elsewhere."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.audit.checkpoints import Checkpoint
from reid_core.audit.errors import AuditKeyError
from reid_core.audit.event import DETAILS, FORGET, PURPOSE, RESEAL
from reid_core.audit.findings import Finding, Verification, Wrong
from reid_core.audit.rows import AuditHeadRow, AuditPartRow, AuditRow
from reid_core.audit.sealing import commitment, key_name, same
from reid_core.audit.spans import told, within
from reid_core.audit.walking import Walk
from reid_core.gallery.database import Database

_PAGE = 2000
# So many of the same kind are told one by one.
_MOST = 100


def verify(
    database: Database,
    key: bytes,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Check the log of a gallery.

    Args:
        database: of the gallery.
        key: of the chain.
        checkpoints: read before this is called, so that none is newer than what is read now.
        progress: called with rows done and rows in all.

    Raises:
        AuditKeyError: the log is kept with another key.
    """
    with database.read() as session:
        head = session.get(AuditHeadRow, 1)
        if head is not None and head.key != key_name(key):
            raise AuditKeyError(
                f"The audit log of {database.name} is kept with another key.",
                "Give the key that it was begun with.",
            )
        return _Check(session, key, head, checkpoints, progress).result()


@dataclass(frozen=True, slots=True)
class _Reseal:
    """That a log was sealed anew: rows up to ``kept`` stayed, those up to ``lost`` went."""

    number: int
    era: int
    kept: int
    lost: int


@dataclass
class _Check:
    session: Session
    key: bytes
    head: AuditHeadRow | None
    checkpoints: Sequence[Checkpoint]
    progress: Callable[[int, int], None] | None
    findings: list[Finding] = field(default_factory=list)
    reseals: list[_Reseal] = field(default_factory=list)
    # Where parts are missing, and where the log says that they were forgotten.
    missing: dict[str, list[int]] = field(default_factory=dict)
    forgotten: dict[str, list[list[int]]] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)

    def result(self) -> Verification:
        """Go through all of it."""
        end = self.head.number if self.head is not None else 0
        walk = Walk(self.key, self.head.chain if self.head is not None else "", end)
        wanted = {one.number for one in self.checkpoints}
        for rows in _pages(self.session):
            for row in rows:
                if walk.step(row):
                    self._note(row)
                if row.number in wanted:
                    self.hashes[row.number] = row.hash
            self._check_parts(rows)
            if self.progress is not None:
                self.progress(walk.rows, max(end, walk.rows))
            self.session.expunge_all()
        walk.finish(self.head.hash if self.head is not None else "")
        self.findings = [*walk.findings, *self.findings]
        self._check_missing()
        self._check_orphans()
        compared = self._check_checkpoints(end)
        return Verification(
            rows=walk.rows,
            forgotten=sum(len(one) for one in self.missing.values()),
            checkpoints=compared,
            last=end,
            hash=self.head.hash if self.head is not None else "",
            notices=tuple(
                f"Row {one.number} says that a backup was restored: rows {one.kept + 1} to {one.lost} "
                "of before are lost."
                for one in self.reseals
            ),
            findings=tuple(self.findings),
        )

    def _note(self, row: AuditRow) -> None:
        """Remember what the log says of itself."""
        if row.action == FORGET:
            for part, numbers in json.loads(row.subject).get("forgotten", []):
                self.forgotten.setdefault(part, []).extend(numbers)
        elif row.action == RESEAL:
            said = json.loads(row.subject)
            self.reseals.append(_Reseal(row.number, said["era"], said["kept"], said["lost"]))

    def _check_parts(self, rows: Sequence[AuditRow]) -> None:
        span = AuditPartRow.number.between(rows[0].number, rows[-1].number)
        parts = {
            (one.number, one.part): one for one in self.session.scalars(select(AuditPartRow).where(span))
        }
        for row in rows:
            for name, digest in ((PURPOSE, row.purpose_digest), (DETAILS, row.details_digest)):
                part = parts.pop((row.number, name), None)
                if part is None:
                    if digest:
                        self.missing.setdefault(name, []).append(row.number)
                elif not digest:
                    self._say(row.number, f"has {_called(name)} beside it that it was written without")
                elif not same(commitment(bytes(part.salt), part.content), digest):
                    self._say(row.number, f"has other {_called(name)} beside it than it was written with")
        for number, name in parts:
            self._say(number, f"has {_called(name)} beside it that it was written without")

    def _check_missing(self) -> None:
        for name, numbers in sorted(self.missing.items()):
            among = self.forgotten.get(name, [])
            lost = [one for one in numbers if not within(one, among)]
            if lost:
                several = len(lost) > 1
                message = (
                    f"Row{'s' * several} {told(lost)} {'lack' if several else 'lacks'} {_called(name)}, and "
                    "nothing says that they were forgotten."
                )
                self.findings.append(Finding(Wrong.DETAIL, lost[0], lost[-1], message))
            self.missing[name] = [one for one in numbers if within(one, among)]

    def _check_orphans(self) -> None:
        there = select(AuditRow.number).where(AuditRow.number == AuditPartRow.number).exists()
        lone = select(AuditPartRow.number, AuditPartRow.part).where(~there).order_by(AuditPartRow.number)
        for number, name in self.session.execute(lone.limit(_MOST)):
            self.findings.append(
                Finding(
                    Wrong.DETAIL,
                    number,
                    number,
                    f"There are {_called(name)} of a row {number}, which is not there.",
                )
            )

    def _check_checkpoints(self, end: int) -> int:
        """Compare what was noted elsewhere; returns how many were."""
        compared, worst = 0, None
        for place, one in enumerate(self.checkpoints, start=1):
            if not one.is_signed_by(self.key):
                self._say_checkpoint(None, f"Checkpoint {place} is not signed with the key of this log.")
                continue
            if self.head is None or one.chain != self.head.chain:
                message = (
                    f"Checkpoint {place} is of another log: this one was begun anew, or it is not its own."
                )
                self._say_checkpoint(None, message)
                continue
            compared += 1
            if any(turn.era > one.era and turn.kept < one.number <= turn.lost for turn in self.reseals):
                continue
            if one.number > end:
                worst = one if worst is None or one.number > worst.number else worst
            # A row that is not there is told of as such.
            elif self.hashes.get(one.number, one.hash) != one.hash:
                message = (
                    f"Row {one.number} is another one than when checkpoint {place} was made: rows were "
                    "cut off, and others written."
                )
                self.findings.append(Finding(Wrong.REPLACED, one.number, one.number, message))
        if worst is not None:
            message = (
                f"Rows {told(range(end + 1, worst.number + 1))} were cut off at the end: a checkpoint counts "
                f"{worst.number}, the log {end}."
            )
            self.findings.append(Finding(Wrong.CUT_OFF, end + 1, worst.number, message))
        return compared

    def _say(self, number: int, what: str) -> None:
        self.findings.append(Finding(Wrong.DETAIL, number, number, f"Row {number} {what}."))

    def _say_checkpoint(self, number: int | None, message: str) -> None:
        self.findings.append(Finding(Wrong.CHECKPOINT, number, number, message))


def _called(part: str) -> str:
    return "details" if part == DETAILS else f"a {part}" if part == PURPOSE else f"parts called {part!r}"


def _pages(session: Session) -> Iterator[Sequence[AuditRow]]:
    last = None
    while True:
        chosen = select(AuditRow).order_by(AuditRow.number).limit(_PAGE)
        rows = session.scalars(chosen if last is None else chosen.where(AuditRow.number > last)).all()
        if rows:
            last = rows[-1].number
            yield rows
        if len(rows) < _PAGE:
            return

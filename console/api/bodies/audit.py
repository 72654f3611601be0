"""The audit log over HTTP."""

from typing import Any, Literal

from console.api.bodies.base import Moment, Shape, moment
from reid_core.audit.findings import Finding, Verification, Wrong
from reid_core.audit.reading import AuditEntry


class AuditLine(Shape):
    """One use of the gallery: who did what, to whom, and why."""

    number: int
    time: Moment
    action: str
    actor: str
    purpose: str | None
    case: str | None
    subject: dict[str, Any]
    details: dict[str, Any]
    forgotten: list[Literal["purpose", "details"]]
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditLine":
        """A row of the log."""
        return cls(
            number=entry.number,
            time=moment(entry.time_ns),
            action=entry.action,
            actor=entry.actor,
            purpose=entry.purpose,
            case=entry.case,
            subject=entry.subject,
            details=entry.details,
            forgotten=list(entry.forgotten),  # type: ignore[arg-type]
            hash=entry.hash,
        )


class AuditPage(Shape):
    """Some of them, the newest first."""

    entries: list[AuditLine]
    next: str | None


class AuditFinding(Shape):
    """Something that was done to the log behind its back."""

    wrong: Wrong
    first: int | None
    last: int | None
    message: str

    @classmethod
    def of(cls, one: Finding) -> "AuditFinding":
        """What checking found."""
        return cls(wrong=one.wrong, first=one.first, last=one.last, message=one.message)


class AuditVerified(Shape):
    """What checking the whole log found."""

    whole: bool
    rows: int
    forgotten: int
    checkpoints: int
    last: int
    hash: str
    notices: list[str]
    findings: list[AuditFinding]

    @classmethod
    def of(cls, done: Verification) -> "AuditVerified":
        """What `verify` returned."""
        return cls(
            whole=done.whole,
            rows=done.rows,
            forgotten=done.forgotten,
            checkpoints=done.checkpoints,
            last=done.last,
            hash=done.hash,
            notices=list(done.notices),
            findings=[AuditFinding.of(one) for one in done.findings],
        )

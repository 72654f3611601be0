"""The audit log, for auditors alone; that they read it is in it."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from console.api.bodies.audit import AuditLine, AuditPage, AuditVerified
from console.api.bodies.base import Moment, Page, nanoseconds
from console.api.cursors import packed, unpacked
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse
from reid_core.access import Permission
from reid_core.audit.checkpoints import CheckpointFile
from reid_core.audit.exporting import ExportForm, exported
from reid_core.audit.reading import AuditFilter, entries_before, entries_in_order

router = PermittedRouter("/audit", tags=["audit"])

_LIST = "audit"
_TYPES = {ExportForm.JSONL: "application/x-ndjson", ExportForm.CSV: "text/csv; charset=utf-8"}
Word = Annotated[str | None, Query(min_length=1, max_length=255)]


@router.get("", permission=Permission.AUDIT_READ)
def audit(
    use: CurrentUse,
    since: Moment | None = None,
    until: Moment | None = None,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    case: Word = None,
    limit: Page = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> AuditPage:
    """Who did what, the newest first; ``action=link`` stands for ``link.confirm`` too."""
    where = AuditFilter(nanoseconds(since), nanoseconds(until), actor, action, subject, case)
    before = unpacked(_LIST, cursor)
    asked = {"actor": actor, "action": action, "subject": subject, "case": case}
    own = use.record("audit.read", details={name: value for name, value in asked.items() if value})
    with use.gallery.database.read() as session:
        # Not the row of this very reading: every page would have one more.
        found = entries_before(session, where, before if before is not None else own, limit + 1)
    more = len(found) > limit
    page = found[:limit]
    return AuditPage(
        entries=[AuditLine.of(one) for one in page], next=packed(_LIST, page[-1].number) if more else None
    )


@router.get("/export", permission=Permission.AUDIT_EXPORT, response_class=StreamingResponse)
def export(
    use: CurrentUse,
    since: Moment | None = None,
    until: Moment | None = None,
    form: Annotated[ExportForm, Query(alias="format")] = ExportForm.JSONL,
) -> StreamingResponse:
    """The log as JSON lines or CSV, the oldest first; that it was exported is its last row."""
    first, last = nanoseconds(since), nanoseconds(until)
    own = use.record("audit.export", subject={"since_ns": first, "until_ns": last, "form": form})
    rows = entries_in_order(use.gallery.database, AuditFilter(first, last), own)
    return StreamingResponse(
        exported(rows, form),
        media_type=_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="audit-{own}.{form}"'},
    )


@router.get("/verification", permission=Permission.AUDIT_READ)
def verification(use: CurrentUse) -> AuditVerified:
    """Check the whole log, against the checkpoints that this process notes."""
    use.record("audit.verify")
    database = use.gallery.database
    file = use.context.settings.audit.checkpoint_file(database)
    noted = CheckpointFile(file).read() if file is not None else ()
    return AuditVerified.of(use.context.trail.verify(noted))

"""What retention left and took: by camera and class, as the database and the audit log say."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.audit.rows import AuditRow
from reid_core.audit.trail import Trail
from reid_core.gallery.database import Database
from reid_core.gallery.schema import CameraRow
from reid_core.retention.enforcing import ENFORCED, Removed
from reid_core.retention.general import besides, followers_behind
from reid_core.retention.kept import KEPT
from reid_core.retention.rules import Days, before, kept_rules


@dataclass(frozen=True, slots=True)
class Line:
    """One class, of one camera or of none; times in UTC nanoseconds.

    Attributes:
        camera: its id; ``None`` of none.
        what: the class.
        days: the rule; ``None`` is for ever.
        oldest_ns: of what is left; ``None`` where nothing is.
        over: whether that is older than the rule allows.
        held: how many are over, and stay under legal hold.
        removed: how many things went, ever.
        last_ns: when the last of them did.
        last_days: by which rule.
    """

    camera: str | None
    what: str
    days: Days
    oldest_ns: int | None
    over: bool
    held: int
    removed: int
    last_ns: int | None
    last_days: float | None


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What is left and what went.

    Attributes:
        made_ns: when this was found out, UTC nanoseconds.
        enforced_ns: when retention was enforced last, as the audit log says; ``None`` for never.
        lines: by class and camera.
        followers: how far everybody came who follows the outbox: events behind the last of them stay.
    """

    made_ns: int
    enforced_ns: int | None
    lines: tuple[Line, ...]
    followers: dict[str, int]


def report(database: Database, trail: Trail, now_ns: int | None = None) -> RetentionReport:
    """What retention left and took until now.

    Args:
        database: of the gallery.
        trail: its audit log.
        now_ns: the time of day, UTC nanoseconds.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    with database.read() as session:
        went = [*_went(session)]
        return RetentionReport(
            made_ns=now_ns,
            enforced_ns=max((moment for moment, _ in went), default=None),
            lines=tuple(_lines(session, trail, went, now_ns)),
            followers=followers_behind(session),
        )


def _lines(
    session: Session, trail: Trail, went: list[tuple[int, tuple[Removed, ...]]], now_ns: int
) -> Iterator[Line]:
    rules = kept_rules(session)
    cameras = session.scalars(select(CameraRow.id).order_by(CameraRow.id)).all()
    for camera in cameras:
        for what, kept in KEPT.items():
            days, oldest = rules.of_camera(camera, what), kept.oldest(session, camera)
            held = kept.held(session, camera, before(days, now_ns)) if days is not None else 0
            yield _line(camera, what, days, oldest, held, went, now_ns)
    for general, beside in besides(trail, lambda: "").items():
        yield _line(None, general, rules.general(general), beside.oldest(session), 0, went, now_ns)
    there = {(one.camera, one.what) for _, removed in went for one in removed}
    known = {(camera, what.value) for camera in cameras for what in KEPT}
    general_names = {(None, general.value) for general in besides(trail, lambda: "")}
    # Of cameras that are no more, and of what lies outside the database.
    for gone, name in sorted(there - known - general_names, key=str):
        yield _line(gone, name, None, None, 0, went, now_ns)


def _line(
    camera: str | None,
    what: str,
    days: Days,
    oldest_ns: int | None,
    held: int,
    went: list[tuple[int, tuple[Removed, ...]]],
    now_ns: int,
) -> Line:
    mine = [
        (moment, one)
        for moment, removed in went
        for one in removed
        if (one.camera, one.what) == (camera, what)
    ]
    last = mine[-1] if mine else None
    return Line(
        camera=camera,
        what=str(what),
        days=days,
        oldest_ns=oldest_ns,
        over=days is not None and oldest_ns is not None and oldest_ns < before(days, now_ns),
        held=held,
        removed=sum(one.count for _, one in mine),
        last_ns=last[0] if last is not None else None,
        last_days=last[1].days if last is not None else None,
    )


def _went(session: Session) -> Iterator[tuple[int, tuple[Removed, ...]]]:
    """Every run that the audit log tells of: when, and what went."""
    chosen = select(AuditRow.time_ns, AuditRow.subject).where(AuditRow.action == ENFORCED)
    for row in session.execute(chosen.order_by(AuditRow.number)):
        yield row.time_ns, tuple(Removed(**one) for one in json.loads(row.subject)["removed"])

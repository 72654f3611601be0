"""Alerts: written once a watch and tracklet, told once, and read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.outbox import ALERT_RAISED, put_event
from reid_core.gallery.watch_rows import AlertRow, WatchRow
from reid_core.watching.judging import Found
from reid_core.watching.looking import Seen


@dataclass(frozen=True, slots=True)
class Alert:
    """A tracklet that a watch found.

    Attributes:
        number: of the alert.
        watch: number of the watch, which may be gone.
        name: of the watch.
        kind: of the watch.
        tracklet: its id.
        camera: that saw it.
        modality: of the tracklet.
        start_ns: capture time of its first frame, UTC nanoseconds.
        end_ns: of its last.
        identity: who of the gallery it is, as far as that is known.
        score: the cosine that passed: with the tracklet, or with the looks of ``identity`` where an infrared
            tracklet is found by words; of an identity that of the link.
        probability: that an infrared tracklet is ``identity``, by infrared alone.
        false_alarms: how many a night chance brings at this score or a better one; ``None`` where no
            calibration says so.
        calibrated: whether calibrations decided, and not a score that was asked for.
        evidence: the visible tracklet and sighting that were compared, if others than the tracklet's own.
        repeats: number of the alert that told of the same person in the same camera shortly before.
        acknowledged_by: who has taken note of it; ``None`` where nobody has.
        acknowledged_ns: when, UTC nanoseconds.
    """

    number: int
    watch: int
    name: str
    kind: str
    tracklet: str
    camera: str
    modality: str
    start_ns: int
    end_ns: int
    identity: str | None
    score: float | None
    probability: float | None
    false_alarms: float | None
    calibrated: bool
    evidence: Mapping[str, Any]
    repeats: int | None
    acknowledged_by: str | None = None
    acknowledged_ns: int | None = None

    @classmethod
    def of(cls, row: AlertRow) -> Self:
        """As its row has it."""
        return cls(
            number=row.id,
            watch=row.watch_id,
            name=row.name,
            kind=row.kind,
            tracklet=row.tracklet_id,
            camera=row.camera_id,
            modality=row.modality,
            start_ns=row.start_ns,
            end_ns=row.end_ns,
            identity=row.identity_id,
            score=row.score,
            probability=row.probability,
            false_alarms=row.false_alarms,
            calibrated=row.calibrated,
            evidence=row.evidence,
            repeats=row.repeats,
            acknowledged_by=row.acknowledged_by,
            acknowledged_ns=row.acknowledged_ns,
        )


def raise_alert(session: Session, watch: WatchRow, seen: Seen, found: Found, quiet_ns: int) -> bool:
    """Write an alert that is not there yet, and have it told unless it repeats another one.

    Args:
        session: of the writing transaction.
        watch: that found somebody.
        seen: the tracklet.
        found: what was found.
        quiet_ns: within how long the same person in the same camera is no news, nanoseconds.

    Returns:
        whether it is told.
    """
    mine = AlertRow.watch_id == watch.id
    if session.scalar(select(AlertRow.id).where(mine, AlertRow.tracklet_id == seen.id)) is not None:
        return False
    values = {
        "watch_id": watch.id,
        "name": watch.name,
        "kind": watch.kind,
        "tracklet_id": seen.id,
        "camera_id": seen.camera,
        "modality": str(seen.modality),
        "start_ns": seen.start_ns,
        "end_ns": seen.end_ns,
        "identity_id": found.identity,
        "score": found.score,
        "probability": found.probability,
        "false_alarms": found.false_alarms,
        "calibrated": found.calibrated,
        "evidence": dict(found.evidence),
        "repeats": _told_before(session, watch.id, seen, found.identity, quiet_ns),
    }
    number = session.scalar(insert(AlertRow).values(values).returning(AlertRow.id))
    if values["repeats"] is not None:
        return False
    payload = {"alert": number, "watch": watch.id}
    put_event(session, ALERT_RAISED, seen.id, payload, seen.end_ns)
    return True


def alerts(
    session: Session, watch: int | None = None, last: int | None = None, after: int = 0
) -> tuple[Alert, ...]:
    """Alerts in the order in which they were raised: all, or those of one watch.

    Args:
        session: of the gallery.
        watch: number of the watch.
        last: only so many, the latest.
        after: only those behind this one.
    """
    chosen = select(AlertRow).where(AlertRow.id > after).order_by(AlertRow.id.desc()).limit(last)
    if watch is not None:
        chosen = chosen.where(AlertRow.watch_id == watch)
    return tuple(map(Alert.of, reversed(session.scalars(chosen).all())))


def alerts_before(
    session: Session,
    where: SearchFilter,
    watch: int | None = None,
    acknowledged: bool | None = None,
    before: int | None = None,
    size: int = 100,
) -> tuple[Alert, ...]:
    """Alerts, the latest first.

    Args:
        session: of the gallery.
        where: cameras, modality, and a time in which some of their tracklets lies.
        watch: number of the watch.
        acknowledged: only those of which somebody has, or nobody has taken note.
        before: only those in front of this one.
        size: how many at most.
    """
    chosen = select(AlertRow).order_by(AlertRow.id.desc()).limit(size)
    if where.cameras is not None:
        chosen = chosen.where(AlertRow.camera_id.in_(sorted(where.cameras)))
    if where.modality is not None:
        chosen = chosen.where(AlertRow.modality == str(where.modality))
    if where.since_ns is not None:
        chosen = chosen.where(AlertRow.end_ns >= where.since_ns)
    if where.until_ns is not None:
        chosen = chosen.where(AlertRow.start_ns < where.until_ns)
    if watch is not None:
        chosen = chosen.where(AlertRow.watch_id == watch)
    if acknowledged is not None:
        none = AlertRow.acknowledged_ns.is_(None)
        chosen = chosen.where(~none if acknowledged else none)
    if before is not None:
        chosen = chosen.where(AlertRow.id < before)
    return tuple(map(Alert.of, session.scalars(chosen)))


def the_alert(session: Session, number: int) -> Alert | None:
    """One alert by its number."""
    row = session.get(AlertRow, number) if 0 < number < 1 << 62 else None
    return Alert.of(row) if row is not None else None


def acknowledge(session: Session, number: int, by: str, now_ns: int) -> Alert:
    """Take note of an alert, once: whoever was first stays.

    Args:
        session: of a writing transaction.
        number: of an alert that is there.
        by: who.
        now_ns: when, UTC nanoseconds.
    """
    row = session.get_one(AlertRow, number, populate_existing=True)
    if row.acknowledged_ns is None:
        row.acknowledged_by, row.acknowledged_ns = by, now_ns
        session.flush()
    return Alert.of(row)


def last_alert(session: Session) -> int:
    """Number of the latest alert; 0 where there is none."""
    return session.scalar(select(func.max(AlertRow.id))) or 0


def _told_before(session: Session, watch: int, seen: Seen, identity: str | None, quiet_ns: int) -> int | None:
    """The alert that told of this person in this camera shortly before, or after where order is lost."""
    if identity is None:
        return None
    chosen = (
        select(AlertRow.id)
        .where(AlertRow.watch_id == watch, AlertRow.identity_id == identity)
        .where(AlertRow.camera_id == seen.camera, AlertRow.repeats.is_(None))
        .where(AlertRow.end_ns > seen.start_ns - quiet_ns, AlertRow.start_ns < seen.end_ns + quiet_ns)
        .order_by(AlertRow.id)
        .limit(1)
    )
    return session.scalar(chosen)

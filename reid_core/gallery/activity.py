"""How much a gallery holds, and how far each camera has come."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reid_core.gallery.schema import (
    Base,
    CameraRow,
    IdentityRow,
    LinkRow,
    SightingRow,
    StagedRow,
    StreamRow,
    TrackletRow,
)


@dataclass(frozen=True, slots=True)
class CameraActivity:
    """One camera and what is kept of it.

    Attributes:
        id: its id.
        modality: how its images are compared.
        spectrum: the light it records.
        tracklets: how many are kept.
        first_ns: capture time of the first, UTC nanoseconds; ``None`` without any.
        last_ns: capture time at which the last ended.
        seen_ns: up to which capture time its stream has been looked at; ``None`` where it has none.
    """

    id: str
    modality: str
    spectrum: str
    tracklets: int
    first_ns: int | None
    last_ns: int | None
    seen_ns: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many of each a gallery holds; ``waiting`` tracklets are not admitted yet."""

    identities: int
    tracklets: int
    sightings: int
    links: int
    waiting: int


def camera_activity(
    session: Session,
    cameras: Collection[str] | None = None,
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> tuple[CameraActivity, ...]:
    """The cameras, or those of these ids, and what is kept of each from a span of time.

    Args:
        session: of a transaction.
        cameras: ids; all by default.
        since_ns: tracklets that begin at or after this.
        until_ns: tracklets that begin before this.
    """
    kept = (
        select(
            TrackletRow.camera_id,
            func.count().label("tracklets"),
            func.min(TrackletRow.start_ns).label("first_ns"),
            func.max(TrackletRow.end_ns).label("last_ns"),
        )
        .group_by(TrackletRow.camera_id)
        .where(*_within(since_ns, until_ns))
        .subquery()
    )
    chosen = (
        select(CameraRow, kept.c.tracklets, kept.c.first_ns, kept.c.last_ns, StreamRow.seen_ns)
        .outerjoin(kept, kept.c.camera_id == CameraRow.id)
        .outerjoin(StreamRow, StreamRow.camera_id == CameraRow.id)
    )
    if cameras is not None:
        chosen = chosen.where(CameraRow.id.in_(cameras))
    found = [
        CameraActivity(row.id, row.modality, row.spectrum, count or 0, first, last, seen)
        for row, count, first, last, seen in session.execute(chosen)
    ]
    # Not by the database, which may sort names by the rules of some language.
    return tuple(sorted(found, key=lambda camera: camera.id))


def totals(session: Session) -> Totals:
    """How much the gallery holds."""
    waiting = session.scalar(select(func.count()).select_from(StagedRow).where(StagedRow.admitted.is_(False)))
    return Totals(
        identities=_count(session, IdentityRow),
        tracklets=_count(session, TrackletRow),
        sightings=_count(session, SightingRow),
        links=_count(session, LinkRow),
        waiting=waiting or 0,
    )


def _count(session: Session, row: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(row)) or 0


def _within(since_ns: int | None, until_ns: int | None) -> list[ColumnElement[bool]]:
    return [
        *([TrackletRow.start_ns >= since_ns] if since_ns is not None else []),
        *([TrackletRow.start_ns < until_ns] if until_ns is not None else []),
    ]

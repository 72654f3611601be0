"""An identity as a person looks at it: its tracklets, who is linked to it, and what was corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.corrections import Side
from reid_core.gallery.exemplars import is_exemplar
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import (
    IdentityRow,
    LinkRow,
    SightingRow,
    TrackletRow,
    VectorRow,
)
from reid_core.gallery.spaces import active_space


@dataclass(frozen=True, slots=True)
class Member:
    """A tracklet of an identity.

    Attributes:
        id: of the tracklet.
        camera: that saw it.
        start_ns: capture time of its first frame, UTC nanoseconds.
        end_ns: of its last.
        sightings: ids of its kept crops, best first.
        exemplars: those of them that decide who joins the identity.
        evidence: why it was given its identity on admission.
    """

    id: str
    camera: str
    start_ns: int
    end_ns: int
    sightings: tuple[str, ...]
    exemplars: frozenset[str]
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LinkedTracklet:
    """An infrared tracklet that is linked to an identity; times in UTC nanoseconds."""

    id: str
    camera: str
    start_ns: int
    end_ns: int
    score: float | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What was corrected; fields as in `CorrectionRow`, ``tracklets`` are those that were moved."""

    number: int
    kind: str
    actor: str
    reason: str
    time_ns: int
    identity: str
    other: str
    tracklets: tuple[str, ...]
    undone_by: str
    undone_ns: int


@dataclass(frozen=True, slots=True)
class IdentityOverview:
    """One line of a list: an identity, its place in the order of arrival, and where and when it was seen."""

    id: str
    place: int
    tracklets: int
    cameras: tuple[str, ...]
    start_ns: int
    end_ns: int


def overviews(session: Session) -> tuple[IdentityOverview, ...]:
    """All identities, in order of arrival."""
    seen = select(
        TrackletRow.identity_id,
        TrackletRow.camera_id,
        func.count(),
        func.min(TrackletRow.start_ns),
        func.max(TrackletRow.end_ns),
    ).where(TrackletRow.identity_id.is_not(None))
    parts: dict[str, list[tuple[str, int, int, int]]] = {}
    for identity, camera, count, start, end in session.execute(
        seen.group_by(TrackletRow.identity_id, TrackletRow.camera_id)
    ):
        parts.setdefault(str(identity), []).append((camera, count, start, end))
    ordered = session.scalars(select(IdentityRow.id).order_by(IdentityRow.position))
    return tuple(
        IdentityOverview(
            identity,
            place,
            sum(part[1] for part in parts[identity]),
            tuple(sorted(part[0] for part in parts[identity])),
            min(part[2] for part in parts[identity]),
            max(part[3] for part in parts[identity]),
        )
        for place, identity in enumerate(ordered, start=1)
        if identity in parts
    )


def identity_members(session: Session, identity: str) -> tuple[Member, ...]:
    """The tracklets of an identity, by camera and time."""
    rows = session.execute(
        select(
            TrackletRow.id,
            TrackletRow.camera_id,
            TrackletRow.start_ns,
            TrackletRow.end_ns,
            TrackletRow.evidence,
        ).where(TrackletRow.identity_id == identity)
    ).all()
    mine = TrackletRow.identity_id == identity
    sightings: dict[str, list[str]] = {}
    chosen = select(SightingRow.tracklet_id, SightingRow.id).join(
        TrackletRow, TrackletRow.id == SightingRow.tracklet_id
    )
    for tracklet, sighting in session.execute(
        chosen.where(mine).order_by(SightingRow.tracklet_id, SightingRow.rank)
    ):
        sightings.setdefault(tracklet, []).append(sighting)
    deciding = (
        select(VectorRow.sighting_id)
        .join(TrackletRow, TrackletRow.id == VectorRow.tracklet_id)
        .where(mine, VectorRow.space == active_space(session), VectorRow.kind == str(VectorKind.CROP))
        .where(is_exemplar())
    )
    exemplars = set(session.scalars(deciding))
    found = [
        Member(
            row.id,
            row.camera_id,
            row.start_ns,
            row.end_ns,
            tuple(sightings.get(row.id, ())),
            frozenset(sightings.get(row.id, ())) & exemplars,
            row.evidence,
        )
        for row in rows
    ]
    # Not by the database, which may sort names by the rules of some language.
    return tuple(sorted(found, key=lambda one: (one.camera, one.start_ns, one.id)))


def linked_to(session: Session, identity: str) -> tuple[LinkedTracklet, ...]:
    """The infrared tracklets that are linked to an identity by the gallery's model, by camera and time."""
    chosen = (
        select(
            TrackletRow.id,
            TrackletRow.camera_id,
            TrackletRow.start_ns,
            TrackletRow.end_ns,
            LinkRow.score,
            LinkRow.probability,
        )
        .join(LinkRow, LinkRow.tracklet_id == TrackletRow.id)
        .where(LinkRow.identity_id == identity, LinkRow.model_id == active_space(session))
    )
    found = [LinkedTracklet(*row) for row in session.execute(chosen)]
    return tuple(sorted(found, key=lambda one: (one.camera, one.start_ns, one.id)))


def corrections_of(session: Session, identity: str, tracklets: Sequence[str]) -> tuple[Correction, ...]:
    """What was corrected of an identity or moved one of its tracklets, in the order in which it was done."""
    spoken = select(CorrectedRow.correction_id).where(
        CorrectedRow.tracklet_id.in_(tracklets), CorrectedRow.side == str(Side.MOVED)
    )
    chosen = select(CorrectionRow).where(
        or_(
            CorrectionRow.identity == identity,
            CorrectionRow.other == identity,
            CorrectionRow.id.in_(spoken),
        )
    )
    return tuple(_correction(session, row) for row in session.scalars(chosen.order_by(CorrectionRow.id)))


def the_correction(session: Session, number: int) -> Correction:
    """One correction, which is there."""
    row = session.get_one(CorrectionRow, number)
    return _correction(session, row)


def _correction(session: Session, row: CorrectionRow) -> Correction:
    moved = select(CorrectedRow.tracklet_id).where(
        CorrectedRow.correction_id == row.id, CorrectedRow.side == str(Side.MOVED)
    )
    return Correction(
        row.id,
        row.kind,
        row.actor,
        row.reason,
        row.created_ns,
        row.identity,
        row.other,
        tuple(session.scalars(moved.order_by(CorrectedRow.tracklet_id))),
        row.undone_by,
        row.undone_ns,
    )

"""What watches look at: tracklets, their vectors, and who of the gallery infrared ones may be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reid_core.gallery.hours import DAY_NS
from reid_core.gallery.records import TrackletVectors, VectorKind
from reid_core.gallery.schema import CameraRow, LinkRow, SightingRow, TrackletRow, VectorRow
from reid_core.types import Candidate, Decision, Modality

REACH = 100_000
"""Further back in the order of arrival nobody is looked for, however large the gallery is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """When and where a tracklet was; fields as in `TrackletRow`."""

    id: str
    position: int
    camera: str
    modality: Modality
    start_ns: int
    end_ns: int
    identity: str | None


@dataclass(frozen=True, slots=True)
class Linked:
    """Who an infrared tracklet may be.

    Attributes:
        identity: that it is linked to, if it is.
        probability: of the best candidate; ``None`` where the link is not calibrated.
        candidates: with probabilities, best first; none where the link is not calibrated.
        best: the candidate that it is most like.
        searched: how many identities it was compared with; ``None`` where no probability depends on it.
    """

    identity: str | None
    probability: float | None
    candidates: tuple[Candidate, ...]
    best: Candidate | None
    searched: int | None


def seen(session: Session, tracklets: Collection[str]) -> dict[str, Seen]:
    """Those of some tracklets that are there, by their id."""
    columns = (
        TrackletRow.id,
        TrackletRow.position,
        TrackletRow.camera_id,
        TrackletRow.modality,
        TrackletRow.start_ns,
        TrackletRow.end_ns,
        TrackletRow.identity_id,
    )
    rows = session.execute(select(*columns).where(TrackletRow.id.in_(sorted(tracklets))))
    return {
        row.id: Seen(
            row.id,
            row.position,
            row.camera_id,
            Modality(row.modality),
            row.start_ns,
            row.end_ns,
            row.identity_id,
        )
        for row in rows
    }


def links_of(session: Session, tracklets: Collection[str], space: str) -> dict[str, Linked]:
    """The links of infrared tracklets in one space, by the tracklet."""
    chosen = select(LinkRow).where(LinkRow.tracklet_id.in_(sorted(tracklets)), LinkRow.model_id == space)
    return {row.tracklet_id: _linked(row) for row in session.scalars(chosen)}


def vectors_of(session: Session, tracklets: Collection[str], space: str) -> dict[str, TrackletVectors]:
    """The vectors of the crops of those of some tracklets that have any, by the tracklet."""
    chosen = (
        select(SightingRow.tracklet_id, SightingRow.id, SightingRow.quality, VectorRow.dim, VectorRow.data)
        .join(VectorRow, VectorRow.sighting_id == SightingRow.id)
        .where(SightingRow.tracklet_id.in_(sorted(tracklets)), VectorRow.space == space)
        .where(VectorRow.kind == str(VectorKind.CROP))
        .order_by(SightingRow.tracklet_id, SightingRow.rank)
    )
    rows: dict[str, list[tuple[str, float, int, bytes]]] = {}
    for tracklet, sighting, quality, dim, data in session.execute(chosen):
        rows.setdefault(tracklet, []).append((sighting, quality, dim, data))
    return {tracklet: _vectors(found) for tracklet, found in rows.items()}


def people_of_a_night(
    session: Session, until_ns: int, cameras: Collection[str], modality: Modality | None
) -> int:
    """How many tracklets ended in the 24 hours up to a moment: no fewer than people came by.

    Args:
        session: of the gallery.
        until_ns: the moment, UTC nanoseconds.
        cameras: whose; all where there are none.
        modality: of which; ``None`` for both.
    """
    within = TrackletRow.end_ns > until_ns - DAY_NS, TrackletRow.end_ns <= until_ns
    counted = select(func.count()).select_from(TrackletRow).where(*within)
    if cameras:
        counted = counted.where(TrackletRow.camera_id.in_(sorted(cameras)))
    if modality is not None:
        counted = counted.where(TrackletRow.modality == str(modality))
    return session.scalar(counted) or 0


def before(session: Session, who: Seen, modality: Modality, most: int) -> tuple[str, ...]:
    """The tracklets of a modality that came in before another one, the latest first.

    Args:
        session: of the gallery.
        who: the other one; of its own modality only those count that a camera of the same spectrum saw.
        modality: of which.
        most: so many at most.
    """
    within = TrackletRow.position < who.position, TrackletRow.position >= who.position - REACH
    chosen = select(TrackletRow.id).where(*within, TrackletRow.modality == str(modality))
    if modality is who.modality:
        spectrum = select(CameraRow.spectrum).where(CameraRow.id == who.camera).scalar_subquery()
        chosen = chosen.join(CameraRow, CameraRow.id == TrackletRow.camera_id)
        chosen = chosen.where(CameraRow.spectrum == spectrum)
    return tuple(session.scalars(chosen.order_by(TrackletRow.position.desc()).limit(most)))


def _linked(row: LinkRow) -> Linked:
    candidates = tuple(Candidate(**one) for one in row.candidates)
    best = candidates[0] if candidates else None
    known = [one for one in candidates if one.probability is not None]
    return Linked(
        row.identity_id if row.decision == Decision.LINKED else None,
        best.probability if best is not None else None,
        tuple(known),
        best,
        row.searched,
    )


def _vectors(rows: Sequence[tuple[str, float, int, bytes]]) -> TrackletVectors:
    data = np.frombuffer(b"".join(bytes(row[3]) for row in rows), "<f4")
    return TrackletVectors(
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows], np.float32),
        data.reshape(len(rows), rows[0][2]),
    )


Vectors = Mapping[str, TrackletVectors]
"""Vectors by their tracklet."""

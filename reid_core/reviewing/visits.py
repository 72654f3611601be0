"""Where and when somebody was seen, day and night: what the model linked, with people's word above it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.schema import CameraRow, LinkRow, SightingRow, TrackletRow
from reid_core.reviewing.labels import Verdict, confirmations, labels_of
from reid_core.types import Modality, Spectrum

How = Literal["member", "linked", "confirmed"]
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Visit:
    """One tracklet of somebody.

    Attributes:
        tracklet: its id.
        camera: that saw it.
        modality: how its crops are compared.
        spectrum: of the light that the camera records.
        start_ns: capture time of its first frame, UTC nanoseconds.
        end_ns: of its last.
        sighting: id of its best crop, where it has one.
        how: a member of the identity, linked to it by the model, or confirmed by a person.
        score: of the link.
        probability: of the link.
    """

    tracklet: str
    camera: str
    modality: Modality
    spectrum: Spectrum
    start_ns: int
    end_ns: int
    sighting: str | None
    how: How = "member"
    score: float | None = None
    probability: float | None = None


def overlapping(where: SearchFilter) -> list[ColumnElement[bool]]:
    """Conditions on tracklets: any of their time is within the filter's, and their camera is one of its."""
    found: list[ColumnElement[bool]] = []
    if where.cameras is not None:
        found.append(TrackletRow.camera_id.in_(where.cameras))
    if where.since_ns is not None:
        found.append(TrackletRow.end_ns >= where.since_ns)
    if where.until_ns is not None:
        found.append(TrackletRow.start_ns < where.until_ns)
    return found


def visits_of(
    session: Session,
    identities: Collection[str],
    model: str,
    where: SearchFilter,
    most: int | None = None,
) -> dict[str, tuple[Visit, ...]]:
    """Where and when each of some identities was seen, newest first.

    Args:
        session: of a reading transaction.
        identities: their ids.
        model: in whose space the gallery compares: of the links.
        where: cameras and times of the tracklets that are told of.
        most: so many of each by day, and so many by night; all by default.

    Returns:
        by identity; of those that were not seen, nothing.
    """
    found: dict[str, list[Visit]] = {}
    for row in session.execute(_members(identities, where, most)):
        found.setdefault(row.identity_id, []).append(_visit(row))
    for identity, visit in _nights(session, identities, model, where, most):
        found.setdefault(identity, []).append(visit)
    newest = {
        name: sorted(all_, key=lambda one: (-one.start_ns, one.tracklet)) for name, all_ in found.items()
    }
    return {name: tuple(visits) for name, visits in newest.items()}


def _members(identities: Collection[str], where: SearchFilter, most: int | None) -> Any:
    mine = TrackletRow.identity_id.in_(identities), *overlapping(where)
    if most is None:
        return _told().where(*mine)
    place = func.row_number().over(
        partition_by=TrackletRow.identity_id, order_by=(TrackletRow.start_ns.desc(), TrackletRow.id)
    )
    ranked = select(TrackletRow.id, place.label("place")).where(*mine).subquery()
    return _told().join(ranked, ranked.c.id == TrackletRow.id).where(ranked.c.place <= most)


def _nights(
    session: Session, identities: Collection[str], model: str, where: SearchFilter, most: int | None
) -> list[tuple[str, Visit]]:
    """Infrared tracklets that are somebody's: linked and not rejected, or confirmed."""
    links = select(LinkRow.tracklet_id, LinkRow.identity_id, LinkRow.score, LinkRow.probability)
    linked = {
        row.tracklet_id: row
        for row in session.execute(
            links.where(LinkRow.identity_id.in_(identities), LinkRow.model_id == model)
        )
    }
    said = confirmations(session, identities)
    labels = labels_of(session, linked)
    mine: dict[str, tuple[str, How, float | None, float | None]] = {}
    for tracklet, row in linked.items():
        if not any(_denies(label, row.identity_id) for label in labels.get(tracklet, ())):
            mine[tracklet] = (row.identity_id, "linked", row.score, row.probability)
    for one in said:
        mine[one.tracklet] = (one.identity, "confirmed", one.score, one.probability)
    found: list[tuple[str, Visit]] = []
    names = sorted(mine)
    for start in range(0, len(names), _PAGE):
        chosen = _told().where(TrackletRow.id.in_(names[start : start + _PAGE]), *overlapping(where))
        for row in session.execute(chosen.order_by(TrackletRow.start_ns.desc(), TrackletRow.id)):
            identity, how, score, probability = mine[row.id]
            found.append((identity, _visit(row, how, score, probability)))
    if most is None:
        return found
    count: dict[str, int] = {}
    kept = []
    for identity, visit in found:
        count[identity] = count.get(identity, 0) + 1
        if count[identity] <= most:
            kept.append((identity, visit))
    return kept


def _denies(label: Any, identity: str) -> bool:
    """Whether a label says that a tracklet is not an identity: by no, or by yes to another one."""
    same = label.identity == identity
    return bool(same == (label.verdict is Verdict.REJECTED))


def _told() -> Any:
    return (
        select(
            TrackletRow.id,
            TrackletRow.identity_id,
            TrackletRow.camera_id,
            TrackletRow.modality,
            CameraRow.spectrum,
            TrackletRow.start_ns,
            TrackletRow.end_ns,
            SightingRow.id.label("sighting"),
        )
        .join(CameraRow, CameraRow.id == TrackletRow.camera_id)
        .outerjoin(SightingRow, (SightingRow.tracklet_id == TrackletRow.id) & (SightingRow.rank == 1))
    )


def _visit(
    row: Any, how: How = "member", score: float | None = None, probability: float | None = None
) -> Visit:
    return Visit(
        tracklet=row.id,
        camera=row.camera_id,
        modality=Modality(row.modality),
        spectrum=Spectrum(row.spectrum),
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        sighting=row.sighting,
        how=how,
        score=score,
        probability=probability,
    )


def visits_by_tracklet(session: Session, tracklets: Collection[str]) -> Mapping[str, Visit]:
    """Some tracklets as visits, by their id; of those that are gone, nothing."""
    names, found = sorted(set(tracklets)), dict[str, Visit]()
    for start in range(0, len(names), _PAGE):
        chosen = _told().where(TrackletRow.id.in_(names[start : start + _PAGE]))
        found.update((row.id, _visit(row)) for row in session.execute(chosen))
    return found


def newest_visits(
    session: Session, modality: Modality | None, where: SearchFilter, before: int | None, size: int
) -> tuple[tuple[Visit, ...], int | None]:
    """Tracklets, newest in the order of arrival first, and the position before which the next page goes on.

    Args:
        session: of a reading transaction.
        modality: only of this.
        where: cameras and times.
        before: only before this position.
        size: how many at most.
    """
    chosen = _told().add_columns(TrackletRow.position).where(*overlapping(where))
    if modality is not None:
        chosen = chosen.where(TrackletRow.modality == str(modality))
    if before is not None:
        chosen = chosen.where(TrackletRow.position < before)
    rows = session.execute(chosen.order_by(TrackletRow.position.desc()).limit(size + 1)).all()
    following = rows[size - 1].position if len(rows) > size else None
    return tuple(map(_visit, rows[:size])), following

"""Where and when the evidence of an answer was seen."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from reid_core.gallery.schema import SightingRow, TrackletRow
from reid_core.gallery.store import Gallery
from reid_core.querying.query import Evidence


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when.

    Attributes:
        camera: its id.
        start_ns: of the tracklet, UTC nanoseconds.
        end_ns: of the tracklet.
        time_ns: of the sighting; ``None`` where the evidence is of the whole tracklet.
    """

    camera: str
    start_ns: int
    end_ns: int
    time_ns: int | None


def seen_at(gallery: Gallery, evidence: Collection[Evidence]) -> dict[Evidence, Seen]:
    """Where and when each piece of evidence was seen; what is gone meanwhile is left out.

    Args:
        gallery: that holds it.
        evidence: of a page of an answer.
    """
    tracklets = {one.tracklet for one in evidence}
    sightings = {one.sighting for one in evidence if one.sighting is not None}
    stays = select(TrackletRow.id, TrackletRow.camera_id, TrackletRow.start_ns, TrackletRow.end_ns)
    times = select(SightingRow.id, SightingRow.time_ns).where(SightingRow.id.in_(sightings))
    with gallery.database.read() as session:
        there = {row.id: row for row in session.execute(stays.where(TrackletRow.id.in_(tracklets)))}
        taken = {row.id: row.time_ns for row in session.execute(times)}
    found = {}
    for one in evidence:
        if (row := there.get(one.tracklet)) is not None:
            time_ns = taken.get(one.sighting) if one.sighting is not None else None
            found[one] = Seen(row.camera_id, row.start_ns, row.end_ns, time_ns)
    return found

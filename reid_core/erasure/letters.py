"""Frames that became dead letters and wait in the database: those that may show somebody are emptied.

Whoever is erased was in some cameras' pictures for some time. A dead letter is a whole record, mostly a
frame; those of these cameras and times never get to their topic.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reid_core.erasure.gone import pages
from reid_core.gallery.refusals import unpacked_record
from reid_core.gallery.schema import RefusedRow, StagedRow, TrackletRow
from reid_core.gallery.staging import staged_times
from reid_core.gallery.streams import TRACKLET

_TOGETHER = 64
_Headers = Iterable[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """When somebody was in a camera's pictures; capture times, UTC nanoseconds, both included."""

    camera: str
    start_ns: int
    end_ns: int

    def shows(self, headers: Mapping[str, bytes]) -> bool:
        """Whether a record with these headers is a frame of it; one that does not say when may be."""
        if headers.get("camera", b"").decode(errors="replace") != self.camera:
            return False
        said = headers.get("capture_ns", b"")
        return not said.isdigit() or self.start_ns <= int(said) <= self.end_ns


def stretches_of(session: Session, tracklets: Collection[str]) -> tuple[Stretch, ...]:
    """When those of some tracklets that are in the gallery, or staged, were in pictures."""
    found: list[Stretch] = []
    for names in pages(tracklets):
        columns = TrackletRow.camera_id, TrackletRow.start_ns, TrackletRow.end_ns
        for row in session.execute(select(*columns).where(TrackletRow.id.in_(names))):
            found.append(Stretch(row.camera_id, row.start_ns, row.end_ns))
        waits = StagedRow.kind == TRACKLET, StagedRow.subject.in_(names)
        staged = select(StagedRow.camera_id, StagedRow.content).where(*waits)
        for camera, content in session.execute(staged):
            # Of one that is admitted the gallery has the row.
            found += [Stretch(camera, *staged_times(content))] if content else []
    return tuple(found)


def empty_dead_letters(session: Session, stretches: Sequence[Stretch]) -> int:
    """Empty the dead letters that may show somebody.

    Args:
        session: of the writing transaction.
        stretches: when they were in pictures.

    Returns:
        how many.
    """
    last, found = 0, list[int]()
    while stretches and (page := _waiting(session, last)):
        found += [number for number, record in page if _may_show(stretches, unpacked_record(record)[1])]
        last = page[-1][0]
    for start in range(0, len(found), _TOGETHER):
        some = RefusedRow.id.in_(found[start : start + _TOGETHER])
        session.execute(update(RefusedRow).where(some).values(record=b"", message=""))
    return len(found)


def _may_show(stretches: Sequence[Stretch], headers: _Headers) -> bool:
    said = {name: value for name, value in headers if value is not None}
    return any(one.shows(said) for one in stretches)


def _waiting(session: Session, after: int) -> Sequence[tuple[int, bytes]]:
    chosen = select(RefusedRow.id, RefusedRow.record).where(RefusedRow.id > after, RefusedRow.record != b"")
    rows = session.execute(chosen.order_by(RefusedRow.id).limit(_TOGETHER))
    return [(row.id, row.record) for row in rows]

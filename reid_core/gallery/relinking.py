"""Recordings whose links were made before their gallery was complete: they wait to be ranked again.

A visible tracklet may be admitted when infrared ones that ended behind it are linked already: its camera was
away for too long. A recording that goes on is ranked again at its end anyway. One that has ended, or whose
camera rests, is staged once more, and ranked again in its turn.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reid_core.gallery.records import RecordingStatus
from reid_core.gallery.schema import RecordingRow, StagedRow, StreamRow, TrackletRow
from reid_core.gallery.streams import AGAIN, END, Staged, StreamProgress, stage, stream_progress
from reid_core.types import Modality

_INFRARED = str(Modality.INFRARED)
_OVER = (str(RecordingStatus.COMPLETE), str(RecordingStatus.PARTIAL))


def linked_up_to(session: Session) -> int:
    """The latest capture time to which anything may have been linked; 0 where nothing has."""
    last = select(func.max(TrackletRow.end_ns)).where(TrackletRow.modality == _INFRARED)
    return max(session.scalar(last) or 0, *(one.seen_ns for one in _still(session, 0)), 0)


def rank_again(session: Session, due_ns: int) -> None:
    """Stage the infrared recordings that ended behind a capture time, unless their end is staged still.

    Args:
        session: of the writing transaction.
        due_ns: when the visible tracklet closed that is admitted after them.
    """
    found = {(one.state["epoch"][0], one.camera): one.seen_ns for one in _still(session, due_ns)}
    behind = (
        select(TrackletRow.recording_id, TrackletRow.camera_id, func.max(TrackletRow.end_ns))
        .join(RecordingRow, RecordingRow.id == TrackletRow.recording_id)
        .where(TrackletRow.modality == _INFRARED, TrackletRow.end_ns > due_ns, RecordingRow.status.in_(_OVER))
        .group_by(TrackletRow.recording_id, TrackletRow.camera_id)
    )
    for recording, camera, end_ns in session.execute(behind):
        found.setdefault((recording, camera), end_ns)
    ending = set(session.scalars(select(StagedRow.subject).where(StagedRow.kind == END)))
    for (recording, camera), end_ns in sorted(found.items()):
        if recording not in ending:
            stage(session, Staged(AGAIN, recording, camera, _INFRARED, end_ns))


def _still(session: Session, after_ns: int) -> list[StreamProgress]:
    """The streams with somebody in infrared that have come to a stop behind a capture time.

    A visible camera whose infrared filter moved away is among them.
    """
    chosen = select(StreamRow).where(StreamRow.seen_ns > after_ns)
    found = [one for one in map(stream_progress, session.scalars(chosen)) if not one.moves]
    recordings = {one.state["epoch"][0]: one for one in found if one.state.get("epoch", ("",))[0]}
    seen = select(TrackletRow.recording_id).where(
        TrackletRow.modality == _INFRARED, TrackletRow.recording_id.in_(sorted(recordings))
    )
    return [recordings[recording] for recording in session.scalars(seen.distinct())]

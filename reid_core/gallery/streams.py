"""What workers found in their streams and how far those have come: rows of a caller's writing transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from reid_core.gallery.erased import was_erased
from reid_core.gallery.schema import StagedRow, StreamRow, TrackletRow
from reid_core.gallery.sealing_rows import sealing_of
from reid_core.sealing import Purpose

TRACKLET, END, AGAIN = "tracklet", "end", "again"
"""Kinds of staged rows: a closed tracklet, the end of an infrared recording, and such a recording whose links
are to be made again behind its end."""

_RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Staged:
    """Something to wait for its turn; fields as in `StagedRow`."""

    kind: str
    subject: str
    camera: str
    modality: str
    due_ns: int
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """How far a camera's stream has come; fields as in `StreamRow`.

    ``resting`` says that the camera was silent for so long that what it had left open was closed.
    """

    camera: str
    topic: str
    number: int
    seen_ns: int
    ended: bool
    state: Mapping[str, Any]
    resting: bool = False

    @property
    def moves(self) -> bool:
        """Whether more of it is expected."""
        return not (self.ended or self.resting)


def stage(session: Session, staged: Staged) -> None:
    """Have something wait, unless it does already, is in the gallery, or was erased."""
    waiting = select(StagedRow.id).where(StagedRow.kind == staged.kind, StagedRow.subject == staged.subject)
    if session.scalar(waiting) is not None:
        return
    if staged.kind == TRACKLET and session.get(TrackletRow, staged.subject) is not None:
        return
    if staged.kind == TRACKLET and was_erased(session, staged.subject):
        return
    values = {
        "kind": staged.kind,
        "subject": staged.subject,
        "camera_id": staged.camera,
        "modality": staged.modality,
        "due_ns": staged.due_ns,
        "admitted": False,
        "content": sealing_of(session).sealed(staged.content, staged.camera, Purpose.STAGED),
    }
    session.execute(insert(StagedRow).values(values))


def put_stream(session: Session, progress: StreamProgress) -> None:
    """Write how far a stream has come."""
    row = session.get(StreamRow, progress.camera)
    if progress.resting and row is not None:
        if (row.topic, row.number) != (progress.topic, progress.number):
            return  # it goes on in another partition by now
        progress = replace(progress, ended=row.ended)
    if row is None:
        row = StreamRow(camera_id=progress.camera, seen_ns=0, beat=0, state={})
        session.add(row)
    row.topic, row.number = progress.topic, progress.number
    # Going over the same stream again does not undo what was seen of it.
    same = row.state.get("stream") == progress.state.get("stream")
    row.seen_ns = max(row.seen_ns, progress.seen_ns) if same else progress.seen_ns
    row.ended = progress.ended
    row.state = {**progress.state, **({_RESTING: True} if progress.resting else {})}
    row.beat += 1
    session.flush()


def stream_progress(row: StreamRow) -> StreamProgress:
    """A row as plain data."""
    state = {name: value for name, value in row.state.items() if name != _RESTING}
    resting = bool(row.state.get(_RESTING, False))
    return StreamProgress(row.camera_id, row.topic, row.number, row.seen_ns, row.ended, state, resting)


def moving_streams(session: Session, topic: str, number: int) -> Mapping[str, StreamProgress]:
    """The streams of a partition of which more is expected, by camera."""
    here = select(StreamRow).where(StreamRow.topic == topic, StreamRow.number == number)
    found = map(stream_progress, session.scalars(here.order_by(StreamRow.camera_id)))
    return {one.camera: one for one in found if one.moves}

"""What workers found in their streams and how far those have come: rows of a caller's writing transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from reid_core.gallery.schema import StagedRow, StreamRow, TrackletRow

TRACKLET, END = "tracklet", "end"
"""Kinds of staged rows."""


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
    """How far a camera's stream has come; fields as in `StreamRow`."""

    camera: str
    topic: str
    number: int
    seen_ns: int
    ended: bool
    state: Mapping[str, Any]


def stage(session: Session, staged: Staged) -> None:
    """Have something wait, unless it does already or is in the gallery."""
    waiting = select(StagedRow.id).where(StagedRow.kind == staged.kind, StagedRow.subject == staged.subject)
    if session.scalar(waiting) is not None:
        return
    if staged.kind == TRACKLET and session.get(TrackletRow, staged.subject) is not None:
        return
    values = {
        "kind": staged.kind,
        "subject": staged.subject,
        "camera_id": staged.camera,
        "modality": staged.modality,
        "due_ns": staged.due_ns,
        "admitted": False,
        "content": staged.content,
    }
    session.execute(insert(StagedRow).values(values))


def put_stream(session: Session, progress: StreamProgress) -> None:
    """Write how far a stream has come."""
    row = session.get(StreamRow, progress.camera)
    if row is None:
        row = StreamRow(camera_id=progress.camera, seen_ns=0, beat=0, state={})
        session.add(row)
    row.topic, row.number = progress.topic, progress.number
    # Going over the same stream again does not undo what was seen of it.
    same = row.state.get("stream") == progress.state.get("stream")
    row.seen_ns = max(row.seen_ns, progress.seen_ns) if same else progress.seen_ns
    row.ended = progress.ended
    row.state = dict(progress.state)
    row.beat += 1
    session.flush()


def stream_progress(row: StreamRow) -> StreamProgress:
    """A row as plain data."""
    return StreamProgress(row.camera_id, row.topic, row.number, row.seen_ns, row.ended, row.state)

"""What writes rows: each function inside a transaction that its caller opened."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError, UsageError
from reid_core.gallery.exemplars import keep_exemplars
from reid_core.gallery.identities import Assignment, IdentityPolicy, Nominees, decide
from reid_core.gallery.index import ID_LENGTH, checked_vectors
from reid_core.gallery.outbox import LINK_MADE, TRACKLET_CLOSED, put_event
from reid_core.gallery.records import CameraRecord, Checkpoint, RecordingRecord, TrackletEntry
from reid_core.gallery.schema import (
    CameraRow,
    IdentityRow,
    LinkRow,
    RecordingRow,
    SightingRow,
    TrackletRow,
)
from reid_core.gallery.spaces import active_space, set_active_space
from reid_core.gallery.tracks import pack_track
from reid_core.gallery.vector_rows import CropOwner, add_crop_vectors, forget_vectors
from reid_core.gallery.vector_store import VectorStore
from reid_core.types import CloseReason, Floats, Link, Modality, Tracklet

_NAMESPACE = uuid.UUID("0b9d7c7e-2f0a-5c0e-8d7b-6a1f3c9e5d42")


def sighting_id(tracklet: str, rank: int) -> str:
    """The id of a tracklet's sighting; ``rank`` counts from 1."""
    return str(uuid.uuid5(_NAMESPACE, f"{tracklet}/{rank}"))


def put_camera(session: Session, camera: CameraRecord) -> None:
    """Write a camera that is not yet there.

    Raises:
        GalleryError: it is there with another modality.
    """
    stored = session.get(CameraRow, camera.id)
    if stored is None:
        values = asdict(camera) | {"modality": str(camera.modality), "spectrum": str(camera.spectrum)}
        session.execute(insert(CameraRow).values(values))
    elif stored.modality != camera.modality:
        raise GalleryError(
            f"The gallery knows camera {camera.id!r} as {stored.modality}, not as {camera.modality}.",
            "Give the camera another name.",
        )


def put_recording(session: Session, recording: RecordingRecord) -> None:
    """Write a recording that is not yet there.

    Raises:
        GalleryError: its camera is not known.
    """
    if session.get(RecordingRow, recording.id) is not None:
        return
    if session.get(CameraRow, recording.camera) is None:
        raise GalleryError(f"The gallery has no camera {recording.camera!r}.")
    values = {name: getattr(recording, name) for name in RecordingRecord.__dataclass_fields__}
    values |= {"camera_id": values.pop("camera"), "model_id": values.pop("model")}
    values |= {"state": dict(recording.state), "status": str(recording.status)}
    session.execute(insert(RecordingRow).values(values))


def put_checkpoint(session: Session, checkpoint: Checkpoint) -> None:
    """Write how far a recording has come.

    Raises:
        GalleryError: the recording is not known.
    """
    values = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    recording = values.pop("recording")
    values |= {"state": dict(checkpoint.state), "status": str(checkpoint.status)}
    changed = update(RecordingRow).where(RecordingRow.id == recording).values(values)
    if session.execute(changed.returning(RecordingRow.id)).first() is None:
        raise GalleryError(f"The gallery has no recording {recording!r}.")


def add_tracklet(
    session: Session,
    store: VectorStore,
    entry: TrackletEntry,
    policy: IdentityPolicy,
    nominees: Nominees | None = None,
) -> str | None:
    """Write one tracklet that is not yet there, with all that hangs on it.

    Args:
        session: of the writing transaction.
        store: the crops' vectors, in step with the session; and with what is written, afterwards.
        entry: what to write.
        policy: when a visible tracklet joins an identity.
        nominees: whom a visible one may belong to, as `VectorStore.nominate` found before.

    Returns:
        the identity of a visible tracklet.

    Raises:
        UsageError: the parts of the entry do not fit one another or the gallery.
        GalleryError: its recording is not known.
    """
    tracklet = entry.tracklet
    stored = session.get(TrackletRow, tracklet.id)
    if stored is not None:
        return stored.identity_id
    vectors = _checked(session, entry, store.dim(session))
    sightings = [sighting_id(tracklet.id, rank) for rank in range(1, len(vectors) + 1)]
    position = (session.scalar(select(func.max(TrackletRow.position))) or 0) + 1
    assignment = _assigned(session, store, tracklet, sightings, vectors, policy, nominees)
    if assignment is not None and assignment.founded:
        founder = {"id": assignment.identity, "created_ns": int(tracklet.times_ns[0]), "position": position}
        session.execute(insert(IdentityRow).values(founder))
    session.execute(insert(TrackletRow).values(_tracklet_values(tracklet, position, assignment)))
    if sightings:
        if active_space(session) is None:
            set_active_space(session, store.space)
        session.execute(insert(SightingRow), _sighting_values(entry, sightings))
        owners = [
            CropOwner(name, tracklet.id, tracklet.camera, str(tracklet.modality), sighting.time_ns)
            for name, sighting in zip(sightings, tracklet.sightings, strict=True)
        ]
        add_crop_vectors(session, store.space, owners, vectors, tracklet.id, int(tracklet.times_ns[-1]))
        if assignment is not None:
            ended = int(tracklet.times_ns[-1])
            keep_exemplars(session, store.space, assignment.identity, policy.exemplars, ended)
    identity = assignment.identity if assignment is not None else None
    closed = {"camera": tracklet.camera, "modality": str(tracklet.modality), "identity": identity}
    put_event(session, TRACKLET_CLOSED, tracklet.id, closed, int(tracklet.times_ns[-1]))
    store.sync(session)
    return identity


def remove_tracklets(session: Session, recording: str, reason: CloseReason) -> int:
    """Take out a recording's tracklets that ended for one reason, with all that hangs on them.

    Identities that nobody is left of go with them. Indexes learn of it through the outbox.

    Returns:
        how many were taken out.
    """
    gone = (
        select(TrackletRow.id)
        .where(TrackletRow.recording_id == recording, TrackletRow.close_reason == str(reason))
        .scalar_subquery()
    )
    rows = session.execute(select(TrackletRow.id, TrackletRow.end_ns).where(TrackletRow.id.in_(gone))).all()
    if not rows:
        return 0
    names = sorted(row.id for row in rows)
    forget_vectors(session, names, recording, max(row.end_ns for row in rows))
    for table in (LinkRow, SightingRow):
        session.execute(delete(table).where(table.tracklet_id.in_(gone)))
    session.execute(delete(TrackletRow).where(TrackletRow.id.in_(names)))
    members = select(TrackletRow.identity_id).where(TrackletRow.identity_id.is_not(None))
    # Links to somebody who goes are made anew when their infrared recordings are run again.
    session.execute(delete(LinkRow).where(LinkRow.identity_id.not_in(members)))
    session.execute(delete(IdentityRow).where(IdentityRow.id.not_in(members)))
    return len(names)


def put_link(session: Session, link: Link) -> None:
    """Write a link; one that is there and equal stays untouched.

    Raises:
        GalleryError: its tracklet is not known.
    """
    tracklet = session.get(TrackletRow, link.tracklet)
    if tracklet is None:
        raise GalleryError(f"The gallery has no tracklet {link.tracklet!r}.")
    best = link.candidates[0] if link.candidates else None
    values = {
        "decision": str(link.decision),
        "identity_id": link.identity,
        "score": best.score if best is not None else None,
        "probability": best.probability if best is not None else None,
        "candidates": [asdict(candidate) for candidate in link.candidates],
        "created_ns": tracklet.end_ns,
    }
    stored = session.get(LinkRow, (link.tracklet, link.model))
    if stored is not None and all(getattr(stored, name) == value for name, value in values.items()):
        return
    session.merge(LinkRow(tracklet_id=link.tracklet, model_id=link.model, **values))
    session.flush()
    payload = {"model": link.model, "decision": str(link.decision), "identity": link.identity}
    put_event(session, LINK_MADE, link.tracklet, payload, tracklet.end_ns)


def _checked(session: Session, entry: TrackletEntry, dim: int | None) -> Floats:
    tracklet = entry.tracklet
    if not (tracklet.id.isascii() and 0 < len(tracklet.id) <= ID_LENGTH):
        raise UsageError(f"The tracklet id {tracklet.id!r} is not of 1 to {ID_LENGTH} ASCII characters.")
    if not len(tracklet):
        raise UsageError(f"Tracklet {tracklet.id} has no frame.")
    if not len(tracklet.sightings) == len(entry.vectors) == len(entry.crops):
        raise UsageError(
            f"Tracklet {tracklet.id} has {len(tracklet.sightings)} sightings, "
            f"but {len(entry.vectors)} vectors and {len(entry.crops)} crops were given."
        )
    recording = session.get(RecordingRow, tracklet.recording)
    if recording is None:
        raise GalleryError(f"The gallery has no recording {tracklet.recording!r}.")
    if recording.camera_id != tracklet.camera:
        raise UsageError(f"Tracklet {tracklet.id} is of camera {tracklet.camera!r}, its recording is not.")
    return checked_vectors(entry.vectors, dim) if len(entry.vectors) else np.zeros((0, dim or 1), np.float32)


def _assigned(
    session: Session,
    store: VectorStore,
    tracklet: Tracklet,
    sightings: Sequence[str],
    vectors: Floats,
    policy: IdentityPolicy,
    nominees: Nominees | None,
) -> Assignment | None:
    if tracklet.modality is not Modality.VISIBLE:
        return None
    # Nobody is in two places of one frame: whoever this camera saw meanwhile is somebody else.
    elsewhere = select(TrackletRow.identity_id).where(
        TrackletRow.camera_id == tracklet.camera,
        TrackletRow.start_ns <= int(tracklet.times_ns[-1]),
        TrackletRow.end_ns >= int(tracklet.times_ns[0]),
        TrackletRow.identity_id.is_not(None),
    )
    forbidden = {identity for identity in session.scalars(elsewhere) if identity is not None}
    finalists = store.finalists(session, vectors, forbidden, nominees) if len(vectors) else None
    return decide(tracklet.id, sightings, vectors, finalists, policy, store.space)


def _tracklet_values(tracklet: Tracklet, position: int, assignment: Assignment | None) -> dict[str, Any]:
    return {
        "id": tracklet.id,
        "position": position,
        "recording_id": tracklet.recording,
        "camera_id": tracklet.camera,
        "modality": str(tracklet.modality),
        "first_frame": int(tracklet.frames[0]),
        "last_frame": int(tracklet.frames[-1]),
        "start_ns": int(tracklet.times_ns[0]),
        "end_ns": int(tracklet.times_ns[-1]),
        "length": len(tracklet),
        "close_reason": str(tracklet.close_reason),
        "track": pack_track(tracklet.frames, tracklet.times_ns, tracklet.boxes, tracklet.confidences),
        "identity_id": assignment.identity if assignment is not None else None,
        "evidence": assignment.evidence if assignment is not None else {},
    }


def _sighting_values(entry: TrackletEntry, ids: Sequence[str]) -> list[dict[str, Any]]:
    values = []
    for rank, (name, sighting, crop) in enumerate(
        zip(ids, entry.tracklet.sightings, entry.crops, strict=True), start=1
    ):
        corners = zip(("x1", "y1", "x2", "y2"), map(float, sighting.box), strict=True)
        values.append(
            {
                "id": name,
                "tracklet_id": entry.tracklet.id,
                "rank": rank,
                "frame": int(sighting.frame),
                "time_ns": int(sighting.time_ns),
                "confidence": float(sighting.confidence),
                "quality": float(sighting.quality),
                "crop": crop,
                **dict(corners),
            }
        )
    return values

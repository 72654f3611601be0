"""What writes rows: each function inside a transaction that its caller opened."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError, UsageError
from reid_core.gallery.correction_rows import CorrectionRow
from reid_core.gallery.erased import ERASURE_KEY, was_erased
from reid_core.gallery.exemplars import keep_exemplars
from reid_core.gallery.identities import Assignment, IdentityPolicy, Nominees
from reid_core.gallery.index import ID_LENGTH, Rows, checked_vectors
from reid_core.gallery.looking_back import Rivals, look_back
from reid_core.gallery.outbox import (
    EXEMPLARS_REPLACED,
    TRACKLET_CLOSED,
    VECTORS_ADDED,
    event_values,
    put_events,
)
from reid_core.gallery.placing import Known, place
from reid_core.gallery.records import CameraRecord, Checkpoint, RecordingRecord, TrackletEntry, VectorKind
from reid_core.gallery.relocating import CHANGES
from reid_core.gallery.schema import (
    CameraRow,
    CaptionRow,
    IdentityRow,
    LinkRow,
    MetaRow,
    RecordingRow,
    SightingRow,
    TrackletRow,
    table_of,
)
from reid_core.gallery.sealing_rows import SEALING, Sealing, parsed_sealing
from reid_core.gallery.spaces import set_active_space
from reid_core.gallery.standardisation_rows import StandardisationRow
from reid_core.gallery.standardisations import standardisation_of
from reid_core.gallery.tracks import pack_track
from reid_core.gallery.vector_rows import CropOwner, add_crop_vectors, forget_vectors
from reid_core.gallery.vector_store import VectorStore
from reid_core.sealing import Purpose
from reid_core.types import CloseReason, Floats, Modality, Tracklet

_NAMESPACE = uuid.UUID("0b9d7c7e-2f0a-5c0e-8d7b-6a1f3c9e5d42")
_TRACKLETS, _META = table_of(TrackletRow), table_of(MetaRow)
_RECORDINGS = table_of(RecordingRow)
_IDENTITIES = table_of(IdentityRow)
_STANDARDISED = table_of(StandardisationRow)
_FOUND, _CLOSE = insert(_IDENTITIES), insert(_TRACKLETS)
_SEE = insert(table_of(SightingRow))
# What a tracklet's writing depends on, in one look.
_BEFORE = select(
    select(_TRACKLETS.c.id).where(_TRACKLETS.c.id == bindparam("tracklet")).scalar_subquery().label("stored"),
    select(_RECORDINGS.c.camera_id)
    .where(_RECORDINGS.c.id == bindparam("recording"))
    .scalar_subquery()
    .label("camera"),
    select(func.max(_TRACKLETS.c.position)).scalar_subquery().label("last"),
    select(func.max(_IDENTITIES.c.position)).scalar_subquery().label("founded"),
    select(_META.c.value).where(_META.c.key == "space").scalar_subquery().label("space"),
    select(_META.c.value).where(_META.c.key == CHANGES).scalar_subquery().label("changes"),
    select(func.max(table_of(CorrectionRow).c.id)).scalar_subquery().label("corrected"),
    select(_STANDARDISED.c.space)
    .where(_STANDARDISED.c.space == bindparam("compared"))
    .scalar_subquery()
    .label("standardised"),
    select(_META.c.value).where(_META.c.key == ERASURE_KEY).scalar_subquery().label("erasures"),
    select(_META.c.value).where(_META.c.key == SEALING).scalar_subquery().label("sealing"),
)
# Who a camera saw in a stretch of time.
_ELSEWHERE = select(_TRACKLETS.c.identity_id).where(
    _TRACKLETS.c.camera_id == bindparam("camera"),
    _TRACKLETS.c.start_ns <= bindparam("last"),
    _TRACKLETS.c.end_ns >= bindparam("first"),
    _TRACKLETS.c.identity_id.is_not(None),
)


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
    """Write one tracklet that is not yet there, with all that hangs on it; one that was erased stays away.

    Args:
        session: of the writing transaction.
        store: the crops' vectors, in step with the session; and with what is written, afterwards.
        entry: what to write.
        policy: when a visible tracklet joins an identity.
        nominees: whom a visible one may belong to, as `VectorStore.nominate` found before.

    Returns:
        the identity of a visible tracklet that is there afterwards.

    Raises:
        UsageError: the parts of the entry do not fit one another or the gallery.
        GalleryError: its recording is not known.
    """
    tracklet = entry.tracklet
    # What is written below goes past the session's own objects.
    session.flush()
    asked = {"tracklet": tracklet.id, "recording": tracklet.recording, "compared": store.space}
    before = session.execute(_BEFORE, asked).one()
    if before.stored is not None:
        return session.scalar(select(TrackletRow.identity_id).where(TrackletRow.id == tracklet.id))
    if before.erasures is not None and was_erased(session, tracklet.id, entry.crops):
        return None
    raw = _checked(entry, before.camera, store.dim(session))
    made = standardisation_of(session, store.space) if before.standardised is not None else None
    vectors = made.apply(raw, tracklet.modality, tracklet.camera) if made is not None else raw
    sightings = [sighting_id(tracklet.id, rank) for rank in range(1, len(vectors) + 1)]
    # A split founds identities between the tracklets.
    position = max(before.last or 0, before.founded or 0) + 1
    known = Known(int(before.changes or 0), before.corrected is not None)
    assignment, rivals = _assigned(session, store, tracklet, sightings, vectors, policy, nominees, known)
    identity = assignment.identity if assignment is not None else None
    connection = session.connection()
    if assignment is not None and assignment.founded:
        founder = {"id": identity, "created_ns": int(tracklet.times_ns[0]), "position": position}
        connection.execute(_FOUND, founder)
    connection.execute(_CLOSE, _tracklet_values(tracklet, position, assignment))
    closed = {"camera": tracklet.camera, "modality": str(tracklet.modality), "identity": identity}
    if sightings and before.space is None:
        set_active_space(session, store.space)
    news = _News()
    if sightings:
        connection.execute(_SEE, _sighting_values(entry, sightings, parsed_sealing(before.sealing)))
        owners = _owners(tracklet, sightings)
        if made is not None:
            own = add_crop_vectors(session, made.model, owners, raw)
            news.events.append((VECTORS_ADDED, tracklet.id, own.payload))
        _vectors_added(session, store, owners, vectors, identity, policy, news)
    news.events.append((TRACKLET_CLOSED, tracklet.id, closed))
    ended = int(tracklet.times_ns[-1])
    numbers = put_events(session, [event_values(*one, ended) for one in news.events])
    store.advance(session, numbers, news.chain, news.replaced)
    if (
        rivals is not None
        and identity
        and look_back(session, store, policy, identity, vectors, rivals, ended)
    ):
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
    for table in (LinkRow, CaptionRow, SightingRow):
        session.execute(delete(table).where(table.tracklet_id.in_(gone)))
    session.execute(delete(TrackletRow).where(TrackletRow.id.in_(names)))
    members = select(TrackletRow.identity_id).where(TrackletRow.identity_id.is_not(None))
    # Links to somebody who goes are made anew when their infrared recordings are run again.
    session.execute(delete(LinkRow).where(LinkRow.identity_id.not_in(members)))
    session.execute(delete(IdentityRow).where(IdentityRow.id.not_in(members)))
    return len(names)


@dataclass(slots=True)
class _News:
    """What an index and the outbox are to be told of a tracklet's vectors.

    ``chain`` is the digest over all vectors, ``replaced`` are vectors that are exemplars no more, and
    ``events`` are kind, subject and payload of outbox rows.
    """

    chain: str | None = None
    replaced: list[int] = field(default_factory=list)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


def _vectors_added(
    session: Session,
    store: VectorStore,
    owners: Sequence[CropOwner],
    vectors: Floats,
    identity: str | None,
    policy: IdentityPolicy,
    news: _News,
) -> None:
    """Write a tracklet's vectors, and set aside what its identity then has beyond its exemplars."""
    added = add_crop_vectors(session, store.space, owners, vectors)
    rows = Rows(
        np.array(added.ids, np.int64),
        np.array([one.time_ns for one in owners], np.int64),
        [Modality(one.modality) for one in owners],
        [one.camera_id for one in owners],
        [one.tracklet_id for one in owners],
        [one.sighting_id for one in owners],
        vectors,
    )
    store.learn(session, rows, identity)
    news.chain = added.chain
    news.events.append((VECTORS_ADDED, owners[0].tracklet_id, added.payload))
    if identity is not None:
        exemplars = store.exemplars(session, identity, policy.exemplars)
        news.replaced = keep_exemplars(session, exemplars, policy.exemplars)
    if identity is not None and news.replaced:
        payload = {"space": store.space, "kind": str(VectorKind.CROP), "vectors": news.replaced}
        news.events.append((EXEMPLARS_REPLACED, identity, payload))


def _owners(tracklet: Tracklet, sightings: Sequence[str]) -> list[CropOwner]:
    return [
        CropOwner(name, tracklet.id, tracklet.camera, str(tracklet.modality), sighting.time_ns)
        for name, sighting in zip(sightings, tracklet.sightings, strict=True)
    ]


def _checked(entry: TrackletEntry, camera: str | None, dim: int | None) -> Floats:
    """The vectors of an entry whose recording is of a camera, found fit to be written."""
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
    if camera is None:
        raise GalleryError(f"The gallery has no recording {tracklet.recording!r}.")
    if camera != tracklet.camera:
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
    known: Known,
) -> tuple[Assignment | None, Rivals | None]:
    if tracklet.modality is not Modality.VISIBLE:
        return None, None
    # Nobody is in two places of one frame: whoever this camera saw meanwhile is somebody else.
    times = {"first": int(tracklet.times_ns[0]), "last": int(tracklet.times_ns[-1])}
    forbidden = {*session.scalars(_ELSEWHERE, {"camera": tracklet.camera, **times})}
    return place(session, store, tracklet, sightings, vectors, policy, forbidden, nominees, known)


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


def _sighting_values(entry: TrackletEntry, ids: Sequence[str], sealing: Sealing) -> list[dict[str, Any]]:
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
                "crop": sealing.sealed(crop, entry.tracklet.camera, Purpose.CROP),
                **dict(corners),
            }
        )
    return values

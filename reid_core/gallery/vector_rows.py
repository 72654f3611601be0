"""The rows of vectors, and the outbox rows by which indexes learn of them: inside a caller's transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.exemplars import restore_exemplars
from reid_core.gallery.index import checked_vectors
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED, put_event
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, TrackletRow, VectorRow
from reid_core.types import Floats


@dataclass(frozen=True, slots=True)
class CropOwner:
    """What the vector of a crop is of; fields as in `VectorRow`."""

    sighting_id: str
    tracklet_id: str
    camera_id: str
    modality: str
    time_ns: int


def add_crop_vectors(
    session: Session,
    space: str,
    owners: Sequence[CropOwner],
    vectors: Floats,
    subject: str,
    created_ns: int,
) -> None:
    """Write the vectors of sightings.

    Args:
        session: of the writing transaction.
        space: in which they are compared: the id of the model that made them.
        owners: of each of ``n`` vectors.
        vectors: ``(n, D)`` float32, L2-normalised.
        subject: what they were added for.
        created_ns: capture time of that.
    """
    values = [asdict(one) for one in owners]
    _add(session, _Made(space, VectorKind.CROP, space), values, vectors, subject, created_ns)


def add_caption_vectors(session: Session, space: str, model: str, tracklet: str, vectors: Floats) -> None:
    """Write the vectors of a tracklet's captions, unless it has some of this model.

    Args:
        session: of the writing transaction.
        space: in which they are compared.
        model: id of the text encoder.
        tracklet: its id.
        vectors: ``(N, D)`` float32, L2-normalised.

    Raises:
        UsageError: there is no such tracklet, or the vectors do not fit the space.
    """
    row = session.get(TrackletRow, tracklet)
    if row is None:
        raise UsageError(f"The gallery has no tracklet {tracklet!r}.")
    there = select(VectorRow.id).where(
        VectorRow.tracklet_id == tracklet,
        VectorRow.space == space,
        VectorRow.kind == str(VectorKind.CAPTION),
        VectorRow.model_id == model,
    )
    vectors = checked_vectors(vectors, dim_of(session, space))
    if not len(vectors) or session.scalar(there.limit(1)) is not None:
        return
    owner = {
        "sighting_id": None,
        "tracklet_id": tracklet,
        "camera_id": row.camera_id,
        "modality": row.modality,
        "time_ns": row.start_ns,
    }
    made = _Made(space, VectorKind.CAPTION, model)
    _add(session, made, [owner] * len(vectors), vectors, tracklet, row.end_ns)


def forget_vectors(session: Session, tracklets: Sequence[str], subject: str, created_ns: int) -> None:
    """Take out all vectors of tracklets, of whatever space and kind.

    Args:
        session: of the writing transaction.
        tracklets: their ids.
        subject: what they were taken out for.
        created_ns: capture time of that.
    """
    gone = VectorRow.tracklet_id.in_(tracklets)
    made = select(VectorRow.space, VectorRow.kind, VectorRow.model_id).where(gone).distinct()
    lost = sorted(tuple(row) for row in session.execute(made))
    restore_exemplars(session, tracklets)
    session.execute(delete(VectorRow).where(gone))
    chain = _chain(session)
    chain.value = hashlib.sha256(f"{chain.value} without {' '.join(tracklets)}".encode()).hexdigest()
    session.flush()
    for space, kind, model in lost:
        payload = {"space": space, "kind": kind, "model": model, "chain": chain.value}
        put_event(session, VECTORS_REMOVED, subject, payload, created_ns)


def dim_of(session: Session, space: str) -> int | None:
    """Length of a space's vectors; ``None`` while there are none."""
    return session.scalar(select(VectorRow.dim).where(VectorRow.space == space).limit(1))


@dataclass(frozen=True, slots=True)
class _Made:
    """Where vectors are compared, what they are of, and whose they are."""

    space: str
    kind: VectorKind
    model: str

    @property
    def chained(self) -> str:
        """What the digest says of them: of crops the model alone, as ever."""
        return self.model if self.kind is VectorKind.CROP else f"{self.space} {self.kind} {self.model}"


def _add(
    session: Session,
    made: _Made,
    owners: Sequence[Mapping[str, Any]],
    vectors: Floats,
    subject: str,
    created_ns: int,
) -> None:
    blobs = [row.tobytes() for row in np.asarray(vectors, "<f4")]
    same = {
        "space": made.space,
        "kind": str(made.kind),
        "model_id": made.model,
        "dim": vectors.shape[1],
    }
    values = [{**owner, **same, "data": blob} for owner, blob in zip(owners, blobs, strict=True)]
    inserted = insert(VectorRow).returning(VectorRow.id, sort_by_parameter_order=True)
    ids = list(session.scalars(inserted, values))
    chain = _chain(session)
    digest = hashlib.sha256(f"{chain.value} {made.chained}".encode())
    for number, blob in zip(ids, blobs, strict=True):
        digest.update(number.to_bytes(8, "little") + blob)
    chain.value = digest.hexdigest()
    session.flush()
    payload = {
        "space": made.space,
        "kind": str(made.kind),
        "model": made.model,
        "vectors": ids,
        "chain": chain.value,
    }
    put_event(session, VECTORS_ADDED, subject, payload, created_ns)


def _chain(session: Session) -> MetaRow:
    # The row stays locked to the end: on every database one writer at a time extends the chain.
    return session.execute(select(MetaRow).where(MetaRow.key == "chain").with_for_update()).scalar_one()

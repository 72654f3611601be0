"""The rows of vectors, and the outbox rows by which indexes learn of them: inside a caller's transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.exemplars import restore_exemplars
from reid_core.gallery.index import checked_vectors
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED, put_event
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, SurplusRow, TrackletRow, VectorRow, table_of
from reid_core.types import Floats


@dataclass(frozen=True, slots=True)
class CropOwner:
    """What the vector of a crop is of; fields as in `VectorRow`."""

    sighting_id: str
    tracklet_id: str
    camera_id: str
    modality: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Added:
    """Vectors that were written.

    Attributes:
        ids: of the vectors, ascending.
        chain: the digest over all vectors, these included.
        payload: of the outbox row that is to tell of them.
    """

    ids: list[int]
    chain: str
    payload: dict[str, Any]


def add_crop_vectors(session: Session, space: str, owners: Sequence[CropOwner], vectors: Floats) -> Added:
    """Write the vectors of sightings; the caller puts the outbox row that tells of them.

    Args:
        session: of the writing transaction.
        space: in which they are compared: the id of the model that made them.
        owners: of each of ``n`` vectors.
        vectors: ``(n, D)`` float32, L2-normalised.
    """
    values = [{name: getattr(one, name) for name in CropOwner.__dataclass_fields__} for one in owners]
    return _add(session, _Made(space, VectorKind.CROP, space), values, vectors)


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
    added = _add(session, made, [owner] * len(vectors), vectors)
    put_event(session, VECTORS_ADDED, tracklet, added.payload, row.end_ns)


def forget_vectors(
    session: Session,
    tracklets: Sequence[str],
    subject: str,
    created_ns: int,
    only: VectorKind | None = None,
) -> None:
    """Take out all vectors of tracklets, of whatever space.

    Args:
        session: of the writing transaction.
        tracklets: their ids.
        subject: what they were taken out for.
        created_ns: capture time of that.
        only: of this kind; of every kind by default.
    """
    kinds = [str(kind) for kind in VectorKind] if only is None else [str(only)]
    gone = and_(VectorRow.tracklet_id.in_(tracklets), VectorRow.kind.in_(kinds))
    made = select(VectorRow.space, VectorRow.kind, VectorRow.model_id).where(gone).distinct()
    lost = sorted(tuple(row) for row in session.execute(made))
    restore_exemplars(session, tracklets)
    session.execute(delete(VectorRow).where(gone))
    chain = hashlib.sha256(f"{_chain(session)} without {' '.join(tracklets)}".encode()).hexdigest()
    session.execute(_EXTEND, {"chain": chain})
    for space, kind, model in lost:
        payload = {"space": space, "kind": kind, "model": model, "chain": chain}
        put_event(session, VECTORS_REMOVED, subject, payload, created_ns)


def forget_space(session: Session, space: str, created_ns: int) -> None:
    """Take out all crops' vectors of a space that are compared no more.

    Args:
        session: of the writing transaction.
        space: of the vectors.
        created_ns: capture time of the newest tracklet.
    """
    gone = VectorRow.space == space, VectorRow.kind == str(VectorKind.CROP)
    if session.scalar(select(VectorRow.id).where(*gone).limit(1)) is None:
        return
    surplus = table_of(SurplusRow)
    session.execute(delete(surplus).where(surplus.c.vector_id.in_(select(VectorRow.id).where(*gone))))
    session.execute(delete(VectorRow).where(*gone))
    chain = hashlib.sha256(f"{_chain(session)} without space {space}".encode()).hexdigest()
    session.execute(_EXTEND, {"chain": chain})
    payload = {"space": space, "kind": str(VectorKind.CROP), "model": space, "chain": chain}
    put_event(session, VECTORS_REMOVED, space, payload, created_ns)


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
) -> Added:
    blobs = [row.tobytes() for row in np.asarray(vectors, "<f4")]
    same = {
        "space": made.space,
        "kind": str(made.kind),
        "model_id": made.model,
        "dim": vectors.shape[1],
    }
    values = [{**owner, **same, "data": blob} for owner, blob in zip(owners, blobs, strict=True)]
    session.flush()
    ids = list(session.connection().scalars(_INSERT, values))
    digest = hashlib.sha256(f"{_chain(session)} {made.chained}".encode())
    for number, blob in zip(ids, blobs, strict=True):
        digest.update(number.to_bytes(8, "little") + blob)
    chain = digest.hexdigest()
    session.execute(_EXTEND, {"chain": chain})
    payload = {
        "space": made.space,
        "kind": str(made.kind),
        "model": made.model,
        "vectors": ids,
        "chain": chain,
    }
    return Added(ids, chain, payload)


def _chain(session: Session) -> str:
    return str(session.execute(_CHAIN).scalar_one())


_VECTORS, _META = table_of(VectorRow), table_of(MetaRow)
_INSERT = insert(_VECTORS).returning(_VECTORS.c.id, sort_by_parameter_order=True)
# The row stays locked to the end: on every database one writer at a time extends the chain.
_CHAIN = select(_META.c.value).where(_META.c.key == "chain").with_for_update()
_EXTEND = update(_META).where(_META.c.key == "chain").values(value=bindparam("chain"))

"""A gallery's crops embedded anew, for another space."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, func, select, tuple_
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError, UsageError
from reid_core.gallery.database import Database
from reid_core.gallery.index import checked_vectors
from reid_core.gallery.outbox import VECTORS_ADDED, put_event
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import SightingRow, TrackletRow, VectorRow
from reid_core.gallery.spaces import active_space, set_active_space
from reid_core.gallery.vector_rows import CropOwner, add_crop_vectors, dim_of
from reid_core.types import Floats, Image, Modality

_CROP = VectorRow.kind == str(VectorKind.CROP)
Embed = Callable[[list[Image], Modality], Floats]


def reembed(
    database: Database,
    embed: Embed,
    space: str,
    batch: int,
    progress: Callable[[int, int], None] | None,
) -> int:
    """As `Gallery.reembed`."""
    if batch < 1:
        raise UsageError(f"A batch holds at least 1 crop, not {batch}.")
    with database.read() as session:
        _check_crops(session, space)
        total = session.scalar(select(func.count()).select_from(SightingRow)) or 0
        without = session.scalar(select(func.count()).select_from(SightingRow).where(missing(space))) or 0
    embedded = 0
    # More than one round only where tracklets of the old model came in meanwhile.
    while not switched(database, space):
        after = (0, 0)
        while page := _page(database, space, batch, after):
            _embed_page(database, embed, space, page)
            embedded += len(page)
            after = (page[-1].position, page[-1].rank)
            if progress is not None:
                progress(min(total - without + embedded, total), total)
    return embedded


def missing(space: str) -> ColumnElement[bool]:
    """Whether a sighting has no vector in a space."""
    vector = select(VectorRow.id).where(
        VectorRow.sighting_id == SightingRow.id, VectorRow.space == space, _CROP
    )
    return ~vector.exists()


def _check_crops(session: Session, space: str) -> None:
    without = select(SightingRow.id).where(missing(space), func.length(SightingRow.crop) == 0).limit(1)
    sighting = session.scalar(without)
    if sighting is not None:
        raise GalleryError(
            f"Sighting {sighting} was added without a crop and cannot be embedded for another model.",
            "Start a new gallery for that model.",
        )


def _page(
    database: Database, space: str, batch: int, after: tuple[int, int]
) -> "Sequence[Row[*tuple[Any, ...]]]":
    """The next sightings without a vector, in order of arrival."""
    place = tuple_(TrackletRow.position, SightingRow.rank)
    columns = (
        TrackletRow.position,
        SightingRow.rank,
        SightingRow.id,
        SightingRow.tracklet_id,
        TrackletRow.camera_id,
        TrackletRow.modality,
        SightingRow.time_ns,
        SightingRow.crop,
    )
    chosen = (
        select(*columns)
        .join(TrackletRow, TrackletRow.id == SightingRow.tracklet_id)
        .where(place > after, missing(space))
        .order_by(TrackletRow.position, SightingRow.rank)
        .limit(batch)
    )
    with database.read() as session:
        return session.execute(chosen).all()


def _embed_page(
    database: Database, embed: Embed, space: str, page: "Sequence[Row[*tuple[Any, ...]]]"
) -> None:
    vectors: dict[str, Floats] = {}
    for modality in Modality:
        rows = [row for row in page if row.modality == modality]
        if rows:
            embedded = embed([_decoded(row.id, row.crop) for row in rows], modality)
            vectors.update(zip((row.id for row in rows), checked_vectors(embedded, None), strict=True))
    with database.write() as session:
        # Meanwhile somebody may have taken a tracklet out, or embedded the same crops.
        asked = select(SightingRow.id).where(SightingRow.id.in_(vectors), missing(space))
        wanted = set(session.scalars(asked))
        rows = [row for row in page if row.id in wanted]
        if not rows:
            return
        owners = [
            CropOwner(row.id, row.tracklet_id, row.camera_id, row.modality, row.time_ns) for row in rows
        ]
        stacked = checked_vectors(np.stack([vectors[row.id] for row in rows]), dim_of(session, space))
        added = add_crop_vectors(session, space, owners, stacked)
        put_event(session, VECTORS_ADDED, space, added.payload, rows[-1].time_ns)


def _decoded(sighting: str, crop: bytes) -> Image:
    import cv2

    image = cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR) if crop else None
    if image is None:
        raise GalleryError(f"The crop of sighting {sighting} is damaged.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def switched(database: Database, space: str) -> bool:
    """Compare the space's vectors from now on, if every sighting has one."""
    with database.write() as session:
        if session.scalar(select(SightingRow.id).where(missing(space)).limit(1)) is not None:
            return False
        latest = session.scalar(select(func.max(TrackletRow.end_ns)))
        if latest is not None and active_space(session) != space:
            set_active_space(session, space)
            put_event(session, "model.changed", space, {}, latest)
        return True

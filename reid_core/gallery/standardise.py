"""A gallery's vectors standardised by what its cameras have shown, as a version; and back again.

Every sighting is given a second vector, made of the model's own, in the space of the version. A batch is
committed at a time, and nothing is compared otherwise until all are there: a stopped call goes on where it
was, if no more was seen meanwhile. Afterwards whoever is admitted is standardised by the same statistics,
whenever and by whom that is done, until another version is made.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from reid_core.errors import UsageError
from reid_core.gallery.database import Database
from reid_core.gallery.outbox import VECTORS_ADDED, put_event
from reid_core.gallery.records import VectorKind
from reid_core.gallery.reembedding import missing, switched
from reid_core.gallery.schema import SightingRow, TrackletRow, VectorRow
from reid_core.gallery.spaces import active_space, check_space, comparing_space
from reid_core.gallery.standardisation_rows import StandardisationRow
from reid_core.gallery.standardisations import (
    CameraStatistics,
    Standardisation,
    put_standardisation,
    standardisation_of,
)
from reid_core.gallery.vector_rows import CropOwner, add_crop_vectors, forget_space
from reid_core.standardising import Doubles, Statistics, parse_form
from reid_core.types import Floats, Modality

LEAST_TRACKLETS = 100
"""Of fewer tracklets of a modality nothing is taken out: what they have in common is who they are of."""

_CROP = VectorRow.kind == str(VectorKind.CROP)
_PAGE = 1024


@dataclass(frozen=True, slots=True)
class Standardised:
    """A version, and what it is made of.

    Attributes:
        standardisation: that is in force now.
        version: from 1 for each model.
        vectors: that were standardised by this call.
        notes: a sentence for each modality that stays as it is.
    """

    standardisation: Standardisation
    version: int
    vectors: int
    notes: Sequence[str]


def standardise(
    database: Database,
    model: str,
    form: str,
    progress: Callable[[int, int], None] | None = None,
) -> Standardised:
    """Compare a gallery's vectors by how they stand out from what their cameras have shown so far.

    Identities stay as they are, and links that were made stay until they are made anew.

    Args:
        database: of the gallery.
        model: id of the model of its vectors.
        form: as `parse_form` reads it.
        progress: called with how many vectors there are, and how many there will be.

    Raises:
        UsageError: the text names no form, or too few people were seen by day.
        ModelMismatchError: the gallery is of another model.
    """
    made, notes = as_seen(database, model, form)
    with database.read() as session:
        before = standardisation_of(session, comparing_space(session, model))
    if before is not None and before.learned is not None:
        notes.append("What was learned from these cameras is no part of this version: adapt again.")
    version, vectors = put_in_force(database, made, progress)
    return Standardised(made, version, vectors, notes)


def as_seen(database: Database, model: str, form: str) -> tuple[Standardisation, list[str]]:
    """The standardisation by what the cameras have shown so far; nothing is written.

    Returns:
        it, and a sentence for each modality that stays as it is.

    Raises:
        UsageError: the text names no form, or too few people were seen by day.
        ModelMismatchError: the gallery is of another model.
    """
    parse_form(form)
    with database.read() as session:
        check_space(session, comparing_space(session, model))
        cameras, notes = _seen(session, model)
    return Standardisation.of(model, form, cameras), notes


def put_in_force(
    database: Database, made: Standardisation, progress: Callable[[int, int], None] | None = None
) -> tuple[int, int]:
    """Compare a gallery's vectors as a standardisation makes them, from when all of them are there.

    Args:
        database: of the gallery.
        made: new, or of before.
        progress: called with how many vectors there are, and how many there will be.

    Returns:
        its version, and how many vectors were made by this call.
    """
    with database.write() as session:
        version = put_standardisation(session, made)
    vectors = 0
    # More than one round only where somebody was admitted meanwhile.
    while not switched(database, made.space):
        for page in _pages(database, made):
            vectors += _copy(database, made, page)
            if progress is not None:
                progress(vectors, _expected(database, made.model))
    _forget_others(database, made)
    return version, vectors


def ever_standardised(database: Database, model: str) -> bool:
    """Whether the gallery's vectors of a model were standardised once, finished or not.

    Raises:
        ModelMismatchError: the gallery is of another model.
    """
    versions = select(StandardisationRow.space).where(StandardisationRow.model_id == model).limit(1)
    with database.read() as session:
        check_space(session, comparing_space(session, model))
        return session.scalar(versions) is not None


def as_they_are(database: Database, model: str) -> bool:
    """Compare a gallery's vectors as the model made them.

    Returns:
        whether they were compared otherwise before.

    Raises:
        ModelMismatchError: the gallery is of another model.
    """
    with database.write() as session:
        space = comparing_space(session, model)
        check_space(session, space)
    if space == model:
        return False
    # The model's own vectors have been kept beside the others throughout.
    assert switched(database, model)
    with database.write() as session:
        forget_space(session, space, _latest(session))
    return True


@dataclass(slots=True)
class _Sums:
    """Of a camera's vectors: ``count`` of them, of ``tracklets``."""

    modality: Modality
    count: int
    total: Doubles
    squares: Doubles
    tracklets: set[str] = field(default_factory=set)

    def statistics(self) -> CameraStatistics:
        mean = self.total / self.count
        spread = np.sqrt(np.maximum(self.squares / self.count - mean**2, 0))
        return CameraStatistics(self.modality, Statistics(float(len(self.tracklets)), mean, spread))


def _seen(session: Session, model: str) -> tuple[dict[str, CameraStatistics], list[str]]:
    """What each camera has shown, of modalities of which enough was seen; in order of arrival."""
    columns = VectorRow.camera_id, VectorRow.modality, VectorRow.tracklet_id, VectorRow.dim, VectorRow.data
    chosen = select(*columns).where(VectorRow.space == model, _CROP).order_by(VectorRow.id)
    sums: dict[str, _Sums] = {}
    for page in session.execute(chosen.execution_options(yield_per=_PAGE)).partitions():
        vectors = np.frombuffer(b"".join(row.data for row in page), "<f4").reshape(len(page), page[0].dim)
        for row, vector in zip(page, vectors.astype(np.float64), strict=True):
            mine = sums.get(row.camera_id)
            if mine is None:
                mine = _Sums(Modality(row.modality), 0, np.zeros(row.dim), np.zeros(row.dim))
                sums[row.camera_id] = mine
            mine.count += 1
            mine.total += vector
            mine.squares += vector**2
            mine.tracklets.add(row.tracklet_id)
    notes = []
    enough = set()
    for modality in Modality:
        seen = sum(len(one.tracklets) for one in sums.values() if one.modality is modality)
        if seen >= LEAST_TRACKLETS:
            enough.add(modality)
        else:
            notes.append(
                f"The vectors of the {seen} {modality} tracklets stay as they are: {LEAST_TRACKLETS} say "
                "what their cameras have in common."
            )
    if Modality.VISIBLE not in enough:
        raise UsageError(
            f"The gallery has too few visible tracklets with pictures; {LEAST_TRACKLETS} say what the "
            "cameras have in common.",
            "Let the cameras see more people, then try again.",
        )
    found = {name: one.statistics() for name, one in sorted(sums.items()) if one.modality in enough}
    return found, notes


def _pages(database: Database, made: Standardisation) -> "Iterator[Sequence[Row[*tuple[Any, ...]]]]":
    """Sightings that have no vector in the space yet, with the model's, in order of arrival."""
    after = 0
    # Another name for the model's own, beside those that are missing.
    own = aliased(VectorRow)
    columns = (
        own.id,
        own.sighting_id,
        own.tracklet_id,
        own.camera_id,
        own.modality,
        own.time_ns,
        own.dim,
        own.data,
    )
    while True:
        chosen = (
            select(*columns)
            .join(SightingRow, SightingRow.id == own.sighting_id)
            .where(own.space == made.model, own.kind == str(VectorKind.CROP))
            .where(own.id > after, missing(made.space))
            .order_by(own.id)
            .limit(_PAGE)
        )
        with database.read() as session:
            page = session.execute(chosen).all()
        if not page:
            return
        yield page
        after = page[-1].id


def _copy(database: Database, made: Standardisation, page: "Sequence[Row[*tuple[Any, ...]]]") -> int:
    """Write the standardised vectors of a page; of those that are still to be written."""
    with database.write() as session:
        # Meanwhile somebody may have taken a tracklet out, or done the same.
        asked = select(SightingRow.id).where(
            SightingRow.id.in_([row.sighting_id for row in page]), missing(made.space)
        )
        wanted = set(session.scalars(asked))
        rows = [row for row in page if row.sighting_id in wanted]
        if not rows:
            return 0
        owners = [
            CropOwner(row.sighting_id, row.tracklet_id, row.camera_id, row.modality, row.time_ns)
            for row in rows
        ]
        added = add_crop_vectors(session, made.space, owners, _standardised(made, rows))
        put_event(session, VECTORS_ADDED, made.space, added.payload, rows[-1].time_ns)
    return len(rows)


def _standardised(made: Standardisation, rows: "Sequence[Row[*tuple[Any, ...]]]") -> Floats:
    vectors = np.frombuffer(b"".join(row.data for row in rows), "<f4").reshape(len(rows), rows[0].dim)
    found = np.empty_like(vectors)
    places: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.camera_id, row.modality), []).append(place)
    for (camera, modality), chosen in places.items():
        found[chosen] = made.apply(vectors[chosen], Modality(modality), camera)
    return found


def _expected(database: Database, model: str) -> int:
    with database.read() as session:
        of_model = select(func.count()).select_from(VectorRow).where(VectorRow.space == model, _CROP)
        return session.scalar(of_model) or 0


def _forget_others(database: Database, made: Standardisation) -> None:
    """Take out the vectors of other versions, finished or not; what they were made by stays."""
    others = select(StandardisationRow.space).where(
        StandardisationRow.model_id == made.model, StandardisationRow.space != made.space
    )
    with database.write() as session:
        active = active_space(session)
        for space in sorted(session.scalars(others)):
            if space != active:
                forget_space(session, space, _latest(session))


def _latest(session: Session) -> int:
    return session.scalar(select(func.max(TrackletRow.end_ns))) or 0

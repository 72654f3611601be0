"""What the gallery holds, as plain records."""

from collections.abc import Collection, Iterable

import numpy as np
from sqlalchemy import case, func, select

from reid_core.gallery.paging import PagedReader, as_link
from reid_core.gallery.planning import unindexed
from reid_core.gallery.records import (
    CameraRecord,
    CaptionVectors,
    IdentityRecord,
    ModelRecord,
    RecordingRecord,
    RecordingStatus,
    SightingRecord,
    TrackletRecord,
    TrackletVectors,
    VectorKind,
)
from reid_core.gallery.schema import (
    CameraRow,
    IdentityRow,
    LinkRow,
    RecordingRow,
    SightingRow,
    TrackletRow,
    VectorRow,
)
from reid_core.gallery.spaces import active_space, comparing_space
from reid_core.gallery.standardisations import Standardisation, model_of, standardisation_of
from reid_core.gallery.tracks import unpack_track
from reid_core.types import CloseReason, Floats, Link, Modality, Spectrum

# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096


class GalleryReader(PagedReader):
    """Reads a gallery's rows; every method is one reading transaction."""

    def cameras(self, names: Collection[str] | None = None) -> tuple[CameraRecord, ...]:
        """All cameras or those named, by their id."""
        chosen = select(CameraRow)
        if names is not None:
            chosen = chosen.where(CameraRow.id.in_(names))
        with self._database.read() as session:
            cameras = [
                CameraRecord(row.id, Modality(row.modality), Spectrum(row.spectrum), row.created_ns)
                for row in session.scalars(chosen)
            ]
        # Not by the database, which may sort names by the rules of some language.
        return tuple(sorted(cameras, key=lambda camera: camera.id))

    def recordings(self, names: Collection[str] | None = None) -> tuple[RecordingRecord, ...]:
        """All recordings or those named, by camera, start and id."""
        chosen = select(RecordingRow)
        if names is not None:
            chosen = chosen.where(RecordingRow.id.in_(names))
        with self._database.read() as session:
            recordings = list(map(_recording, session.scalars(chosen)))
        return tuple(sorted(recordings, key=lambda each: (each.camera, each.start_ns, each.id)))

    def recording(self, recording: str) -> RecordingRecord | None:
        """One recording by its id."""
        with self._database.read() as session:
            row = session.get(RecordingRow, recording)
            return _recording(row) if row is not None else None

    def tracklets(
        self, recording: str | None = None, modality: Modality | None = None
    ) -> tuple[TrackletRecord, ...]:
        """Tracklets in order of arrival: all, or those of one recording or modality."""
        chosen = select(TrackletRow).order_by(TrackletRow.position)
        if recording is not None:
            chosen = chosen.where(TrackletRow.recording_id == recording)
        if modality is not None:
            chosen = chosen.where(TrackletRow.modality == str(modality))
        with self._database.read() as session:
            return tuple(map(_tracklet, session.scalars(chosen)))

    def tracklet(self, tracklet: str) -> TrackletRecord | None:
        """One tracklet by its id."""
        with self._database.read() as session:
            row = session.get(TrackletRow, tracklet)
            return _tracklet(row) if row is not None else None

    def sightings(self, tracklet: str) -> tuple[SightingRecord, ...]:
        """The sightings of a tracklet, best first."""
        chosen = select(SightingRow).where(SightingRow.tracklet_id == tracklet).order_by(SightingRow.rank)
        with self._database.read() as session:
            return tuple(map(_sighting, session.scalars(chosen)))

    def vectors(self, tracklet: str, space: str) -> TrackletVectors:
        """The vectors of a tracklet's crops in one space; empty where it has none."""
        chosen = (
            select(SightingRow.id, SightingRow.quality, VectorRow.dim, VectorRow.data)
            .join(VectorRow, VectorRow.sighting_id == SightingRow.id)
            .where(SightingRow.tracklet_id == tracklet, unindexed(VectorRow.space) == space)
            .where(VectorRow.kind == str(VectorKind.CROP))
            .order_by(SightingRow.rank)
        )
        with self._database.read() as session:
            rows = session.execute(chosen).all()
        return TrackletVectors(
            tuple(row.id for row in rows),
            np.array([row.quality for row in rows], np.float32),
            np.frombuffer(b"".join(row.data for row in rows), "<f4").reshape(
                len(rows), rows[0].dim if rows else 0
            ),
        )

    def caption_vectors(self, tracklet: str, space: str) -> CaptionVectors:
        """The vectors of a tracklet's captions in one space; empty where it has none."""
        chosen = (
            select(VectorRow.model_id, VectorRow.dim, VectorRow.data)
            .where(VectorRow.tracklet_id == tracklet, unindexed(VectorRow.space) == space)
            .where(VectorRow.kind == str(VectorKind.CAPTION))
            .order_by(VectorRow.id)
        )
        with self._database.read() as session:
            rows = session.execute(chosen).all()
        data = np.frombuffer(b"".join(row.data for row in rows), "<f4")
        return CaptionVectors(
            tuple(row.model_id for row in rows), data.reshape(len(rows), rows[0].dim if rows else 0)
        )

    def identities(self) -> tuple[IdentityRecord, ...]:
        """All identities and their tracklets, in order of arrival."""
        members: dict[str, list[str]] = {}
        assigned = select(TrackletRow.identity_id, TrackletRow.id).where(TrackletRow.identity_id.is_not(None))
        with self._database.read() as session:
            for identity, tracklet in session.execute(assigned.order_by(TrackletRow.position)):
                members.setdefault(str(identity), []).append(tracklet)
            rows = session.scalars(select(IdentityRow).order_by(IdentityRow.position))
            return tuple(
                IdentityRecord(row.id, row.created_ns, row.position, tuple(members.get(row.id, ())))
                for row in rows
            )

    def identities_of(self, tracklets: Iterable[str]) -> dict[str, str]:
        """The identity of each of the tracklets that has one."""
        names = sorted(set(tracklets))
        found: dict[str, str] = {}
        with self._database.read() as session:
            for start in range(0, len(names), _PAGE):
                chosen = select(TrackletRow.id, TrackletRow.identity_id).where(
                    TrackletRow.id.in_(names[start : start + _PAGE]), TrackletRow.identity_id.is_not(None)
                )
                found.update((row.id, str(row.identity_id)) for row in session.execute(chosen))
        return found

    def identity_numbers(self, identities: Iterable[str]) -> dict[str, int]:
        """The place of each of some identities among all of them in order of arrival, from 1."""
        place = func.row_number().over(order_by=IdentityRow.position).label("place")
        placed = select(IdentityRow.id, place).subquery()
        names = sorted(set(identities))
        found: dict[str, int] = {}
        with self._database.read() as session:
            for start in range(0, len(names), _PAGE):
                chosen = select(placed).where(placed.c.id.in_(names[start : start + _PAGE]))
                found.update((row.id, row.place) for row in session.execute(chosen))
        return found

    def links(self, model: str | None = None, recordings: Collection[str] | None = None) -> tuple[Link, ...]:
        """The links of all models or of one, in order of the infrared tracklets' arrival.

        Args:
            model: id of the model; all by default.
            recordings: only of tracklets of these.
        """
        chosen = (
            select(LinkRow)
            .join(TrackletRow, TrackletRow.id == LinkRow.tracklet_id)
            .order_by(TrackletRow.position, LinkRow.model_id)
        )
        if model is not None:
            chosen = chosen.where(LinkRow.model_id == model)
        if recordings is not None:
            chosen = chosen.where(TrackletRow.recording_id.in_(recordings))
        with self._database.read() as session:
            return tuple(map(as_link, session.scalars(chosen)))

    def comparing(self, model: str) -> str:
        """The space in which vectors of a model are compared here, to be named wherever one is asked for.

        Its id, or that of the standardisation in force: scores of the two are different things.
        """
        with self._database.read() as session:
            return comparing_space(session, model)

    def standardisation(self, space: str) -> Standardisation | None:
        """By what vectors of a model come into a space; ``None`` where they are compared as they are."""
        with self._database.read() as session:
            return standardisation_of(session, space)

    def model_of(self, space: str) -> str:
        """The id of the model whose vectors are compared in a space."""
        with self._database.read() as session:
            return model_of(session, space)

    def compared(self, vectors: Floats, space: str, modality: Modality, camera: str | None = None) -> Floats:
        """Vectors that a model has just made, as they are compared in a space of it.

        Those of stored tracklets are so already, and texts are compared as they are.

        Args:
            vectors: ``(N, D)`` float32, L2-normalised, of the model.
            space: in which they are to be compared.
            modality: of the crops.
            camera: that they are from, if it is known.

        Returns:
            ``(N, D)`` float32, L2-normalised.

        Raises:
            UsageError: they are of another length than the gallery's.
        """
        found = self.standardisation(space)
        return found.apply(vectors, modality, camera) if found is not None else vectors

    def newest_vector(self) -> int:
        """The id of the vector that was added last; 0 while there are none."""
        with self._database.read() as session:
            return session.scalar(select(func.max(VectorRow.id))) or 0

    def models(self) -> tuple[ModelRecord, ...]:
        """The models whose vectors the gallery holds, by their id; one for each kind of vector."""
        visible = func.sum(case((VectorRow.modality == str(Modality.VISIBLE), 1), else_=0))
        made = VectorRow.model_id, VectorRow.space, VectorRow.kind
        counted = (
            select(*made, func.max(VectorRow.dim), func.count(), visible).group_by(*made).order_by(*made)
        )
        with self._database.read() as session:
            active = active_space(session)
            return tuple(
                ModelRecord(model, space, VectorKind(kind), dim, count, int(seen), space == active)
                for model, space, kind, dim, count, seen in session.execute(counted)
            )


def _recording(row: RecordingRow) -> RecordingRecord:
    return RecordingRecord(
        id=row.id,
        camera=row.camera_id,
        source=row.source,
        fps=row.fps,
        width=row.width,
        height=row.height,
        start_ns=row.start_ns,
        detector=row.detector,
        model=row.model_id,
        frames_done=row.frames_done,
        checkpoint=row.checkpoint,
        state=row.state,
        status=RecordingStatus(row.status),
        message=row.message,
    )


def _tracklet(row: TrackletRow) -> TrackletRecord:
    frames, times_ns, boxes, confidences = unpack_track(row.track)
    return TrackletRecord(
        id=row.id,
        position=row.position,
        recording=row.recording_id,
        camera=row.camera_id,
        modality=Modality(row.modality),
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        close_reason=CloseReason(row.close_reason),
        identity=row.identity_id,
        evidence=row.evidence,
        frames=frames,
        times_ns=times_ns,
        boxes=boxes,
        confidences=confidences,
    )


def _sighting(row: SightingRow) -> SightingRecord:
    return SightingRecord(
        id=row.id,
        tracklet=row.tracklet_id,
        rank=row.rank,
        frame=row.frame,
        time_ns=row.time_ns,
        box=(row.x1, row.y1, row.x2, row.y2),
        confidence=row.confidence,
        quality=row.quality,
        crop=row.crop,
    )

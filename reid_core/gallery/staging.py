"""Closed tracklets of many workers on their way into the gallery, in order of capture time.

Who a visible tracklet is depends on who came before it, so the order of arrival decides what the gallery
says. Workers therefore only stage what they close; one of them at a time admits it in the order in which it
happened, whoever was faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np
from sqlalchemy import ColumnElement, and_, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError, ModelMismatchError
from reid_core.gallery import writing
from reid_core.gallery.identities import IdentityPolicy
from reid_core.gallery.records import TrackletEntry
from reid_core.gallery.relinking import linked_up_to, rank_again
from reid_core.gallery.schema import StagedRow, StreamRow, table_of
from reid_core.gallery.standardisations import model_of
from reid_core.gallery.store import Gallery
from reid_core.gallery.streams import AGAIN, StreamProgress, stream_progress
from reid_core.gallery.tracks import pack_track, unpack_track
from reid_core.types import CloseReason, Modality, Sighting, Tracklet

Guard = Callable[[Session], None]
"""Raises inside a writing transaction where its caller may not write any more."""


_STAGED = table_of(StagedRow)
# Of what still waits: a visible tracklet is done with, an infrared one is admitted.
_WAITS = _STAGED.c.id == bindparam("number"), ~_STAGED.c.admitted
_TAKE = delete(_STAGED).where(*_WAITS).returning(_STAGED.c.id)
_ADMIT = update(_STAGED).where(*_WAITS).values(admitted=True, content=b"").returning(_STAGED.c.id)


@dataclass(frozen=True, slots=True)
class StagedRecord:
    """Something that waits; fields as in `StagedRow`."""

    id: int
    kind: str
    subject: str
    camera: str
    modality: Modality
    due_ns: int
    admitted: bool


class Staging:
    """What waits to be admitted to a gallery.

    Args:
        gallery: to admit to.
        space: in which the vectors are compared; what waits has its model's own.
        guard: called inside each writing transaction.
    """

    def __init__(self, gallery: Gallery, space: str, guard: Guard) -> None:
        self._gallery = gallery
        self._space = space
        self._guard = guard
        self._linked_ns: int | None = None

    def begin(self) -> None:
        """Forget what this process has linked: another one may have linked more since."""
        self._linked_ns = None

    def waiting(self, limit: int) -> tuple[StagedRecord, ...]:
        """What is next, in order of the capture time at which it happened; visible first, then by camera."""
        return self._next(StagedRow.kind != AGAIN, limit)

    def waiting_up_to(self, number: int, limit: int) -> tuple[StagedRecord, ...]:
        """As `waiting`, of what was staged with this number or a lower one."""
        return self._next(and_(StagedRow.kind != AGAIN, StagedRow.id <= number), limit)

    def to_rank_again(self, limit: int) -> tuple[StagedRecord, ...]:
        """Recordings that are over, and whose links are to be made again, in order of their ends."""
        return self._next(StagedRow.kind == AGAIN, limit)

    def count(self) -> int:
        """How many wait."""
        with self._gallery.database.read() as session:
            return session.scalar(select(func.count()).select_from(StagedRow)) or 0

    def newest(self) -> int:
        """The highest number of what waits, in whatever order; 0 where nothing does.

        Whatever is staged later has a higher one: they are visible in the order of their numbers.
        """
        with self._gallery.database.read() as session:
            return session.scalar(select(func.max(StagedRow.id))) or 0

    def streams(self) -> tuple[StreamProgress, ...]:
        """All streams, and how far they have come."""
        with self._gallery.database.read() as session:
            return tuple(map(stream_progress, session.scalars(select(StreamRow))))

    def admit(self, records: Sequence[StagedRecord], policy: IdentityPolicy) -> None:
        """Write staged tracklets into the gallery, in this order and one transaction.

        Whom a visible one may belong to is looked for before, so that other writers wait for little.
        Visible ones are done with; infrared ones stay until `settle` writes their link. Where a visible one
        comes behind infrared ones that ended after it and are linked, these are staged to be ranked again.
        """
        entries = self._unpacked(records)
        nominees = self._gallery.nominate(tuple(entries.values()), self._space)
        late_ns: list[int] = []
        with self._gallery.writing(self._space) as (session, store):
            self._guard(session)
            for record in records:
                visible = record.modality is Modality.VISIBLE
                done = _TAKE if visible else _ADMIT
                if record.id not in entries or session.scalar(done, {"number": record.id}) is None:
                    continue  # somebody has admitted it since it was read
                entry = entries[record.id]
                writing.add_tracklet(session, store, entry, policy, nominees.get(entry.tracklet.id))
                if visible:
                    if self._linked_ns is None:
                        self._linked_ns = linked_up_to(session)
                    late_ns += [record.due_ns] * (record.due_ns < self._linked_ns)
            if late_ns:
                rank_again(session, min(late_ns))

    def _unpacked(self, records: Sequence[StagedRecord]) -> dict[int, TrackletEntry]:
        """What is still to be admitted, by the number of its record."""
        numbers = [record.id for record in records]
        with self._gallery.database.read() as session:
            chosen = select(StagedRow.id, StagedRow.content).where(StagedRow.id.in_(numbers))
            contents = {row.id: row.content for row in session.execute(chosen) if row.content}
            model = model_of(session, self._space)
        return {number: unpack_entry(content, model) for number, content in contents.items()}

    def settle(self, session: Session, record: StagedRecord) -> None:
        """Be done with what links were made for, in the transaction that writes them."""
        self._guard(session)
        session.execute(delete(StagedRow).where(StagedRow.id == record.id))
        if self._linked_ns is not None:
            self._linked_ns = max(self._linked_ns, record.due_ns)

    def _next(self, which: ColumnElement[bool], limit: int) -> tuple[StagedRecord, ...]:
        chosen = (
            select(
                StagedRow.id,
                StagedRow.kind,
                StagedRow.subject,
                StagedRow.camera_id,
                StagedRow.modality,
                StagedRow.due_ns,
                StagedRow.admitted,
            )
            .where(which)
            .order_by(StagedRow.due_ns, StagedRow.modality.desc(), StagedRow.camera_id, StagedRow.id)
            .limit(limit)
        )
        with self._gallery.database.read() as session:
            return tuple(
                StagedRecord(
                    row.id,
                    row.kind,
                    row.subject,
                    row.camera_id,
                    Modality(row.modality),
                    row.due_ns,
                    row.admitted,
                )
                for row in session.execute(chosen)
            )


def pack_entry(entry: TrackletEntry, model: str) -> bytes:
    """A tracklet with its vectors of a model and its crops as bytes."""
    tracklet = entry.tracklet
    content = {
        "model": model,
        "id": tracklet.id,
        "recording": tracklet.recording,
        "camera": tracklet.camera,
        "modality": str(tracklet.modality),
        "close_reason": str(tracklet.close_reason),
        "track": pack_track(tracklet.frames, tracklet.times_ns, tracklet.boxes, tracklet.confidences),
        "sightings": [
            [
                int(one.frame),
                int(one.time_ns),
                np.asarray(one.box, "<f4").tobytes(),
                float(one.confidence),
                float(one.quality),
            ]
            for one in tracklet.sightings
        ],
        "crops": list(entry.crops),
        "dim": int(entry.vectors.shape[1]),
        "vectors": np.asarray(entry.vectors, "<f4").tobytes(),
    }
    packed: bytes = msgpack.packb(content)
    return packed


def unpack_entry(content: bytes, model: str) -> TrackletEntry:
    """What `pack_entry` packed; the sightings' decoded crops are left out, their JPEG files are there.

    Raises:
        ModelMismatchError: its vectors are of another model.
        GalleryError: the bytes are damaged.
    """
    try:
        said: dict[str, Any] = msgpack.unpackb(content)
        if said["model"] != model:
            raise ModelMismatchError(
                f"A tracklet of camera {said['camera']!r} waits with vectors of another model.",
                "Run a worker with that model until nothing is staged, then re-embed the gallery.",
            )
        frames, times_ns, boxes, confidences = unpack_track(said["track"])
        nothing = np.zeros((0, 0, 3), np.uint8)
        sightings = tuple(
            Sighting(frame, time_ns, np.frombuffer(box, "<f4"), confidence, quality, nothing)
            for frame, time_ns, box, confidence, quality in said["sightings"]
        )
        vectors = np.frombuffer(said["vectors"], "<f4").reshape(len(sightings), said["dim"])
        tracklet = Tracklet(
            id=said["id"],
            recording=said["recording"],
            camera=said["camera"],
            modality=Modality(said["modality"]),
            frames=frames,
            times_ns=times_ns,
            boxes=boxes,
            confidences=confidences,
            sightings=sightings,
            close_reason=CloseReason(said["close_reason"]),
        )
        return TrackletEntry(tracklet, vectors, tuple(said["crops"]))
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
        raise GalleryError(f"A staged tracklet is damaged: {error}.") from None


def staged_crops(content: bytes) -> tuple[bytes, ...]:
    """The crops' files of what `pack_entry` packed, whatever the model."""
    return tuple(msgpack.unpackb(content)["crops"])


def staged_times(content: bytes) -> tuple[int, int]:
    """Capture times of the first and last frame of what `pack_entry` packed, UTC nanoseconds."""
    times_ns = unpack_track(msgpack.unpackb(content)["track"])[1]
    return int(times_ns[0]), int(times_ns[-1])

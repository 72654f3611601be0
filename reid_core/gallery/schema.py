"""The gallery's tables: portable types only, so that SQLite and PostgreSQL hold the same rows.

No column holds a wall-clock value: times are capture times and ids are derived from content or counted
by the database in the order of arrival, so that a run that was killed and resumed ends in the very rows
of an undisturbed one. What a person corrected alone has the time at which it was done.
"""

from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reid_core.gallery.sealed_column import SealedData
from reid_core.gallery.vector_column import VectorData
from reid_core.sealing import Purpose

# SQLite counts an id up by itself only in a column declared INTEGER, which is 64 bits wide there.
Counter = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Base of all tables; names every constraint, so that a later migration can change it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(row: type[Base]) -> Table:
    """The table alone: what is done often is done past the object mapper, at half the cost."""
    return cast(Table, row.__table__)


class MetaRow(Base):
    """What is true of the gallery as a whole.

    ``space`` is the id of the one visual space whose vectors are compared. ``chain`` is the digest over all
    vectors written so far, each batch on top of the last: an index that ends with the same digest holds
    the same vectors, which no random name of the database could promise once a backup is restored.
    """

    __tablename__ = "gallery_meta"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class CameraRow(Base):
    """A camera; ``created_ns`` is the capture time of its first recording."""

    __tablename__ = "cameras"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    modality: Mapped[str] = mapped_column(String(16))
    spectrum: Mapped[str] = mapped_column(String(16))
    created_ns: Mapped[int] = mapped_column(BigInteger)


class RecordingRow(Base):
    """One recording of one camera and how far it has been processed.

    ``frames_done`` counts the frames seen, ``checkpoint`` is the frame to resume at and ``state`` what the
    run must know there.
    """

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"), index=True)
    source: Mapped[str] = mapped_column(Text)
    fps: Mapped[float] = mapped_column(Float(53))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    start_ns: Mapped[int] = mapped_column(BigInteger)
    frames_done: Mapped[int] = mapped_column(BigInteger)
    checkpoint: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16))
    message: Mapped[str | None] = mapped_column(Text)
    detector: Mapped[str] = mapped_column(Text)
    model_id: Mapped[str] = mapped_column(String(64))


class IdentityRow(Base):
    """One person of the gallery, named after the tracklet that founded it."""

    __tablename__ = "identities"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger, unique=True)


class TrackletRow(Base):
    """One person in one camera, unbroken; ``track`` is packed by `tracks.pack_track`."""

    __tablename__ = "tracklets"
    __table_args__ = (Index(None, "camera_id", "start_ns", "end_ns"), Index(None, "end_ns", "start_ns"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, unique=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), index=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"))
    modality: Mapped[str] = mapped_column(String(16), index=True)
    first_frame: Mapped[int] = mapped_column(BigInteger)
    last_frame: Mapped[int] = mapped_column(BigInteger)
    start_ns: Mapped[int] = mapped_column(BigInteger)
    end_ns: Mapped[int] = mapped_column(BigInteger)
    length: Mapped[int] = mapped_column(Integer)
    close_reason: Mapped[str] = mapped_column(String(16))
    track: Mapped[bytes] = mapped_column(LargeBinary)
    identity_id: Mapped[str | None] = mapped_column(ForeignKey("identities.id"), index=True)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)


class SightingRow(Base):
    """One kept crop of a tracklet; ``rank`` counts from 1, best first."""

    __tablename__ = "sightings"
    __table_args__ = (UniqueConstraint("tracklet_id", "rank"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"))
    rank: Mapped[int] = mapped_column(Integer)
    frame: Mapped[int] = mapped_column(BigInteger)
    time_ns: Mapped[int] = mapped_column(BigInteger)
    x1: Mapped[float] = mapped_column(Float(53))
    y1: Mapped[float] = mapped_column(Float(53))
    x2: Mapped[float] = mapped_column(Float(53))
    y2: Mapped[float] = mapped_column(Float(53))
    confidence: Mapped[float] = mapped_column(Float(53))
    quality: Mapped[float] = mapped_column(Float(53))
    crop: Mapped[bytes] = mapped_column(SealedData(Purpose.CROP))


class VectorRow(Base):
    """One vector: ``data`` is little-endian float32, L2-normalised.

    It is compared within its ``space`` and its ``kind``. A ``crop`` is of a sighting, which has one in each
    space; a ``caption`` is of the tracklet, and ``time_ns`` is then the tracklet's start. ``model_id`` says
    who made it: of a crop the visual model, whose id the space has.

    On PostgreSQL ``data`` is a pgvector ``vector``, which the server compares; rows look the same.
    Camera, modality and time are repeated here because a search filters by them.
    """

    __tablename__ = "vectors"
    __table_args__ = (
        UniqueConstraint("sighting_id", "model_id"),
        Index(None, "space", "kind", "camera_id", "time_ns"),
        Index(None, "space", "kind", "time_ns"),
        # Ids never return after a deletion: an index that still holds the old vector would lie.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    sighting_id: Mapped[str | None] = mapped_column(ForeignKey("sightings.id"))
    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"), index=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"))
    modality: Mapped[str] = mapped_column(String(16))
    time_ns: Mapped[int] = mapped_column(BigInteger)
    space: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    model_id: Mapped[str] = mapped_column(String(64))
    dim: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(VectorData)


class SurplusRow(Base):
    """A vector that is no exemplar of its identity: it is searched, but decides not who joins it."""

    __tablename__ = "surplus"

    vector_id: Mapped[int] = mapped_column(ForeignKey("vectors.id"), primary_key=True, autoincrement=False)


class CalibrationRow(Base):
    """How scores of a kind of pair become probabilities on this gallery's own cameras.

    ``content`` is a calibration, ``cameras`` are those that it was fitted on. The highest version of a space
    and pair counts; earlier ones are kept, so that it can be told what a probability of then was made by.
    """

    __tablename__ = "calibrations"

    space: Mapped[str] = mapped_column(String(64), primary_key=True)
    pair: Mapped[str] = mapped_column(String(32), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    cameras: Mapped[list[str]] = mapped_column(JSON)


class LinkRow(Base):
    """Who of the gallery an infrared tracklet is, by one model; ``created_ns`` is the tracklet's end.

    ``searched`` is the number of identities that its probabilities depend on, ``own_cameras`` whether they
    were calibrated on the cameras of this gallery.
    """

    __tablename__ = "links"

    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    decision: Mapped[str] = mapped_column(String(16))
    identity_id: Mapped[str | None] = mapped_column(ForeignKey("identities.id"), index=True)
    score: Mapped[float | None] = mapped_column(Float(53))
    probability: Mapped[float | None] = mapped_column(Float(53))
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    searched: Mapped[int | None] = mapped_column(Integer)
    own_cameras: Mapped[bool | None] = mapped_column(Boolean)


class CaptionRow(Base):
    """What one captioner says of a sighting; a sighting of which it says nothing has no row."""

    __tablename__ = "captions"

    sighting_id: Mapped[str] = mapped_column(ForeignKey("sightings.id"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"), index=True)
    text: Mapped[str] = mapped_column(Text)


class OutboxRow(Base):
    """What happened, in order, written in the transaction in which it happened.

    Kinds: ``vectors.added`` (subject: tracklet or space; the payload names space, kind and model, the vectors
    and the chain; schemas before 0004 named the model alone, which was the space, and knew crops only),
    ``vectors.removed`` (subject: recording), ``exemplars.replaced`` (subject: identity; the payload names the
    vectors that are exemplars no more), ``tracklet.closed``, ``link.made`` and ``caption.made`` (subject:
    tracklet), ``identity.changed`` (subject: a tracklet that is another identity's from now on; the payload
    names both and the correction), ``model.changed`` (subject: space), ``alert.raised`` (subject: tracklet;
    the payload names alert and watch), ``event.set_aside`` (subject: of the event that a follower gave up),
    ``audit.checkpoint`` (the payload says where the audit log ends, signed).
    """

    __tablename__ = "outbox"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_ns: Mapped[int] = mapped_column(BigInteger)


class PartitionRow(Base):
    """How far a group of workers has come in one partition of a log, and who holds it.

    ``next`` is the record to go on at: everything in front of it is in the gallery or staged. ``epoch``
    counts the holders: a write by one who is no longer it is refused. ``holder`` is empty where it was let
    go of in order; ``reached`` is the last record that a holder had begun with. ``seen`` says whether
    anybody has looked into the partition yet, ``caught_up`` whether nothing more was waiting there lately.
    """

    __tablename__ = "partitions"

    group_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    topic: Mapped[str] = mapped_column(String(255), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    topic_id: Mapped[str] = mapped_column(String(64))
    next: Mapped[int] = mapped_column(BigInteger)
    reached: Mapped[int] = mapped_column(BigInteger)
    settled: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(String(255))
    seen: Mapped[bool] = mapped_column(Boolean)
    caught_up: Mapped[bool] = mapped_column(Boolean)


class AttemptRow(Base):
    """How often somebody began to decode a record and did not live to tell."""

    __tablename__ = "attempts"

    group_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    topic: Mapped[str] = mapped_column(String(255), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)


class StreamRow(Base):
    """How far a camera's stream has come: capture times up to ``seen_ns`` are in the gallery or staged.

    ``beat`` counts the writes, so that others see it move without comparing clocks; ``state`` is what a
    worker must know of the stream. Its records come by partition ``number`` of ``topic``.
    """

    __tablename__ = "streams"

    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(255))
    number: Mapped[int] = mapped_column(Integer)
    seen_ns: Mapped[int] = mapped_column(BigInteger)
    beat: Mapped[int] = mapped_column(BigInteger)
    ended: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)


class StagedRow(Base):
    """A closed tracklet, or a recording's end, that waits for its turn in order of capture time.

    ``due_ns`` is the capture time at which it happened, ``content`` the tracklet packed by
    `staging.pack_entry`. ``admitted`` says that the tracklet is in the gallery and only its link is missing.
    """

    __tablename__ = "staged"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index(None, "due_ns"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(64))
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"))
    modality: Mapped[str] = mapped_column(String(16))
    due_ns: Mapped[int] = mapped_column(BigInteger)
    admitted: Mapped[bool] = mapped_column(Boolean)
    content: Mapped[bytes] = mapped_column(SealedData(Purpose.STAGED))


class RefusedRow(Base):
    """A record that will never be a frame: a dead letter, told of by its outbox row.

    ``record`` holds key, headers and value; it is emptied once the dead letter is on its topic.
    """

    __tablename__ = "refused"
    __table_args__ = (
        UniqueConstraint("topic", "topic_id", "number", "offset"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    topic: Mapped[str] = mapped_column(String(255))
    topic_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    offset: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    record: Mapped[bytes] = mapped_column(SealedData(Purpose.LETTER))


class LeaseRow(Base):
    """Who does what one only may do at a time; ``beat`` moves while it lives, ``epoch`` counts holders."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255))
    epoch: Mapped[int] = mapped_column(BigInteger)
    beat: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)

"""The gallery's tables: portable types only, so that SQLite and PostgreSQL hold the same rows.

No column holds a wall-clock value: times are capture times and ids are derived from content or counted
by the database in the order of arrival, so that a run that was killed and resumed ends in the very rows
of an undisturbed one.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

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


class MetaRow(Base):
    """What is true of the gallery as a whole.

    ``model`` is the id of the one model whose vectors are compared. ``chain`` is the digest over all
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
    __table_args__ = (Index(None, "camera_id", "start_ns", "end_ns"),)

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
    crop: Mapped[bytes] = mapped_column(LargeBinary)


class VectorRow(Base):
    """One sighting's vector under one model: ``data`` is little-endian float32, L2-normalised.

    Camera, modality and time are repeated here because a search filters by them.
    """

    __tablename__ = "vectors"
    __table_args__ = (
        UniqueConstraint("sighting_id", "model_id"),
        Index(None, "model_id", "modality"),
        # Ids never return after a deletion: an index that still holds the old vector would lie.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    sighting_id: Mapped[str] = mapped_column(ForeignKey("sightings.id"))
    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"), index=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"))
    modality: Mapped[str] = mapped_column(String(16))
    time_ns: Mapped[int] = mapped_column(BigInteger)
    model_id: Mapped[str] = mapped_column(String(64))
    dim: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class LinkRow(Base):
    """Who of the gallery an infrared tracklet is, by one model; ``created_ns`` is the tracklet's end."""

    __tablename__ = "links"

    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklets.id"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    decision: Mapped[str] = mapped_column(String(16))
    identity_id: Mapped[str | None] = mapped_column(ForeignKey("identities.id"), index=True)
    score: Mapped[float | None] = mapped_column(Float(53))
    probability: Mapped[float | None] = mapped_column(Float(53))
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_ns: Mapped[int] = mapped_column(BigInteger)


class OutboxRow(Base):
    """What happened, in order, written in the transaction in which it happened.

    Kinds: ``vectors.added`` (subject: tracklet or model; the payload names the vectors and the chain),
    ``tracklet.closed`` and ``link.made`` (subject: tracklet), ``model.changed`` (subject: model).
    """

    __tablename__ = "outbox"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_ns: Mapped[int] = mapped_column(BigInteger)

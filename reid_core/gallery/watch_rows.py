"""Tables of watches, which are standing queries, and of the alerts that they raised."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base, Counter


class WatchRow(Base):
    """Somebody who is looked for in whatever comes.

    ``kind`` is ``description`` (then ``text`` has it), ``identity`` (then ``identity`` has the id) or
    ``picture`` (then ``data`` has its vector, little-endian float32, in ``space``, and ``pictured`` the
    modality of the picture). ``looks_at`` is the modality of the tracklets that are looked at, both where it
    is null; ``cameras`` are ids, all where there are none. ``hours`` are times of day in ``zone``. Tracklets
    whose ``position`` is at most ``after`` were there before it. ``standing`` is what whoever watches said
    last of how it can fire, empty where nobody has yet. ``created_ns`` is when a person added it.
    """

    __tablename__ = "watches"
    # A number that is used again would have the alerts of another one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    text: Mapped[str | None] = mapped_column(Text)
    identity: Mapped[str | None] = mapped_column(String(36))
    space: Mapped[str | None] = mapped_column(String(64))
    pictured: Mapped[str | None] = mapped_column(String(16))
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    looks_at: Mapped[str | None] = mapped_column(String(16))
    cameras: Mapped[list[str]] = mapped_column(JSON)
    hours: Mapped[str | None] = mapped_column(String(16))
    zone: Mapped[str] = mapped_column(String(64))
    expires_ns: Mapped[int | None] = mapped_column(BigInteger)
    false_alarms: Mapped[float | None] = mapped_column(Float(53))
    score: Mapped[float | None] = mapped_column(Float(53))
    author: Mapped[str] = mapped_column(String(255))
    purpose: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    after: Mapped[int] = mapped_column(BigInteger)
    paused: Mapped[bool] = mapped_column(Boolean)
    standing: Mapped[str] = mapped_column(String(64))


class AlertRow(Base):
    """A tracklet that a watch found: one a watch and tracklet, whatever becomes of either.

    Fields as in `reid_core.watching.alerts.Alert`. ``repeats`` is the alert that told of the same person in
    the same camera shortly before: one that repeats another is told nobody. ``acknowledged_by`` is who has
    taken note of it, at ``acknowledged_ns``; null where nobody has.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("watch_id", "tracklet_id"),
        Index(None, "watch_id", "identity_id", "camera_id", "end_ns"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    watch_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))
    tracklet_id: Mapped[str] = mapped_column(String(36))
    camera_id: Mapped[str] = mapped_column(String(255))
    modality: Mapped[str] = mapped_column(String(16))
    start_ns: Mapped[int] = mapped_column(BigInteger)
    end_ns: Mapped[int] = mapped_column(BigInteger)
    identity_id: Mapped[str | None] = mapped_column(String(36))
    score: Mapped[float | None] = mapped_column(Float(53))
    probability: Mapped[float | None] = mapped_column(Float(53))
    false_alarms: Mapped[float | None] = mapped_column(Float(53))
    calibrated: Mapped[bool] = mapped_column(Boolean)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)
    repeats: Mapped[int | None] = mapped_column(BigInteger)
    acknowledged_by: Mapped[str | None] = mapped_column(String(255))
    acknowledged_ns: Mapped[int | None] = mapped_column(BigInteger)

"""Tables of erasures and of holds: what may not come again, and what may not go."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base, Counter


class ErasureRow(Base):
    """That somebody was erased, and nothing of whom it was.

    ``name`` is a random one by which the same erasure is known outside the database. ``created_ns`` is the
    time of day, ``audit`` the number of the audit row. ``counts`` says how many rows of which table went.
    """

    __tablename__ = "erasures"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(36), unique=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(255))
    audit: Mapped[int | None] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)


class ErasedRow(Base):
    """Something that was erased, by its keyed fingerprint (`erased.fingerprint`); ``kind`` is of what."""

    __tablename__ = "erased"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), index=True)


class HoldRow(Base):
    """Somebody, or a stretch of a camera's time, that is neither erased nor falls to retention.

    ``kind`` is ``identity`` or ``tracklet`` (then ``subject`` has the id) or ``camera`` (then ``camera``,
    ``since_ns`` and ``until_ns`` say which stretch). ``lifted_by`` is empty while it stands.
    """

    __tablename__ = "holds"
    __table_args__ = (Index(None, "kind", "subject"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str | None] = mapped_column(String(36))
    camera: Mapped[str | None] = mapped_column(String(255))
    since_ns: Mapped[int | None] = mapped_column(BigInteger)
    until_ns: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(255))
    created_ns: Mapped[int] = mapped_column(BigInteger)
    lifted_by: Mapped[str] = mapped_column(String(255))
    lifted_ns: Mapped[int] = mapped_column(BigInteger)

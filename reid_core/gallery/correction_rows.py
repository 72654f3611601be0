"""Tables of what people corrected, and of the pairs that they are asked about."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base


class CorrectionRow(Base):
    """A change of who is who that was made after admission: by a person, or by merging when it looked back.

    Counted from 1 without gaps. ``identity`` is the one that was corrected, ``other`` the second one of a
    merge, a move or a pair that stays apart, or the one that a split founded. ``created_ns`` is the time of
    day at which a person did it, and of what merging did the capture time. ``before`` holds what undoing
    needs: ids and numbers, never vectors or crops. ``undone_by`` is empty while it stands.
    """

    __tablename__ = "corrections"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    identity: Mapped[str] = mapped_column(String(36), index=True)
    other: Mapped[str] = mapped_column(String(36), index=True)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    undone_by: Mapped[str] = mapped_column(String(255))
    undone_ns: Mapped[int] = mapped_column(BigInteger)


class CorrectedRow(Base):
    """A tracklet that a correction speaks of; it need not be there any more, and may come again.

    ``side`` is ``moved``, ``with`` (who these are with from then on) or ``apart`` (who they are not).
    """

    __tablename__ = "corrected"

    correction_id: Mapped[int] = mapped_column(ForeignKey("corrections.id"), primary_key=True)
    tracklet_id: Mapped[str] = mapped_column(String(36), primary_key=True, index=True)
    side: Mapped[str] = mapped_column(String(8))


class DoubtRow(Base):
    """A pair of identities that was listed for review, so that its number stays its own."""

    __tablename__ = "doubts"
    __table_args__ = (UniqueConstraint("identity", "other"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(String(36))
    other: Mapped[str] = mapped_column(String(36))
    skipped: Mapped[bool] = mapped_column(Boolean)

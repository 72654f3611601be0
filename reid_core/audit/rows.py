"""Tables of the audit log. Rows of `AuditRow` are never changed nor removed: triggers refuse it."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base


class AuditRow(Base):
    """One use, counted from 1 without gaps.

    ``subject`` is canonical JSON. ``purpose_digest`` and ``details_digest`` are the salted digests of what
    `AuditPartRow` holds, empty where there is nothing. ``previous`` is the ``hash`` of the row before, or
    the chain's own name in front of the first. ``hash`` is the keyed digest of all else (`sealing`).
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "time_ns"), Index(None, "actor", "number"), Index(None, "action", "number"))

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time_ns: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(Text)
    purpose_digest: Mapped[str] = mapped_column(String(64))
    details_digest: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditPartRow(Base):
    """What of a row is personal, beside the chain: removing it and its salt leaves the chain whole.

    ``part`` is ``purpose`` or ``details``, ``content`` canonical JSON.
    """

    __tablename__ = "audit_parts"

    number: Mapped[int] = mapped_column(ForeignKey("audit_log.number"), primary_key=True, autoincrement=False)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[str] = mapped_column(Text)


class AuditHeadRow(Base):
    """Where the chain ends: one row, which whoever appends locks.

    ``chain`` is the chain's own name, ``key`` that of its key (`sealing.key_name`). ``era`` counts how often
    the chain was sealed anew after a restore.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chain: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64))
    era: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(BigInteger)
    time_ns: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))

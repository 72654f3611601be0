"""Tables of what people said of links, and of what waits for a second person."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base, Counter


class LabelRow(Base):
    """What a person said of an infrared tracklet and somebody of the gallery; nothing is ever changed in it.

    ``anchor`` is the visible tracklet that was shown: whosever it is at a time is meant, however identities
    are merged and split later. ``identity`` is whose it was then. The last label of a tracklet and identity
    counts. ``score`` and ``probability`` are what ``model_id`` said. ``author`` and ``second`` are ids of
    accounts, ``second`` is empty where one person was enough.

    Tracklets and identities need not be there any more.
    """

    __tablename__ = "labels"
    __table_args__ = (Index(None, "tracklet_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    tracklet_id: Mapped[str] = mapped_column(String(36))
    anchor: Mapped[str] = mapped_column(String(36), index=True)
    identity: Mapped[str] = mapped_column(String(36), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    model_id: Mapped[str] = mapped_column(String(64))
    score: Mapped[float | None] = mapped_column(Float(53))
    probability: Mapped[float | None] = mapped_column(Float(53))
    author: Mapped[str] = mapped_column(String(255))
    author_name: Mapped[str] = mapped_column(String(255))
    second: Mapped[str] = mapped_column(String(255))
    second_name: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger)


class ProposalRow(Base):
    """Something that one person wants done and another one has to agree to.

    ``subject`` holds ids, by what they are of, and what else doing it needs; ``seen`` what was there when it
    was proposed, so that it is not done to something else. ``state`` is ``open``, ``approved`` or
    ``declined``. ``author`` and ``decider`` are ids of accounts, ``decider`` is empty while it is open.
    """

    __tablename__ = "proposals"
    __table_args__ = (Index(None, "state", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[dict[str, Any]] = mapped_column(JSON)
    seen: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(255))
    author_name: Mapped[str] = mapped_column(String(255))
    created_ns: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    decider: Mapped[str] = mapped_column(String(255))
    decider_name: Mapped[str] = mapped_column(String(255))
    decided_ns: Mapped[int] = mapped_column(BigInteger)

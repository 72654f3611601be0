"""The table of deliveries: alerts on their way to whoever is to hear of them."""

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base, Counter


class DeliveryRow(Base):
    """An alert that is to be told to one webhook: one a webhook and alert.

    ``message`` is its id for the receiver, the same at every attempt. ``state`` is ``waiting``,
    ``delivered``, ``given up`` or ``gone`` (the alert was taken out before it was told). ``due_ns`` is when
    it is tried next: whoever tries puts it off first, so that two do not try at once. ``queued_ns`` is when
    it began to wait, ``tried_ns`` when it was tried last. ``status`` is the receiver's last, ``error`` why it
    failed last, empty where it did not. Times are of the clock of whoever delivers, UTC nanoseconds.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook", "alert_id"),
        Index(None, "webhook", "state", "due_ns"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    webhook: Mapped[str] = mapped_column(String(64))
    alert_id: Mapped[int] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer)
    queued_ns: Mapped[int] = mapped_column(BigInteger)
    due_ns: Mapped[int] = mapped_column(BigInteger)
    tried_ns: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str] = mapped_column(Text)

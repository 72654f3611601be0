"""Alerts on their way to webhooks: queued once each, tried until they are delivered or given up.

Which webhooks there are is configured where alerts are delivered; here they are names. Whoever tries a
delivery puts it off for as long as an attempt may take: one who is killed in the middle has it tried again
then, under the same message id.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.delivery_rows import DeliveryRow
from reid_core.gallery.schema import MetaRow, OutboxRow
from reid_core.gallery.watch_rows import AlertRow

_SINCE = "webhook/"


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert for one webhook.

    Attributes:
        number: of the delivery.
        webhook: its name in the configuration.
        alert: number of the alert.
        message: id for the receiver, the same at every attempt.
        state: what has become of it.
        attempts: since it began to wait.
        queued_ns: when it began to wait, UTC nanoseconds.
        due_ns: when it is tried next.
        tried_ns: when it was tried last.
        status: the receiver's last, where it answered.
        error: why it failed last; empty where it did not.
    """

    number: int
    webhook: str
    alert: int
    message: str
    state: DeliveryState
    attempts: int
    queued_ns: int
    due_ns: int
    tried_ns: int | None
    status: int | None
    error: str

    @classmethod
    def of(cls, row: DeliveryRow) -> Self:
        """As its row has it."""
        return cls(
            number=row.id,
            webhook=row.webhook,
            alert=row.alert_id,
            message=row.message,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            queued_ns=row.queued_ns,
            due_ns=row.due_ns,
            tried_ns=row.tried_ns,
            status=row.status,
            error=row.error,
        )


def known_since(session: Session, webhook: str) -> int:
    """The last event that a webhook is not told of: it was there when the webhook was first heard of.

    Args:
        session: of a writing transaction.
        webhook: its name.
    """
    row = session.get(MetaRow, f"{_SINCE}{webhook}")
    if row is None:
        now = session.scalar(select(func.max(OutboxRow.id))) or 0
        row = MetaRow(key=f"{_SINCE}{webhook}", value=str(now))
        session.add(row)
        session.flush()
    return int(row.value)


def queue(session: Session, webhook: str, alert: int, message: str, now_ns: int) -> None:
    """Have an alert delivered, unless it is queued already, or gone since somebody read of it."""
    if session.scalar(select(AlertRow.id).where(AlertRow.id == alert)) is None:
        return
    there = select(DeliveryRow.id).where(DeliveryRow.webhook == webhook, DeliveryRow.alert_id == alert)
    if session.scalar(there) is not None:
        return
    values = {
        "webhook": webhook,
        "alert_id": alert,
        "message": message,
        "state": str(DeliveryState.WAITING),
        "attempts": 0,
        "queued_ns": now_ns,
        "due_ns": now_ns,
        "error": "",
    }
    session.execute(insert(DeliveryRow).values(values))


def any_due(session: Session, webhook: str, now_ns: int) -> bool:
    """Whether a webhook has something to be tried by now."""
    return session.scalar(_due(webhook, now_ns).with_only_columns(DeliveryRow.id)) is not None


def claim(session: Session, webhook: str, now_ns: int, busy_ns: int) -> Delivery | None:
    """Take the delivery that is to be tried next; it counts as tried from here on.

    Args:
        session: of a writing transaction.
        webhook: its name.
        now_ns: the time of day, UTC nanoseconds.
        busy_ns: how long nobody else is to try it.
    """
    row = session.scalars(_due(webhook, now_ns)).first()
    if row is None:
        return None
    row.attempts += 1
    row.tried_ns = now_ns
    row.due_ns = now_ns + busy_ns
    session.flush()
    return Delivery.of(row)


def settle(
    session: Session, delivery: Delivery, state: DeliveryState, status: int | None, error: str, due_ns: int
) -> None:
    """Write what came of an attempt.

    One that somebody else has settled as delivered stays so, and one that was begun anew stays begun.

    Args:
        session: of a writing transaction.
        delivery: as it was claimed.
        state: what has become of it.
        status: the receiver's.
        error: why it failed; empty where it did not.
        due_ns: when it is tried next, where it waits.
    """
    mine = [DeliveryRow.id == delivery.number, DeliveryRow.state == str(DeliveryState.WAITING)]
    if state is not DeliveryState.DELIVERED:
        mine += [
            DeliveryRow.attempts == delivery.attempts,
            DeliveryRow.queued_ns == delivery.queued_ns,
        ]
    values = {"state": str(state), "status": status, "error": error, "due_ns": due_ns}
    session.execute(update(DeliveryRow).where(*mine).values(values))


def deliveries(
    session: Session,
    state: DeliveryState | None = None,
    webhook: str | None = None,
    alerts: Collection[int] | None = None,
    last: int | None = None,
) -> tuple[Delivery, ...]:
    """Deliveries in the order in which they were queued.

    Args:
        session: of the gallery.
        state: only those.
        webhook: only that one's.
        alerts: only of those alerts.
        last: only so many, the latest.
    """
    chosen = select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(last)
    if state is not None:
        chosen = chosen.where(DeliveryRow.state == str(state))
    if webhook is not None:
        chosen = chosen.where(DeliveryRow.webhook == webhook)
    if alerts is not None:
        chosen = chosen.where(DeliveryRow.alert_id.in_(sorted(alerts)))
    return tuple(map(Delivery.of, reversed(session.scalars(chosen).all())))


def waiting(session: Session) -> Mapping[str, int]:
    """How many deliveries of each webhook wait."""
    counted = select(DeliveryRow.webhook, func.count()).where(DeliveryRow.state == str(DeliveryState.WAITING))
    return {row[0]: row[1] for row in session.execute(counted.group_by(DeliveryRow.webhook))}


def retry(session: Session, numbers: Collection[int] | None, now_ns: int) -> tuple[Delivery, ...]:
    """Begin deliveries anew that were given up, or have those that wait tried at once.

    Args:
        session: of a writing transaction.
        numbers: of the deliveries; ``None`` for all that were given up.
        now_ns: the time of day, UTC nanoseconds.

    Raises:
        UsageError: there is none of a number, or it is delivered or gone.
    """
    states = [str(DeliveryState.GIVEN_UP)]
    chosen = select(DeliveryRow).order_by(DeliveryRow.id)
    if numbers is None:
        rows = session.scalars(chosen.where(DeliveryRow.state.in_(states))).all()
    else:
        states.append(str(DeliveryState.WAITING))
        wanted = sorted(number for number in set(numbers) if 0 < number < 1 << 62)
        rows = session.scalars(chosen.where(DeliveryRow.id.in_(wanted))).all()
        missing = set(numbers) - {row.id for row in rows}
        if missing:
            raise UsageError(
                f"There is no delivery {min(missing)}.", "`nightreid watch deliveries` lists them."
            )
        for row in rows:
            if row.state not in states:
                raise UsageError(f"Delivery {row.id} is {row.state}.")
    for row in rows:
        row.state = str(DeliveryState.WAITING)
        row.attempts, row.queued_ns, row.due_ns = 0, now_ns, now_ns
    session.flush()
    return tuple(map(Delivery.of, rows))


def _due(webhook: str, now_ns: int) -> Select[DeliveryRow]:
    return (
        select(DeliveryRow)
        .where(
            DeliveryRow.webhook == webhook,
            DeliveryRow.state == str(DeliveryState.WAITING),
            DeliveryRow.due_ns <= now_ns,
        )
        .order_by(DeliveryRow.due_ns, DeliveryRow.id)
        .limit(1)
    )

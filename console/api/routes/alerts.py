"""Alerts: listed, the latest first, and taken note of; and their way to webhooks."""

from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from console.api.bodies.alerts import Alert, Alerts, Deliveries, Delivery
from console.api.bodies.base import Moment, Name, Number, Page, moment, nanoseconds
from console.api.cursors import packed, unpacked
from console.api.permitted import PermittedRouter
from console.api.shown import Shown
from console.api.sight import sees_visit
from console.api.told_alerts import alert_bodies
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import Permission
from reid_core.gallery.index import SearchFilter
from reid_core.types import Modality
from reid_core.watching import alerts as watching
from reid_core.watching import deliveries as delivering
from reid_core.watching.deliveries import DeliveryState

router = PermittedRouter(tags=["alerts"])
_LIST = "alerts"


@router.get("/alerts", permission=Permission.ALERTS)
def alerts(
    use: CurrentUse,
    watch: Number | None = None,
    camera: Annotated[list[Name], Query(max_length=1000)] = [],  # noqa: B006
    modality: Modality | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    acknowledged: bool | None = None,
    limit: Page = 50,
    cursor: str | None = None,
) -> Alerts:
    """Alerts, the latest first: of one watch, of cameras, of tracklets of a time."""
    asked = SearchFilter(
        cameras=frozenset(camera) or None,
        modality=modality,
        since_ns=nanoseconds(since),
        until_ns=nanoseconds(until),
    )
    before, shown = unpacked(_LIST, cursor), use.context.shared(Shown)
    answer = shown.name()
    with use.gallery.database.read() as session:
        found = watching.alerts_before(session, use.narrowed(asked), watch, acknowledged, before, limit + 1)
        page = found[:limit]
        bodies, pictures = alert_bodies(session, use, page, answer)
    use.record("alerts", subject={"alerts": [one.number for one in page]})
    shown.put(answer, use.principal.id, pictures)
    return Alerts(alerts=bodies, next=packed(_LIST, page[-1].number if len(found) > limit else None))


@router.get("/alerts/{alert}", permission=Permission.ALERTS)
def alert(alert: Number, use: CurrentUse) -> Alert:
    """One alert."""
    shown = use.context.shared(Shown)
    answer = shown.name()
    with use.gallery.database.read() as session:
        [body], pictures = alert_bodies(session, use, [_that_is_seen(session, use, alert)], answer)
    use.record("alerts", subject={"alerts": [alert]})
    shown.put(answer, use.principal.id, pictures)
    return body


@router.post("/alerts/{alert}/acknowledge", permission=Permission.ALERTS)
def acknowledge(alert: Number, use: CurrentUse) -> Alert:
    """Take note of an alert, for all to see. Whoever was first stays."""
    shown = use.context.shared(Shown)
    answer = shown.name()
    with use.gallery.database.write() as session:
        _that_is_seen(session, use, alert)
        noted = watching.acknowledge(session, alert, use.principal.name, use.context.clock())
        use.record("alert.acknowledge", subject={"alert": alert}, session=session)
        [body], pictures = alert_bodies(session, use, [noted], answer)
    shown.put(answer, use.principal.id, pictures)
    return body


@router.get("/webhooks/deliveries", permission=Permission.WEBHOOKS)
def deliveries(
    use: CurrentUse, state: DeliveryState | None = None, webhook: str | None = None, limit: Page = 100
) -> Deliveries:
    """The latest alerts on their way to webhooks: delivered, waiting, given up and why."""
    with use.gallery.database.read() as session:
        found = delivering.deliveries(session, state, webhook, last=limit)
    return Deliveries(deliveries=[_delivery_body(one) for one in found])


@router.post("/webhooks/deliveries/{delivery}/retry", permission=Permission.WEBHOOKS)
def retry(delivery: Number, use: CurrentUse) -> Delivery:
    """Deliver an alert again that was given up, or have one that waits tried at once."""
    with use.gallery.database.write() as session:
        [begun] = delivering.retry(session, [delivery], use.context.clock())
        use.record("webhook.retry", subject={"delivery": delivery, "alert": begun.alert}, session=session)
    return _delivery_body(begun)


def _that_is_seen(session: Session, use: Use, number: int) -> watching.Alert:
    found = watching.the_alert(session, number)
    if found is None or not sees_visit(use, found):
        raise not_found()
    return found


def _delivery_body(one: delivering.Delivery) -> Delivery:
    return Delivery(
        delivery=one.number,
        webhook=one.webhook,
        alert=one.alert,
        id=one.message,
        state=one.state,
        attempts=one.attempts,
        queued=moment(one.queued_ns),
        due=moment(one.due_ns) if one.state is DeliveryState.WAITING else None,
        tried=moment(one.tried_ns) if one.tried_ns is not None else None,
        status=one.status,
        error=one.error or None,
    )

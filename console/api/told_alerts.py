"""Alerts as the shapes of the API."""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from console.api.bodies.alerts import Alert
from console.api.bodies.base import moment
from console.api.shown import crop_address
from console.api.sight import known_identities
from console.api.use import Use
from reid_core.reviewing.visits import Visit, visits_by_tracklet
from reid_core.types import Modality
from reid_core.watching import alerts as watching
from reid_core.watching.watch import WatchKind


def alert_body(alert: watching.Alert, visit: Visit | None, known: Collection[str], answer: str) -> Alert:
    """An alert.

    Args:
        alert: as the gallery has it.
        visit: its tracklet; ``None`` where that is gone.
        known: identities that may be told of.
        answer: names what its picture is shown in.
    """
    told = alert.identity is None or alert.identity in known
    return Alert(
        alert=alert.number,
        watch=alert.watch,
        name=alert.name,
        kind=WatchKind(alert.kind),
        tracklet=alert.tracklet,
        camera=alert.camera,
        modality=Modality(alert.modality),
        start=moment(alert.start_ns),
        end=moment(alert.end_ns),
        crop=crop_address(visit.sighting if visit is not None else None, answer),
        identity=alert.identity if told else None,
        score=alert.score,
        probability=alert.probability if told else None,
        false_alarms=alert.false_alarms,
        calibrated=alert.calibrated,
        repeats=alert.repeats,
        acknowledged_by=alert.acknowledged_by,
        acknowledged=moment(alert.acknowledged_ns) if alert.acknowledged_ns is not None else None,
    )


def alert_bodies(
    session: Session, use: Use, found: Sequence[watching.Alert], answer: str
) -> tuple[list[Alert], set[str]]:
    """Alerts that may be seen, and the sightings whose pictures they show.

    Args:
        session: of a transaction.
        use: by whom; who the alerts are of is told where that may be seen too.
        found: the alerts.
        answer: names what their pictures are shown in.
    """
    visits = visits_by_tracklet(session, [one.tracklet for one in found])
    known = known_identities(use, session, {one.identity for one in found if one.identity is not None})
    pictures = {visit.sighting for visit in visits.values() if visit.sighting is not None}
    return [alert_body(one, visits.get(one.tracklet), known, answer) for one in found], pictures

"""Events of the outbox as the live view tells them: infrared tracklets, their links, alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.api.bodies.base import Shape
from console.api.bodies.people import Seen
from console.api.shown import crop_address
from console.api.sight import known_identities, sees_visit
from console.api.told import seen
from console.api.told_alerts import alert_body
from console.api.use import Use
from reid_core.access import Permission
from reid_core.gallery.outbox import ALERT_RAISED, LINK_MADE, TRACKLET_CLOSED, Event
from reid_core.gallery.schema import LinkRow
from reid_core.gallery.spaces import active_space
from reid_core.gallery.watch_rows import AlertRow
from reid_core.reviewing.visits import Visit, visits_by_tracklet
from reid_core.types import Candidate, Modality
from reid_core.watching import alerts as watching

KINDS = frozenset({TRACKLET_CLOSED, LINK_MADE, ALERT_RAISED})
"""Kinds of events that are told."""

LiveKind = Literal["tracklet", "link", "alert"]


class LiveCandidate(Shape):
    """Whom an infrared tracklet may be."""

    rank: int
    identity: str
    score: float
    probability: float | None
    crop: str | None


class LiveLink(Shape):
    """Whom an infrared tracklet was linked to."""

    tracklet: Seen
    decision: str
    candidates: list[LiveCandidate] = Field(description="Of what may be seen, best first.")


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that came in.

    Attributes:
        number: of its row in the outbox.
        kind: of what is told.
        visit: the tracklet that it is about.
        link: of one: the decision, the candidates, and where each one's tracklet was.
        alert: that was raised.
    """

    number: int
    kind: LiveKind
    visit: Visit
    link: tuple[str, Sequence[tuple[Candidate, Visit | None]]] | None = None
    alert: watching.Alert | None = None

    def told_to(self, use: Use, session: Session, answer: str) -> tuple[Shape, set[str]] | None:
        """What somebody is told of it, and whose pictures that shows; ``None`` where they may not see it.

        Args:
            use: of whoever follows.
            session: of a reading transaction.
            answer: names what the pictures are shown in.
        """
        if not sees_visit(use, self.visit):
            return None
        pictures = {self.visit.sighting} if self.visit.sighting is not None else set()
        if self.alert is not None:
            if not use.principal.may(Permission.ALERTS):
                return None
            known = known_identities(use, session, [self.alert.identity or ""])
            return alert_body(self.alert, self.visit, known, answer), pictures
        if self.link is None:
            return seen(self.visit, answer), pictures
        decision, candidates = self.link
        there = [one for one, where in candidates if where is not None and sees_visit(use, where)]
        told = LiveLink(
            tracklet=seen(self.visit, answer),
            decision=decision,
            candidates=[
                LiveCandidate(
                    rank=one.rank,
                    identity=one.identity,
                    score=one.score,
                    probability=one.probability,
                    crop=crop_address(one.sighting, answer),
                )
                for one in there
            ],
        )
        return told, pictures | {one.sighting for one in there}


def live_events(session: Session, events: Sequence[Event]) -> list[LiveEvent]:
    """Those of some events that are told, in order; what is gone by now is left out.

    Args:
        session: of a reading transaction.
        events: of `KINDS`.
    """
    numbers = [int(one.payload["alert"]) for one in events if one.kind == ALERT_RAISED]
    alerts = {
        row.id: watching.Alert.of(row)
        for row in session.scalars(select(AlertRow).where(AlertRow.id.in_(numbers)))
    }
    # Links in a space that is not compared (any more) are made beside, and not told.
    space = active_space(session) or ""
    linked = {one.subject for one in events if one.kind == LINK_MADE and one.payload["model"] == space}
    chosen = select(LinkRow).where(LinkRow.tracklet_id.in_(sorted(linked)), LinkRow.model_id == space)
    links = {row.tracklet_id: row for row in session.scalars(chosen)}
    about = {one.subject for one in events}
    visits = visits_by_tracklet(
        session, about | {one["tracklet"] for row in links.values() for one in row.candidates}
    )
    made = (_made(one, alerts, links, visits) for one in events)
    return [one for one in made if one is not None]


def _made(
    event: Event,
    alerts: Mapping[int, watching.Alert],
    links: Mapping[str, LinkRow],
    visits: Mapping[str, Visit],
) -> LiveEvent | None:
    visit = visits.get(event.subject)
    if visit is None:
        return None
    if event.kind == ALERT_RAISED:
        alert = alerts.get(int(event.payload["alert"]))
        return LiveEvent(event.id, "alert", visit, alert=alert) if alert is not None else None
    if visit.modality is not Modality.INFRARED:
        return None
    if event.kind == TRACKLET_CLOSED:
        return LiveEvent(event.id, "tracklet", visit)
    row = links.get(event.subject)
    if row is None:
        return None
    candidates = [(Candidate(**one), visits.get(one["tracklet"])) for one in row.candidates]
    return LiveEvent(event.id, "link", visit, link=(row.decision, candidates))

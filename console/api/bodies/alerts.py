"""Watches, the alerts that they raised, and what became of these on their way to others."""

from typing import Literal

from pydantic import Field, model_validator

from console.api.bodies.base import Moment, Name, Shape
from reid_core.types import Modality
from reid_core.watching.deliveries import DeliveryState
from reid_core.watching.watch import WatchKind


class WatchAsked(Shape):
    """A standing query: of `text`, `identity` and `picture` one is given."""

    text: str | None = Field(None, max_length=20_000, description="A person, described in English.")
    identity: Name | None = None
    picture: Name | None = Field(None, description="An uploaded picture of a person, cut out.")
    name: str | None = Field(None, max_length=255, description="What is looked for by default.")
    cameras: list[Name] = Field(default=[], max_length=1000, description="All that may be seen by default.")
    looks_at: Modality | None = Field(None, description="Of the tracklets that are compared; null: both.")
    hours: str | None = Field(None, max_length=32, examples=["22:00-06:00"])
    zone: str = Field("UTC", max_length=64, examples=["Europe/Berlin"])
    expires: Moment | None = Field(None, description="Whoever is seen later is not compared.")
    false_alarms: float | None = Field(None, gt=0, description="That it may raise a night.")
    score: float | None = Field(None, ge=-1, le=1, description="Fire at this cosine, without calibration.")
    purpose: str | None = Field(None, max_length=2000)
    case: str | None = Field(None, max_length=255)


class WatchChanged(Shape):
    """What is to be different about a watch; what is left out stays."""

    paused: bool | None = None
    name: str | None = Field(None, min_length=1, max_length=255)
    expires: Moment | None = None
    false_alarms: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _says_something(self) -> "WatchChanged":
        if not self.model_fields_set:
            raise ValueError("nothing is to be changed")
        return self


class Watch(Shape):
    """A standing query."""

    watch: int
    kind: WatchKind
    name: str
    text: str | None
    identity: str | None
    modality_of_picture: Modality | None
    looks_at: Modality | None
    cameras: list[str] = Field(description="None named: all.")
    hours: str | None
    zone: str | None
    expires: Moment | None
    false_alarms: float | None
    score: float | None
    author: str
    purpose: str
    created: Moment
    state: Literal["active", "paused", "expired"]
    paused: bool
    standing: str | None = Field(description="How it can fire; null while nobody has watched.")
    alerts: int = Field(description="That it has raised.")


class Watches(Shape):
    """All watches that may be seen, by their number."""

    watches: list[Watch]


class WatchDone(Shape):
    """What came of adding a watch."""

    done: bool = Field(description="False where a second person has to approve it first.")
    watch: Watch | None = None
    proposal: int | None = None
    understood: str | None = Field(
        None, description="How the description is read, where that says something."
    )


class Alert(Shape):
    """A tracklet that a watch found: evidence, never proof of identity."""

    alert: int
    watch: int
    name: str
    kind: WatchKind
    tracklet: str
    camera: str
    modality: Modality
    start: Moment
    end: Moment
    crop: str | None = Field(description="Address of its best picture; null where none is kept.")
    identity: str | None
    score: float | None
    probability: float | None
    false_alarms: float | None = Field(
        description="That chance brings a night at this score or a better one."
    )
    calibrated: bool
    repeats: int | None = Field(description="The alert that told of the same person there shortly before.")
    acknowledged_by: str | None
    acknowledged: Moment | None


class Alerts(Shape):
    """A page of alerts, the latest first."""

    alerts: list[Alert]
    next: str | None


class Delivery(Shape):
    """An alert on its way to a webhook."""

    delivery: int
    webhook: str
    alert: int
    id: str
    state: DeliveryState
    attempts: int
    queued: Moment
    due: Moment | None
    tried: Moment | None
    status: int | None
    error: str | None


class Deliveries(Shape):
    """The latest deliveries, in the order in which they were queued."""

    deliveries: list[Delivery]

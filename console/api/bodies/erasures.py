"""Erasures and legal holds."""

from typing import Literal

from pydantic import Field

from console.api.bodies.base import Moment, Name, Shape, moment, nanoseconds
from reid_core.erasure.choosing import Chosen
from reid_core.erasure.holds import Hold, NewHold
from reid_core.types import Modality

_MOST = 1000


class ErasureAsked(Shape):
    """Whom to erase."""

    identities: list[Name] = Field(default_factory=list, max_length=_MOST)
    tracklets: list[Name] = Field(default_factory=list, max_length=_MOST)
    linked: bool = Field(True, description="With the infrared tracklets that are linked to the identities.")
    purpose: str | None = Field(None, max_length=2000)
    case: str | None = Field(None, max_length=255)


class ErasureWanted(ErasureAsked):
    """Whom to erase, as it was shown."""

    revision: Name = Field(description="Of the plan that was shown: nobody else is erased.")


class ErasureTracklet(Shape):
    """A tracklet that is to be erased."""

    tracklet: str
    camera: str
    modality: Modality
    start: Moment
    end: Moment
    crops: int
    why: str
    probability: float | None
    staged: bool
    held: bool
    crop: str | None

    @classmethod
    def of(cls, one: Chosen, crop: str | None) -> "ErasureTracklet":
        """A tracklet of a plan, and where its picture is."""
        return cls(
            tracklet=one.id,
            camera=one.camera,
            modality=Modality(one.modality),
            start=moment(one.start_ns),
            end=moment(one.end_ns),
            crops=one.sightings,
            why=str(one.why),
            probability=one.probability,
            staged=one.staged,
            held=one.held,
            crop=crop,
        )


class ErasurePlan(Shape):
    """Who would go; `possible` may be of them too, and stay."""

    revision: str
    identities: list[str]
    tracklets: list[ErasureTracklet]
    possible: list[str]


class ErasureCandidate(Shape):
    """Somebody who may be meant by a picture."""

    rank: int
    identity: str
    score: float
    probability: float | None
    tracklets: int
    cameras: list[str]


class ErasureExample(Shape):
    """Who is meant by a picture: those who have it as a crop, or whoever is like it."""

    identities: list[str]
    tracklets: list[str]
    candidates: list[ErasureCandidate]


class ErasureDone(Shape):
    """What was done, and what is left where until when; or what a second person is asked."""

    done: bool = Field(description="False where a second person has to approve it first.")
    proposal: int | None = None
    erasure: str | None = None
    tracklets: int = 0
    crops: int = 0
    audit: int | None = None
    left: list[str] = Field(default_factory=list)


class ErasureLine(Shape):
    """That somebody was erased; nothing says who."""

    erasure: str
    time: Moment
    by: str
    audit: int | None
    tracklets: int


class ErasureList(Shape):
    """A page of erasures, newest first."""

    erasures: list[ErasureLine]
    next: str | None


class HoldAsked(Shape):
    """What to hold: one of identity, tracklet and camera."""

    identity: Name | None = None
    tracklet: Name | None = None
    camera: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    reason: str = Field(min_length=1, max_length=2000)
    purpose: str | None = Field(None, max_length=2000)
    case: str | None = Field(None, max_length=255)

    def made(self, author: str) -> NewHold:
        """As the service takes it."""
        return NewHold(
            reason=self.reason,
            author=author,
            identity=self.identity,
            tracklet=self.tracklet,
            camera=self.camera,
            since_ns=nanoseconds(self.since),
            until_ns=nanoseconds(self.until),
        )


class HoldLine(Shape):
    """A legal hold."""

    hold: int
    kind: Literal["identity", "tracklet", "camera"]
    subject: str | None
    camera: str | None
    since: Moment | None
    until: Moment | None
    reason: str
    by: str
    time: Moment
    lifted_by: str | None
    lifted: Moment | None

    @classmethod
    def of(cls, one: Hold) -> "HoldLine":
        """A hold."""
        return cls(
            hold=one.number,
            kind=one.kind.value,
            subject=one.subject,
            camera=one.camera,
            since=moment(one.since_ns) if one.since_ns is not None else None,
            until=moment(one.until_ns) if one.until_ns is not None else None,
            reason=one.reason,
            by=one.author,
            time=moment(one.created_ns),
            lifted_by=one.lifted_by or None,
            lifted=moment(one.lifted_ns) if one.lifted_by else None,
        )


class HoldList(Shape):
    """Legal holds, by their number."""

    holds: list[HoldLine]

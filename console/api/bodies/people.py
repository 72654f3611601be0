"""Tracklets, the people whom they are of, and where they were seen."""

from pydantic import Field

from console.api.bodies.base import Moment, Shape
from reid_core.types import CloseReason, Modality, Spectrum


class Seen(Shape):
    """One person in one camera, unbroken."""

    tracklet: str
    camera: str
    modality: Modality
    spectrum: Spectrum = Field(description="The light that its camera records.")
    start: Moment
    end: Moment
    crop: str | None = Field(description="Address of its best picture; null where none is kept.")


class Crop(Shape):
    """One kept picture of a tracklet, best first."""

    sighting: str
    rank: int
    time: Moment
    box: tuple[float, float, float, float] = Field(description="xyxy pixels in the frame.")
    quality: float
    crop: str | None


class Candidate(Shape):
    """Whom an infrared tracklet may be."""

    rank: int
    identity: str
    score: float
    probability: float | None
    tracklet: str = Field(description="The visible tracklet that fits best.")
    sighting: str
    camera: str
    start: Moment
    end: Moment
    crop: str | None


class Judgement(Shape):
    """What a person said of a link."""

    label: int
    identity: str
    verdict: str = Field(description="confirmed or rejected")
    by: str
    second: str | None = Field(description="Who agreed, where two people are asked for.")
    time: Moment
    reason: str


class Link(Shape):
    """Whom an infrared tracklet was linked to, and what people said of it."""

    tracklet: Seen
    model: str
    decision: str = Field(description="linked, unknown or not calibrated: what the model says.")
    state: str = Field(description="uncertain, confirmed, rejected, or settled where nobody need be asked.")
    searched: int | None
    unknown: float | None = Field(description="Probability that it is nobody of the candidates.")
    calibrated_for_cameras: bool | None
    candidates: list[Candidate]
    judgements: list[Judgement]


class Links(Shape):
    """A page of links, in order of arrival."""

    links: list[Link]
    next: str | None


class Tracklets(Shape):
    """A page of tracklets, in order of arrival."""

    tracklets: list[Seen]
    next: str | None


class Tracklet(Seen):
    """All that is told of a tracklet."""

    recording: str
    first_frame: int
    last_frame: int
    length: int = Field(description="Frames in which the person was found.")
    close_reason: CloseReason
    identity: str | None
    crops: list[Crop]
    captions: list[str]
    link: Link | None
    clip: str | None = Field(description="Address of a clip; null where its footage is not at hand.")


class Sighted(Seen):
    """One stay of a person."""

    how: str = Field(description="member, linked (by the model) or confirmed (by a person)")
    score: float | None
    probability: float | None


class Corrected(Shape):
    """Something that people put right."""

    correction: int
    kind: str
    by: str
    reason: str
    time: Moment
    identity: str
    other: str
    tracklets: list[str]
    undone_by: str | None


class Identity(Shape):
    """One person: when and where, in order of time."""

    identity: str
    revision: str = Field(description="Changes with its members; say it in a correction.")
    start: Moment
    end: Moment
    cameras: list[str]
    timeline: list[Sighted]
    corrections: list[Corrected]

"""Searches: what is asked, and what is answered."""

from typing import Literal

from pydantic import Field

from console.api.bodies.base import Moment, Name, Shape
from console.api.bodies.people import Seen
from reid_core.querying.query import Form
from reid_core.types import Modality

TEXT_CHARACTERS = 100_000


class Picture(Shape):
    """An uploaded picture: kept for a while, for whoever uploaded it."""

    picture: str
    width: int
    height: int
    modality: Modality
    expires: Moment
    notes: list[str]


class SearchAsked(Shape):
    """Whom to look for: by words, by a tracklet, by a picture, or by words with either."""

    text: str | None = Field(
        None, max_length=TEXT_CHARACTERS, description="In English, as a witness would say it."
    )
    tracklet: Name | None = Field(None, description="Like this one, of either modality.")
    picture: Name | None = Field(None, description="Like the person on this one.")
    modality: Modality | None = Field(None, description="Of the picture; by default as it was uploaded.")
    form: Form | None = Field(None, description="What is made of a picture or tracklet and words.")
    keep: float | None = Field(None, gt=0, le=1, description="Share of the people whom narrowing words keep.")
    rerank: str | None = Field(
        None, max_length=100, description="Compare the best by their parts too: `ljm`, or with its numbers."
    )
    cameras: list[Name] | None = Field(None, max_length=1000, description="Only seen by these.")
    since: Moment | None = Field(None, description="Only seen at or after this.")
    until: Moment | None = Field(None, description="Only seen before this.")
    least_probability: float | None = Field(None, ge=0, le=1, description="Nobody who is less probable.")
    limit: int = Field(10, ge=1, le=100)
    cursor: str | None = Field(None, max_length=2000, description="`next` of the page before.")
    purpose: str | None = Field(None, max_length=1000, description="Why the search is made.")
    case: str | None = Field(None, max_length=255, description="A case reference.")


class Share(Shape):
    """What one thing that was said adds to the score."""

    name: str
    share: float


class Evidence(Shape):
    """What fits best."""

    kind: Literal["picture", "caption"]
    tracklet: str
    sighting: str | None
    camera: str | None
    time: Moment | None
    crop: str | None
    words: list[Share] = Field(description="Of the first few of a page.")


class Found(Shape):
    """One person of an answer."""

    rank: int
    identity: str
    score: float
    probability: float | None
    evidence: Evidence
    tracklets: list[Seen] = Field(description="Where else this person was seen, newest first; not all.")


class Understood(Shape):
    """How a description was read."""

    searched_for: str
    told: str = Field(description="What was read as what; empty where every word stands as it is.")
    left_out: list[str] = Field(description="Words that nobody is searched by.")


class SearchAnswer(Shape):
    """One page of an answer. Nobody in it is an answer too."""

    search: str = Field(description="Names the search, for its crops.")
    model: str = Field(description="Id of the model, or of the text encoder for words alone.")
    form: Form
    searched: int = Field(description="How many identities were compared with.")
    captioned: int | None
    kept: int | None = Field(description="How many of them narrowing words kept.")
    rerank: str | None = Field(description="How the best were compared once more, with its numbers.")
    calibrated: bool
    calibrated_for_cameras: bool | None
    unknown: float | None = Field(description="Probability that it is nobody of this page and those before.")
    notes: list[str] = Field(description="What whoever asks should know, in sentences.")
    understood: Understood | None
    words: list[Share] = Field(description="Of the best.")
    identities: list[Found]
    next: str | None

"""Corrections, what people say of links, and what a second person is asked."""

from typing import Any, Literal

from pydantic import Field

from console.api.bodies.base import Moment, Name, Shape

State = Literal["uncertain", "confirmed", "rejected", "all"]


class Judged(Shape):
    """Yes or no to a link."""

    identity: Name = Field(description="The candidate that is meant.")
    reason: str = Field("", max_length=2000)


class MergeAsked(Shape):
    """Make another identity this one."""

    other: Name
    revision: Name | None = Field(None, description="Of this identity as it was seen.")
    other_revision: Name | None = None
    together: bool = Field(False, description="Although both were in one picture: a tracker followed twice.")
    reason: str = Field("", max_length=2000)


class SplitAsked(Shape):
    """Make some tracklets a person of their own."""

    tracklets: list[Name] = Field(min_length=1, max_length=1000)
    revision: Name | None = None
    reason: str = Field("", max_length=2000)


class MoveAsked(Shape):
    """Give a tracklet to another identity."""

    identity: Name
    from_identity: Name | None = Field(None, description="Whose it was when it was seen.")
    together: bool = False
    reason: str = Field("", max_length=2000)


class Proposal(Shape):
    """Something that waits for a second person."""

    proposal: int
    action: str
    subject: dict[str, Any] = Field(description="Ids of what it is about.")
    reason: str
    by: str
    time: Moment
    state: Literal["open", "approved", "declined"]
    decided_by: str | None
    decided: Moment | None
    mine: bool = Field(description="Whether whoever asks proposed it, and so cannot approve it.")


class Proposals(Shape):
    """A page of proposals, newest first."""

    proposals: list[Proposal]
    next: str | None


class Done(Shape):
    """What came of a correction, a judgement or a decision; ``identity`` is whom it is about from now on."""

    done: bool = Field(description="False where a second person has to approve it first.")
    action: str
    proposal: int | None = None
    label: int | None = None
    correction: int | None = None
    identity: str | None = None
    watch: int | None = None

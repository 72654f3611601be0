"""What all shapes have in common: nothing unknown is taken, and times are ISO 8601 UTC."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FURTHEST = 2**63 - 1

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A time at the edge; one that is given needs a zone."""
Name = Annotated[str, Field(min_length=1, max_length=255, examples=["297a4c1e-5f0f-5c51-9a0e-4f6e1d3a7b20"])]
"""An id."""
Number = Annotated[int, Field(ge=1, le=2**62)]
"""A number that rows are told apart by; databases hold no larger ones."""
Page = Annotated[int, Field(ge=1, le=200)]
"""How many things a page may hold."""


class Shape(BaseModel):
    """Frozen, and strict about names: what is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def moment(time_ns: int) -> datetime:
    """UTC nanoseconds as a time, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


def nanoseconds(given: datetime | None) -> int | None:
    """A time with a zone as UTC nanoseconds; what is further away than they reach is the furthest."""
    if given is None:
        return None
    found = (given - _EPOCH) // timedelta(microseconds=1) * 1000
    return max(-_FURTHEST, min(_FURTHEST, found))

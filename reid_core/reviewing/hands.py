"""Who does something, and who agreed to it."""

from dataclasses import dataclass

from reid_core.gallery.corrections import Author

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Person:
    """An account: ``id`` tells it from all others, ``name`` is for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does something now.

    Attributes:
        first: who wants it.
        time_ns: when it is done, UTC nanoseconds.
        reason: why, in the first one's words; may be empty.
        second: who agreed, where two people are asked for.
    """

    first: Person
    time_ns: int
    reason: str = ""
    second: Person | None = None

    @property
    def author(self) -> Author:
        """Both as the author of a correction."""
        agreed = f", agreed by {self.second.name}" if self.second is not None else ""
        return Author(f"{self.first.name}{agreed}"[:_LONGEST], self.time_ns, self.reason)

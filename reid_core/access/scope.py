"""Which sightings somebody may see: of which cameras, and of when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from reid_core.gallery.index import SearchFilter


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sightings may be seen; every condition that is given must hold.

    Attributes:
        cameras: only of these; of all by default, of none where it is empty.
        since_ns: captured at or after this, UTC nanoseconds.
        until_ns: captured before this.
    """

    cameras: frozenset[str] | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def has_camera(self, camera: str) -> bool:
        """Whether anything of a camera may be seen."""
        return self.cameras is None or camera in self.cameras

    def sees(self, camera: str, time_ns: int) -> bool:
        """Whether what this camera captured at this time, UTC nanoseconds, may be seen."""
        return (
            self.has_camera(camera)
            and (self.since_ns is None or time_ns >= self.since_ns)
            and (self.until_ns is None or time_ns < self.until_ns)
        )

    def narrowed(self, where: SearchFilter) -> SearchFilter:
        """A filter that lets through what it did before and what may be seen besides, nothing more."""
        return replace(
            where,
            cameras=_both(self.cameras, where.cameras),
            since_ns=_later(self.since_ns, where.since_ns),
            until_ns=_earlier(self.until_ns, where.until_ns),
        )

    def within(self, other: Self) -> Self:
        """What may be seen by both."""
        return replace(
            self,
            cameras=_both(self.cameras, other.cameras),
            since_ns=_later(self.since_ns, other.since_ns),
            until_ns=_earlier(self.until_ns, other.until_ns),
        )

    def packed(self) -> dict[str, Any]:
        """As it is kept in a row."""
        cameras = None if self.cameras is None else sorted(self.cameras)
        return {"cameras": cameras, "since_ns": self.since_ns, "until_ns": self.until_ns}

    @classmethod
    def unpacked(cls, kept: Mapping[str, Any]) -> Self:
        """What `packed` made. A row that lacks a condition allows nothing by it: that is an error."""
        cameras = kept["cameras"]
        return cls(None if cameras is None else frozenset(cameras), kept["since_ns"], kept["until_ns"])


EVERYTHING = Scope()
"""Every sighting."""


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _later(one: int | None, other: int | None) -> int | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((time for time in (one, other) if time is not None), default=None)

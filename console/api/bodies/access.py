"""Signing in, and who is signed in."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from console.api.bodies.base import Moment, Name, Shape, moment, nanoseconds
from reid_core.access import Permission, Role, Scope
from reid_core.access.passwords import LONGEST

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""A purpose, or the reference of a case."""


class SignIn(Shape):
    """Who wants in, and what for."""

    name: Annotated[str, StringConstraints(max_length=64)]
    password: Annotated[SecretStr, Field(max_length=LONGEST)]
    purpose: Why | None = None
    case: Why | None = None


class Purpose(Shape):
    """What one is about to do."""

    purpose: Why | None = None
    case: Why | None = None


class SeenScope(Shape):
    """Which sightings may be seen; a condition that is null holds nobody back."""

    cameras: list[Name] | None = None
    since: Moment | None = None
    until: Moment | None = None

    @classmethod
    def of(cls, scope: Scope) -> "SeenScope":
        """As it is said."""
        return cls(
            cameras=None if scope.cameras is None else sorted(scope.cameras),
            since=None if scope.since_ns is None else moment(scope.since_ns),
            until=None if scope.until_ns is None else moment(scope.until_ns),
        )

    def unpacked(self) -> Scope:
        """As it holds."""
        cameras = None if self.cameras is None else frozenset(self.cameras)
        return Scope(cameras, nanoseconds(self.since), nanoseconds(self.until))


class SignedIn(Shape):
    """Who is signed in.

    Attributes:
        name: of the user, or of the token.
        kind: user, token, or local where nobody signs in.
        role: of the user, or of the token.
        permissions: what one may do.
        scope: which sightings one may see.
        purpose: stated last.
        case: stated last.
        csrf: to be sent as the header Nightreid-Csrf with whatever changes something; null without a session.
        expires: when the session ends at the latest.
    """

    name: str
    kind: str
    role: Role
    permissions: list[Permission]
    scope: SeenScope
    purpose: str | None
    case: str | None
    csrf: str | None
    expires: Moment | None

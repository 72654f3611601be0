"""Users, their sessions and their API tokens."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from console.api.bodies.access import SeenScope
from console.api.bodies.base import Moment, Shape, moment
from reid_core.access import Role
from reid_core.access.passwords import LONGEST
from reid_core.access.sessions import UserSession
from reid_core.access.tokens import Token
from reid_core.access.users import User

AccountName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Password = Annotated[SecretStr, Field(max_length=LONGEST)]


class NewUser(Shape):
    """Somebody to add; without a scope they may see everything."""

    name: AccountName
    role: Role
    password: Password
    scope: SeenScope = SeenScope()


class UserChange(Shape):
    """What is to be different about a user; what is left out stays."""

    role: Role | None = None
    scope: SeenScope | None = None
    disabled: bool | None = None
    password: Password | None = None


class SeenUser(Shape):
    """A user; ``issuer`` vouches for who signs in elsewhere."""

    name: str
    role: Role
    scope: SeenScope
    disabled: bool
    created: Moment
    issuer: str | None

    @classmethod
    def of(cls, user: User) -> "SeenUser":
        """As it is said."""
        return cls(
            name=user.name,
            role=user.role,
            scope=SeenScope.of(user.scope),
            disabled=user.disabled,
            created=moment(user.created_ns),
            issuer=user.issuer,
        )


class Users(Shape):
    """All users, by name."""

    users: list[SeenUser]


class PasswordChange(Shape):
    """The own password, and the one to have from now on."""

    password: Password
    new: Password


class SeenSession(Shape):
    """A session; ``own`` is the one that asks."""

    id: str
    user: str
    address: str
    created: Moment
    seen: Moment
    expires: Moment
    own: bool

    @classmethod
    def of(cls, session: UserSession, own: bool) -> "SeenSession":
        """As it is said."""
        return cls(
            id=session.id,
            user=session.user.name,
            address=session.address,
            created=moment(session.created_ns),
            seen=moment(session.seen_ns),
            expires=moment(session.expires_ns),
            own=own,
        )


class Sessions(Shape):
    """Sessions, the latest first."""

    sessions: list[SeenSession]


class NewToken(Shape):
    """A token to make: by default as much as its user may, for good."""

    name: AccountName
    role: Role | None = None
    scope: SeenScope = SeenScope()
    expires: Moment | None = None


class SeenToken(Shape):
    """A token, without what opens anything."""

    id: str
    user: str
    name: str
    role: Role
    scope: SeenScope
    created: Moment
    seen: Moment | None
    expires: Moment | None
    revoked: bool

    @classmethod
    def of(cls, token: Token) -> "SeenToken":
        """As it is said."""
        return cls(
            id=token.id,
            user=token.user.name,
            name=token.name,
            role=token.role,
            scope=SeenScope.of(token.scope),
            created=moment(token.created_ns),
            seen=moment(token.seen_ns) if token.seen_ns is not None else None,
            expires=moment(token.expires_ns) if token.expires_ns is not None else None,
            revoked=token.revoked,
        )


class MadeToken(Shape):
    """A new token: ``secret`` is shown this once and kept nowhere."""

    token: SeenToken
    secret: str = Field(repr=False)


class Tokens(Shape):
    """Tokens, by user and name."""

    tokens: list[SeenToken]

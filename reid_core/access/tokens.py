"""API tokens: programs that act for a user, kept as digests and shown once."""

import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reid_core.access.principal import Principal
from reid_core.access.roles import PERMISSIONS, Role
from reid_core.access.scope import EVERYTHING, Scope
from reid_core.access.sessions import digest_of
from reid_core.access.users import User, checked_name
from reid_core.errors import UsageError
from reid_core.gallery.access_rows import ApiTokenRow, UserRow
from reid_core.gallery.database import Database

PREFIX = "nightreid_"
"""What every token begins with, so that those who look for leaked secrets recognise one."""
_NOTED_EVERY_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """An API token.

    Attributes:
        id: by which it is listed and revoked; it opens nothing.
        user: for whom it acts.
        name: unique for the user.
        role: it may do what this and the user's role allow.
        scope: which sightings it may see, of those that the user may.
        created_ns: when it was made, UTC nanoseconds.
        seen_ns: when it was used last, to the minute.
        expires_ns: when it ends.
        revoked: whether it has been ended.
    """

    id: str
    user: User
    name: str
    role: Role
    scope: Scope
    created_ns: int
    seen_ns: int | None
    expires_ns: int | None
    revoked: bool

    @property
    def principal(self) -> Principal:
        """As whom it asks."""
        permissions = PERMISSIONS[self.role] & PERMISSIONS[self.user.role]
        scope = self.user.scope.within(self.scope)
        return Principal(
            self.user.id, f"{self.user.name}/{self.name}", self.role, scope, "token", permissions
        )


def add_token(
    session: Session,
    user: User,
    name: str,
    now_ns: int,
    *,
    role: Role | None = None,
    scope: Scope = EVERYTHING,
    expires_ns: int | None = None,
) -> tuple[str, Token]:
    """Make a token.

    Args:
        session: of the writing transaction.
        user: for whom it acts.
        name: unique for the user.
        now_ns: the time of day, UTC nanoseconds.
        role: the user's by default.
        scope: the user's by default; it never exceeds it.
        expires_ns: when it ends.

    Returns:
        the token, which is kept nowhere, and what is kept of it.

    Raises:
        UsageError: the name cannot be one or is taken, or it would have ended already.
    """
    kept = checked_name(name)
    if expires_ns is not None and expires_ns <= now_ns:
        raise UsageError("The token would have ended already.")
    taken = select(ApiTokenRow.id).where(ApiTokenRow.user_id == user.id, ApiTokenRow.name == kept)
    if session.scalar(taken) is not None:
        raise UsageError(f"{user.name} has a token {kept} already.", "Revoked tokens keep their names.")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiTokenRow(
        id=uuid.uuid4().hex,
        digest=digest_of(secret),
        user_id=user.id,
        name=kept,
        role=(role or user.role).value,
        scope=scope.packed(),
        created_ns=now_ns,
        seen_ns=None,
        expires_ns=expires_ns,
        revoked=False,
    )
    session.add(row)
    session.flush()
    return secret, _of(row, user)


def token_of(database: Database, secret: str, now_ns: int) -> Token | None:
    """The token of a secret, or ``None``: unknown, ended, revoked, or its user disabled."""
    with database.read() as session:
        found = session.execute(
            select(ApiTokenRow, UserRow)
            .join(UserRow, UserRow.id == ApiTokenRow.user_id)
            .where(ApiTokenRow.digest == digest_of(secret))
        ).one_or_none()
        if found is None:
            return None
        token = _of(found[0], User.of(found[1]))
    if token.user.disabled or token.revoked:
        return None
    if token.expires_ns is not None and token.expires_ns <= now_ns:
        return None
    if token.seen_ns is None or now_ns - token.seen_ns > _NOTED_EVERY_NS:
        with database.write() as session:
            session.execute(update(ApiTokenRow).where(ApiTokenRow.id == token.id).values(seen_ns=now_ns))
    return token


def tokens(session: Session, user: str | None = None) -> tuple[Token, ...]:
    """All tokens, by user and name; of one user, by id, where it is given."""
    asked = (
        select(ApiTokenRow, UserRow)
        .join(UserRow, UserRow.id == ApiTokenRow.user_id)
        .order_by(UserRow.name, ApiTokenRow.name)
    )
    if user is not None:
        asked = asked.where(ApiTokenRow.user_id == user)
    return tuple(_of(row, User.of(user_row)) for row, user_row in session.execute(asked))


def revoke_token(session: Session, id_: str, user: str | None = None) -> bool:
    """End a token; whether there was one that was not ended, of the user of an id where it is given."""
    here = (ApiTokenRow.id == id_) & ApiTokenRow.revoked.is_(False)
    if user is not None:
        here &= ApiTokenRow.user_id == user
    ended = session.execute(update(ApiTokenRow).where(here).values(revoked=True).returning(ApiTokenRow.id))
    return ended.first() is not None


def _of(row: ApiTokenRow, user: User) -> Token:
    return Token(
        row.id,
        user,
        row.name,
        Role(row.role),
        Scope.unpacked(row.scope),
        row.created_ns,
        row.seen_ns,
        row.expires_ns,
        row.revoked,
    )

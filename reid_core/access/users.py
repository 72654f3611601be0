"""Users are added, listed and changed, in a caller's transaction."""

import re
import uuid
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reid_core.access import passwords
from reid_core.access.errors import SignInFailedError
from reid_core.access.principal import Principal, user_principal
from reid_core.access.roles import Role
from reid_core.access.scope import EVERYTHING, Scope
from reid_core.errors import UsageError
from reid_core.gallery.access_rows import UserRow, UserSessionRow
from reid_core.gallery.database import Database

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
NAME_HINT = "A name has up to 64 letters, digits and . _ @ + -, and begins with a letter or digit."


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the console.

    Attributes:
        id: never changes.
        name: unique, lower case.
        role: what the user is here for.
        scope: which sightings the user may see.
        disabled: whether the user is kept out.
        created_ns: when the user was added, UTC nanoseconds.
        issuer: who vouches for the user, where it is not a password.
    """

    id: str
    name: str
    role: Role
    scope: Scope
    disabled: bool
    created_ns: int
    issuer: str | None

    @classmethod
    def of(cls, row: UserRow) -> "User":
        """What a row says."""
        return cls(
            row.id,
            row.name,
            Role(row.role),
            Scope.unpacked(row.scope),
            row.disabled,
            row.created_ns,
            row.issuer,
        )

    @property
    def principal(self) -> Principal:
        """As whom the user asks."""
        return user_principal(self.id, self.name, self.role, self.scope)


def checked_name(name: str) -> str:
    """A name as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    if not _NAME.fullmatch(name.strip()):
        raise UsageError(f"{name[:80]!r} cannot be a name.", NAME_HINT)
    return name.strip().lower()


def add_user(
    session: Session, name: str, role: Role, password: str | None, now_ns: int, scope: Scope = EVERYTHING
) -> User:
    """Add a user.

    Args:
        session: of the writing transaction.
        name: unique, whatever the case of its letters.
        role: what the user is here for.
        password: as `passwords.hashed` keeps it; ``None`` for whoever signs in elsewhere.
        now_ns: the time of day, UTC nanoseconds.
        scope: which sightings the user may see.

    Raises:
        UsageError: the name cannot be one, or is taken.
    """
    kept = checked_name(name)
    if _row(session, kept) is not None:
        raise UsageError(f"There is a user {kept} already.")
    row = UserRow(
        id=uuid.uuid4().hex,
        name=kept,
        role=role.value,
        scope=scope.packed(),
        password=password,
        issuer=None,
        subject=None,
        disabled=False,
        created_ns=now_ns,
    )
    session.add(row)
    session.flush()
    return User.of(row)


def users(session: Session) -> tuple[User, ...]:
    """All users, by name."""
    return tuple(map(User.of, session.scalars(select(UserRow).order_by(UserRow.name))))


def the_user(session: Session, name: str) -> User:
    """A user by name.

    Raises:
        UsageError: there is none.
    """
    return User.of(_the_row(session, name))


def find_user(session: Session, name: str) -> User | None:
    """A user by name, if there is one."""
    row = _row(session, name.strip().lower())
    return User.of(row) if row is not None else None


def user_by_id(session: Session, id_: str) -> User | None:
    """A user by id, if there is one."""
    row = session.get(UserRow, id_)
    return User.of(row) if row is not None else None


def change_user(
    session: Session,
    name: str,
    *,
    role: Role | None = None,
    scope: Scope | None = None,
    disabled: bool | None = None,
    password: str | None = None,
) -> User:
    """Change what is given; whoever is disabled or has a new password is signed out everywhere.

    Args:
        session: of the writing transaction.
        name: of the user.
        role: the new one; it holds from the next request on.
        scope: the new one; likewise.
        disabled: whether the user is kept out.
        password: as `passwords.hashed` keeps it.

    Raises:
        UsageError: there is no such user.
    """
    row = _the_row(session, name)
    if role is not None:
        row.role = role.value
    if scope is not None:
        row.scope = scope.packed()
    if disabled is not None:
        row.disabled = disabled
    if password is not None:
        row.password = password
    if disabled or password is not None:
        session.execute(delete(UserSessionRow).where(UserSessionRow.user_id == row.id))
    session.flush()
    return User.of(row)


def authenticate(database: Database, name: str, password: str) -> User:
    """The user whom name and password belong to; it takes as long where there is none.

    A hash of outdated parameters is made anew.

    Raises:
        SignInFailedError: they belong to nobody, or to somebody who is disabled.
    """
    with database.read() as session:
        row = _row(session, name.strip().lower())
        kept = row.password if row is not None else None
        user = User.of(row) if row is not None else None
    fits = passwords.fits(password, kept)
    if user is None or kept is None or not fits or user.disabled:
        raise SignInFailedError("Name and password do not fit.")
    if passwords.is_outdated(kept):
        renewed = passwords.hashed(password)
        with database.write() as session:
            found = _row(session, user.name)
            if found is not None and found.password == kept:
                found.password = renewed
                session.flush()
    return user


def _row(session: Session, name: str) -> UserRow | None:
    return session.scalar(select(UserRow).where(UserRow.name == name))


def _the_row(session: Session, name: str) -> UserRow:
    row = _row(session, name.strip().lower())
    if row is None:
        near = get_close_matches(name, session.scalars(select(UserRow.name)), 1)
        raise UsageError(f"There is no user {name[:80]!r}.", f"Did you mean {near[0]}?" if near else "")
    return row

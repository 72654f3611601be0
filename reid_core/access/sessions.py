"""Users are signed in by sessions, kept in SQL so that they can be revoked."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from reid_core.access.users import User
from reid_core.gallery.access_rows import UserRow, UserSessionRow
from reid_core.gallery.database import Database

_SECOND_NS = 1_000_000_000
# A session is not written at every request, only when it was last seen so long ago.
_NOTED_EVERY_NS = 60 * _SECOND_NS


@dataclass(frozen=True, slots=True)
class UserSession:
    """A user who is signed in.

    Attributes:
        id: by which it is listed and revoked; it opens nothing.
        user: who it is.
        purpose: stated last, if any.
        case: reference of the case stated last, if any.
        address: from which the user signed in.
        created_ns: when that was, UTC nanoseconds.
        seen_ns: when the user was seen last, to the minute.
        expires_ns: when it ends, however busy the user is.
    """

    id: str
    user: User
    purpose: str | None
    case: str | None
    address: str
    created_ns: int
    seen_ns: int
    expires_ns: int


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts.

    Attributes:
        idle_ns: a user who is not seen for longer is signed out.
        most_ns: and everybody after this.
    """

    idle_ns: int = 30 * 60 * _SECOND_NS
    most_ns: int = 12 * 3600 * _SECOND_NS


def open_session(
    session: Session,
    user: User,
    now_ns: int,
    limits: SessionLimits,
    *,
    address: str = "",
    purpose: str | None = None,
    case: str | None = None,
) -> tuple[str, UserSession]:
    """Sign a user in; sessions that have ended are removed at this occasion.

    Args:
        session: of the writing transaction.
        user: whom `authenticate` found.
        now_ns: the time of day, UTC nanoseconds.
        limits: how long it lasts.
        address: from which.
        purpose: of what the user is about to do.
        case: reference of the case.

    Returns:
        the secret for the cookie, which is kept nowhere, and the session.
    """
    over = or_(UserSessionRow.expires_ns <= now_ns, UserSessionRow.seen_ns <= now_ns - limits.idle_ns)
    session.execute(delete(UserSessionRow).where(over))
    secret = secrets.token_urlsafe(32)
    row = UserSessionRow(
        id=uuid.uuid4().hex,
        digest=digest_of(secret),
        user_id=user.id,
        purpose=purpose,
        case_reference=case,
        address=address[:64],
        created_ns=now_ns,
        seen_ns=now_ns,
        expires_ns=now_ns + limits.most_ns,
    )
    session.add(row)
    session.flush()
    return secret, _of(row, user)


def session_of(database: Database, secret: str, now_ns: int, limits: SessionLimits) -> UserSession | None:
    """The session that a cookie's secret opens, or ``None``: unknown, ended, revoked, disabled."""
    with database.read() as session:
        found = session.execute(
            select(UserSessionRow, UserRow)
            .join(UserRow, UserRow.id == UserSessionRow.user_id)
            .where(UserSessionRow.digest == digest_of(secret))
        ).one_or_none()
        if found is None:
            return None
        row, user_row = found
        if user_row.disabled or row.expires_ns <= now_ns or row.seen_ns <= now_ns - limits.idle_ns:
            return None
        opened = _of(row, User.of(user_row))
    if now_ns - opened.seen_ns > min(_NOTED_EVERY_NS, limits.idle_ns // 4):
        with database.write() as session:
            # Only forward: of two requests at once the later one counts.
            here = (UserSessionRow.id == opened.id) & (UserSessionRow.seen_ns < now_ns)
            session.execute(update(UserSessionRow).where(here).values(seen_ns=now_ns))
    return opened


def sessions(
    session: Session, now_ns: int, limits: SessionLimits, user: str | None = None
) -> tuple[UserSession, ...]:
    """The sessions that have not ended, the latest first; of one user, by id, where it is given."""
    asked = (
        select(UserSessionRow, UserRow)
        .join(UserRow, UserRow.id == UserSessionRow.user_id)
        .where(UserSessionRow.expires_ns > now_ns, UserSessionRow.seen_ns > now_ns - limits.idle_ns)
        .order_by(UserSessionRow.created_ns.desc(), UserSessionRow.id)
    )
    if user is not None:
        asked = asked.where(UserSessionRow.user_id == user)
    return tuple(_of(row, User.of(user_row)) for row, user_row in session.execute(asked))


def end_session(session: Session, id_: str, user: str | None = None) -> bool:
    """Sign a session's user out of it; whether there was one, of the user of an id where it is given."""
    here = UserSessionRow.id == id_
    if user is not None:
        here &= UserSessionRow.user_id == user
    ended = session.execute(delete(UserSessionRow).where(here).returning(UserSessionRow.id))
    return ended.first() is not None


def state_purpose(session: Session, id_: str, purpose: str | None, case: str | None) -> None:
    """Say what a session's user is about to do from now on."""
    stated = {"purpose": purpose, "case_reference": case}
    session.execute(update(UserSessionRow).where(UserSessionRow.id == id_).values(stated))


def digest_of(secret: str) -> str:
    """What is kept of a secret that nobody can guess: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def forgery_token(secret: str) -> str:
    """What a page must send along with a change, so that no other site's page can: derived, kept nowhere."""
    return hmac.new(secret.encode(), b"nightreid csrf", hashlib.sha256).hexdigest()


def _of(row: UserSessionRow, user: User) -> UserSession:
    return UserSession(
        row.id,
        user,
        row.purpose,
        row.case_reference,
        row.address,
        row.created_ns,
        row.seen_ns,
        row.expires_ns,
    )

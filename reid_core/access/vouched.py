"""Users for whom somebody else vouches: they sign in there, and have no password here."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reid_core.access.users import User, the_user
from reid_core.errors import UsageError
from reid_core.gallery.access_rows import UserRow, UserSessionRow

_LONGEST = 255


def user_vouched_for(session: Session, issuer: str, subject: str) -> User | None:
    """The user whom an issuer knows as a subject, if there is one."""
    here = (UserRow.issuer == issuer) & (UserRow.subject == subject)
    row = session.scalar(select(UserRow).where(here))
    return User.of(row) if row is not None else None


def vouch_for(session: Session, name: str, issuer: str, subject: str) -> User:
    """Let a user sign in elsewhere from now on: their password and their sessions end.

    Args:
        session: of the writing transaction.
        name: of the user.
        issuer: who vouches.
        subject: as whom the issuer knows them.

    Raises:
        UsageError: there is no such user, or the issuer knows somebody else by that subject.
    """
    user = the_user(session, name)
    if not (0 < len(issuer) <= _LONGEST and 0 < len(subject) <= _LONGEST):
        raise UsageError(f"A subject has 1 to {_LONGEST} characters.")
    known = user_vouched_for(session, issuer, subject)
    if known is not None and known.id != user.id:
        raise UsageError(f"By this subject the user {known.name} signs in.")
    row = session.get_one(UserRow, user.id)
    row.issuer, row.subject, row.password = issuer, subject, None
    session.execute(delete(UserSessionRow).where(UserSessionRow.user_id == row.id))
    session.flush()
    return User.of(row)

"""Whether an identity is still what somebody saw: its members as one short word."""

import hashlib

from sqlalchemy.orm import Session

from reid_core.errors import StaleError
from reid_core.gallery.naming import the_identity
from reid_core.gallery.relocating import members

_HINT = "Look at it again."


def revision(session: Session, identity: str) -> str:
    """Changes whenever a tracklet joins or leaves the identity."""
    return hashlib.sha256("\n".join(members(session, identity)).encode()).hexdigest()[:16]


def check_revision(session: Session, identity: str, seen: str | None) -> None:
    """Make sure that an identity is there, and is what it was.

    Args:
        session: of the writing transaction.
        identity: its whole id.
        seen: what `revision` said then; ``None`` takes it as it is now.

    Raises:
        UsageError: there is none, and never was.
        StaleError: it has changed, or it was merged into another one.
    """
    the_identity(session, identity)
    if seen is not None and revision(session, identity) != seen:
        raise StaleError(f"Identity {identity} has changed meanwhile.", _HINT)

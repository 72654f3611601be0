"""Identities and tracklets by what a person writes: the whole id, or enough of its beginning."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from reid_core.errors import StaleError, UsageError
from reid_core.gallery.correction_rows import CorrectionRow
from reid_core.gallery.schema import (
    IdentityRow,
    TrackletRow,
)
from reid_core.types import Modality

SHORTEST = 4
"""So many characters of an id are asked for at least."""


def the_identity(session: Session, said: str) -> str:
    """The id of an identity.

    Raises:
        UsageError: none begins so, or several do.
        StaleError: it was merged into another one.
    """
    found = _beginning(session, IdentityRow.id, said, "identities")
    if found is not None:
        return found
    merged = (
        select(CorrectionRow)
        .where(CorrectionRow.kind == "merge", CorrectionRow.undone_by == "", CorrectionRow.other == said)
        .order_by(CorrectionRow.id.desc())
    )
    row = session.scalars(merged).first()
    if row is not None:
        raise StaleError(f"Identity {said} is gone: correction {row.id} merged it into {row.identity}.")
    raise UsageError(f"The gallery has no identity {said!r}.", "`nightreid identity show` lists them.")


def the_tracklet(session: Session, said: str) -> str:
    """The id of a visible tracklet.

    Raises:
        UsageError: none begins so, or several do, or it is an infrared one, which has no identity.
    """
    tracklet, modality = any_tracklet(session, said)
    if modality is Modality.INFRARED:
        raise UsageError(
            f"Tracklet {tracklet} is infrared: it is linked, and follows the identity that it is linked to."
        )
    return tracklet


def any_tracklet(session: Session, said: str) -> tuple[str, Modality]:
    """The id of a tracklet, and how its crops are compared.

    Raises:
        UsageError: none begins so, or several do.
    """
    found = _beginning(session, TrackletRow.id, said, "tracklets")
    row = session.get(TrackletRow, found) if found is not None else None
    if row is None:
        raise UsageError(f"The gallery has no tracklet {said!r}.", "`nightreid identity show ID` lists them.")
    return row.id, Modality(row.modality)


def _beginning(session: Session, column: InstrumentedAttribute[str], said: str, what: str) -> str | None:
    chosen: Any = select(column).where(column == said)
    whole: str | None = session.scalar(chosen)
    if whole is not None or len(said) < SHORTEST:
        return whole
    found = session.scalars(
        select(column).where(column.startswith(said, autoescape=True)).order_by(column).limit(2)
    ).all()
    if len(found) > 1:
        raise UsageError(f"Several {what} begin with {said!r}.", "Write more of the id.")
    return found[0] if found else None

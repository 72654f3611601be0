"""What the database says of rows in memory: whose they are, and which are no exemplars."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.schema import SurplusRow, TrackletRow

T = TypeVar("T")
# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096


def identities_of(session: Session, tracklets: Iterable[str]) -> dict[str, str | None]:
    """The identity of each of some tracklets that are there."""
    found: dict[str, str | None] = {}
    for names in _pages(sorted(tracklets)):
        chosen = select(TrackletRow.id, TrackletRow.identity_id).where(TrackletRow.id.in_(names))
        found.update((row.id, row.identity_id) for row in session.execute(chosen))
    return found


def owners_of(session: Session, tracklets: Collection[str]) -> dict[str, str]:
    """As `identities_of`, of those that have one."""
    found = identities_of(session, tracklets)
    return {tracklet: identity for tracklet, identity in found.items() if identity is not None}


def surplus_of(session: Session, vectors: Sequence[int]) -> set[int]:
    """Which of some vectors are no exemplars."""
    found: set[int] = set()
    for ids in _pages(vectors):
        found.update(session.scalars(select(SurplusRow.vector_id).where(SurplusRow.vector_id.in_(ids))))
    return found


def _pages(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _PAGE):
        yield values[start : start + _PAGE]

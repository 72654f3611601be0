"""Tracklets given to other identities: rows, exemplars, links and events, in a caller's transaction."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.gallery.exemplars import restore_exemplars
from reid_core.gallery.links import SavedLink, follow_tracklets
from reid_core.gallery.outbox import IDENTITY_CHANGED, put_event
from reid_core.gallery.schema import IdentityRow, MetaRow, TrackletRow

# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096
CHANGES = "identity_changes"
"""Key of `identity_changes` in the gallery's table of values."""


@dataclass(frozen=True, slots=True)
class Left:
    """What was there before a relocation, as far as it is gone.

    Attributes:
        tracklets: the identity that each tracklet had.
        identities: those of whom nobody is left; fields as in `IdentityRow`.
        links: those that lost a candidate.
    """

    tracklets: dict[str, str]
    identities: list[dict[str, Any]]
    links: list[SavedLink]

    def packed(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "tracklets": self.tracklets,
            "identities": self.identities,
            "links": [list(one) for one in self.links],
        }

    @classmethod
    def unpacked(cls, values: Mapping[str, Any]) -> "Left":
        """What `packed` gave."""
        links = [(tracklet, model, candidates) for tracklet, model, candidates in values["links"]]
        return cls(dict(values["tracklets"]), list(values["identities"]), links)


def identity_changes(session: Session) -> int:
    """How often tracklets were given to other identities: what was found out before may not hold any more."""
    row = session.get(MetaRow, CHANGES)
    return int(row.value) if row is not None else 0


def changed_identities(session: Session) -> None:
    """Have `identity_changes` count on: whoever found something out before has to look again."""
    session.merge(MetaRow(key=CHANGES, value=str(identity_changes(session) + 1)))
    session.flush()


def next_position(session: Session) -> int:
    """The next place in the order of arrival, of a tracklet or an identity that is founded without one."""
    tracklets = session.scalar(select(func.max(TrackletRow.position))) or 0
    return max(tracklets, session.scalar(select(func.max(IdentityRow.position))) or 0) + 1


def found_identity(session: Session, identity: str, created_ns: int, position: int) -> None:
    """Write an identity to which tracklets are to be given."""
    session.execute(insert(IdentityRow).values(id=identity, created_ns=created_ns, position=position))


def members(session: Session, identity: str) -> list[str]:
    """The ids of an identity's tracklets, in order of arrival."""
    chosen = select(TrackletRow.id).where(TrackletRow.identity_id == identity)
    return list(session.scalars(chosen.order_by(TrackletRow.position)))


def relocate(
    session: Session,
    homes: Mapping[str, str],
    correction: int,
    created_ns: int,
    saved: Iterable[SavedLink] = (),
) -> Left:
    """Give visible tracklets to other identities.

    Identities of whom nobody is left go. Every sighting of those concerned decides again who joins them,
    until there are too many. Links follow, and each tracklet is told of.

    Args:
        session: of the writing transaction.
        homes: the identity of each tracklet from now on; both are there.
        correction: number of what it is done for.
        created_ns: when that was.
        saved: as of `follow_tracklets`.

    Returns:
        what was there before.
    """
    left = {name: home for name, home in _identities(session, homes).items() if home != homes[name]}
    moved = {name: homes[name] for name in left}
    concerned = {*left.values(), *moved.values()}
    restore_exemplars(session, sorted(moved))
    for name, home in moved.items():
        session.execute(update(TrackletRow).where(TrackletRow.id == name).values(identity_id=home))
    restore_exemplars(session, sorted(moved))
    # Rows that the session holds are those of before.
    session.expire_all()
    links = follow_tracklets(session, concerned, saved) if moved else []
    gone = _without_members(session, concerned)
    session.execute(delete(IdentityRow).where(IdentityRow.id.in_([one["id"] for one in gone])))
    for name, home in moved.items():
        payload = {"identity": home, "before": left[name], "correction": correction}
        put_event(session, IDENTITY_CHANGED, name, payload, created_ns)
    if moved:
        session.merge(MetaRow(key=CHANGES, value=str(identity_changes(session) + 1)))
        session.flush()
    return Left(left, gone, links)


def _identities(session: Session, tracklets: Collection[str]) -> dict[str, str]:
    """The identity of each of the tracklets that are there, in order of arrival."""
    names, found = sorted(tracklets), list[tuple[int, str, str]]()
    for start in range(0, len(names), _PAGE):
        chosen = select(TrackletRow.position, TrackletRow.id, TrackletRow.identity_id).where(
            TrackletRow.id.in_(names[start : start + _PAGE]), TrackletRow.identity_id.is_not(None)
        )
        found += [(row.position, row.id, str(row.identity_id)) for row in session.execute(chosen)]
    return {tracklet: identity for _, tracklet, identity in sorted(found)}


def _without_members(session: Session, identities: Collection[str]) -> list[dict[str, Any]]:
    occupied = select(TrackletRow.id).where(TrackletRow.identity_id == IdentityRow.id).exists()
    rows = session.scalars(select(IdentityRow).where(IdentityRow.id.in_(identities), ~occupied))
    found = [{"id": row.id, "created_ns": row.created_ns, "position": row.position} for row in rows]
    return sorted(found, key=lambda one: str(one["id"]))

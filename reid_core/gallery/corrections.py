"""Who is who put right by people: merge, split, move, keep apart, and undo, in a caller's writing
transaction.

Each is a row that holds what undoing it needs, and says of which tracklets it spoke: merging remembers that
(`constraints`). A later correction of the same tracklets stands on an earlier one, which can then not be
undone before it.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.naming import the_identity, the_tracklet
from reid_core.gallery.relocating import Left, found_identity, members, next_position, relocate
from reid_core.gallery.schema import (
    IdentityRow,
    TrackletRow,
)

_NAMESPACE = uuid.UUID("7d0f5a3e-6c0b-5f3e-9b52-2f4f1c8e6a91")
_PAGE = 4096
MERGING = "merging"
"""The actor of what merging itself did when it looked back."""


class CorrectionKind(StrEnum):
    """What was done: to two identities, to one, to a tracklet, or to a pair that stays apart.

    `LOOK_BACK` is what merging itself did: nothing that it has to obey later.
    """

    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"
    APART = "apart"
    LOOK_BACK = "look back"


class Side(StrEnum):
    """What a correction says of a tracklet, as in `CorrectedRow`."""

    MOVED = "moved"
    WITH = "with"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Author:
    """Who corrects.

    Attributes:
        name: of a person.
        time_ns: when, UTC nanoseconds.
        reason: why, in their own words; may be empty.
    """

    name: str
    time_ns: int
    reason: str = ""


def merge(session: Session, identity: str, other: str, author: Author) -> int:
    """Make two identities one, under the name of the first; returns the correction's number.

    Raises:
        UsageError: there is no such identity, or both are one.
    """
    identity, other = the_identity(session, identity), the_identity(session, other)
    if identity == other:
        raise UsageError(f"Identity {identity} cannot be merged with itself.")
    kept, moved = members(session, identity), members(session, other)
    sides = {**dict.fromkeys(kept, Side.WITH), **dict.fromkeys(moved, Side.MOVED)}
    homes = dict.fromkeys(moved, identity)
    return record(session, CorrectionKind.MERGE, (identity, other), sides, homes, author)


def split(session: Session, identity: str, tracklets: Collection[str], author: Author) -> int:
    """Make some tracklets of an identity a new one; returns the correction's number.

    Raises:
        UsageError: there is no such identity, a tracklet is not of it, or none or all of them are named.
    """
    identity = the_identity(session, identity)
    moved = sorted({the_tracklet(session, one) for one in tracklets})
    there = members(session, identity)
    for tracklet in moved:
        if tracklet not in there:
            raise UsageError(f"Tracklet {tracklet} is not of identity {identity}.")
    rest = [one for one in there if one not in moved]
    if not moved or not rest:
        raise UsageError("A split names some tracklets of an identity: not none, and not all.")
    number = _next_number(session)
    founded = str(uuid.uuid5(_NAMESPACE, f"{number} {identity} {' '.join(moved)}"))
    earliest = session.scalar(select(func.min(TrackletRow.start_ns)).where(TrackletRow.id.in_(moved))) or 0
    found_identity(session, founded, earliest, next_position(session))
    sides = {**dict.fromkeys(rest, Side.APART), **dict.fromkeys(moved, Side.MOVED)}
    homes = dict.fromkeys(moved, founded)
    return record(session, CorrectionKind.SPLIT, (identity, founded), sides, homes, author)


def move(session: Session, tracklet: str, identity: str, author: Author) -> int:
    """Give a tracklet to another identity; returns the correction's number.

    Raises:
        UsageError: there is no such tracklet or identity, or it is of that one already.
    """
    tracklet, identity = the_tracklet(session, tracklet), the_identity(session, identity)
    row = session.get(TrackletRow, tracklet)
    assert row is not None and row.identity_id is not None
    source = row.identity_id
    if source == identity:
        raise UsageError(f"Tracklet {tracklet} is of identity {identity} already.")
    sides = {
        **dict.fromkeys(members(session, source), Side.APART),
        **dict.fromkeys(members(session, identity), Side.WITH),
        tracklet: Side.MOVED,
    }
    return record(session, CorrectionKind.MOVE, (source, identity), sides, {tracklet: identity}, author)


def keep_apart(session: Session, identity: str, other: str, author: Author) -> int:
    """Remember that two identities are two people; returns the correction's number.

    Raises:
        UsageError: there is no such identity, or both are one.
    """
    identity, other = the_identity(session, identity), the_identity(session, other)
    if identity == other:
        raise UsageError(f"Identity {identity} cannot be kept apart from itself.")
    sides = {
        **dict.fromkeys(members(session, identity), Side.MOVED),
        **dict.fromkeys(members(session, other), Side.APART),
    }
    return record(session, CorrectionKind.APART, (identity, other), sides, {}, author)


def undo(session: Session, number: int | None, author: Author) -> int:
    """Put back what a correction changed, and have merging obey it no more.

    Who joined in the meantime stays, except where a split is undone: whoever joined the identity that it
    founded goes back with those whom it was founded for.

    Args:
        session: of the writing transaction.
        number: of the correction; ``None`` for the last that a person made and that stands.
        author: who undoes it.

    Returns:
        the number.

    Raises:
        UsageError: there is none, it is undone already, or a later one stands on it.
    """
    row = _standing(session, number)
    left = Left.unpacked(row.before)
    homes = dict(left.tracklets)
    if row.kind == CorrectionKind.SPLIT:
        homes = {**dict.fromkeys(members(session, row.other), row.identity), **homes}
    there = set(_present(session, homes))
    homes = {name: home for name, home in homes.items() if name in there}
    _restore(session, row.id, set(homes.values()), left)
    relocate(session, homes, row.id, author.time_ns, left.links)
    for tracklet, evidence in row.before.get("evidence", {}).items():
        session.execute(update(TrackletRow).where(TrackletRow.id == tracklet).values(evidence=evidence))
    undone = session.get(CorrectionRow, row.id)
    assert undone is not None
    undone.undone_by, undone.undone_ns = author.name, author.time_ns
    session.flush()
    return undone.id


def record(
    session: Session,
    kind: CorrectionKind,
    identities: tuple[str, str],
    sides: Mapping[str, Side],
    homes: Mapping[str, str],
    author: Author,
    evidence: Mapping[str, Any] | None = None,
) -> int:
    """Move tracklets and write down that it was done.

    Args:
        session: of the writing transaction.
        kind: what is done.
        identities: as ``identity`` and ``other`` of `CorrectionRow`.
        sides: what it says of which tracklets.
        homes: as of `relocate`.
        author: who does it.
        evidence: that tracklets had before, for undoing.

    Returns:
        the correction's number.
    """
    number = _next_number(session)
    left = relocate(session, homes, number, author.time_ns)
    identity, other = identities
    values = {
        "id": number,
        "kind": str(kind),
        "actor": author.name,
        "reason": author.reason,
        "created_ns": author.time_ns,
        "identity": identity,
        "other": other,
        "before": left.packed() | ({"evidence": dict(evidence)} if evidence else {}),
        "undone_by": "",
        "undone_ns": 0,
    }
    session.execute(insert(CorrectionRow).values(values))
    spoken = [
        {"correction_id": number, "tracklet_id": name, "side": str(side)} for name, side in sides.items()
    ]
    session.execute(insert(CorrectedRow), spoken)
    return number


def _next_number(session: Session) -> int:
    return (session.scalar(select(func.max(CorrectionRow.id))) or 0) + 1


def _standing(session: Session, number: int | None) -> CorrectionRow:
    """The row of a correction that can be undone."""
    if number is None:
        by_people = CorrectionRow.undone_by == "", CorrectionRow.kind != str(CorrectionKind.LOOK_BACK)
        number = session.scalar(select(func.max(CorrectionRow.id)).where(*by_people))
        if number is None:
            raise UsageError("There is no correction to undo.")
    row = session.get(CorrectionRow, number)
    if row is None:
        raise UsageError(f"There is no correction {number}.")
    if row.undone_by:
        raise UsageError(f"Correction {number} was undone already, by {row.undone_by}.")
    mine = select(CorrectedRow.tracklet_id).where(CorrectedRow.correction_id == number)
    later = (
        select(func.max(CorrectionRow.id))
        .join(CorrectedRow, CorrectedRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.id > number, CorrectionRow.undone_by == "", CorrectedRow.tracklet_id.in_(mine))
    )
    last = session.scalar(later)
    if last is not None:
        raise UsageError(f"Correction {last} stands on correction {number}.", f"Undo {last} first.")
    return row


def _present(session: Session, tracklets: Collection[str]) -> list[str]:
    names, found = sorted(tracklets), list[str]()
    for start in range(0, len(names), _PAGE):
        chosen = select(TrackletRow.id).where(TrackletRow.id.in_(names[start : start + _PAGE]))
        found += session.scalars(chosen)
    return found


def _restore(session: Session, number: int, wanted: Collection[str], left: Left) -> None:
    """Have identities be there again to which tracklets go back."""
    gone = {one["id"]: one for one in left.identities}
    there = set(session.scalars(select(IdentityRow.id).where(IdentityRow.id.in_(wanted))))
    for identity in sorted(set(wanted) - there):
        if identity not in gone:
            raise UsageError(f"Correction {number} cannot be undone: identity {identity} is gone.")
        row = gone[identity]
        taken = session.scalar(select(IdentityRow.id).where(IdentityRow.position == row["position"]))
        position = row["position"] if taken is None else next_position(session)
        found_identity(session, identity, row["created_ns"], position)

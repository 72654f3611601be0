"""What people said of who is who, obeyed when tracklets are given identities.

It is remembered by tracklet: one that is taken out and comes again, because its recording is run again, is
told as it was. Of two corrections that speak of the same pair the later one counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.corrections import CorrectionKind, Side
from reid_core.gallery.identities import Assignment, IdentityPolicy, identity_id
from reid_core.gallery.ownership import owners_of
from reid_core.gallery.schema import (
    IdentityRow,
)

# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096
_PLACING = str(CorrectionKind.MERGE), str(CorrectionKind.SPLIT), str(CorrectionKind.MOVE)


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of a tracklet.

    Attributes:
        home: the identity that it belongs to; ``None`` where nobody said, or nobody of it is there.
        apart: identities that it does not belong to.
    """

    home: str | None = None
    apart: frozenset[str] = frozenset()


def said_of(session: Session, tracklet: str) -> Said:
    """What people said of a tracklet, there or not."""
    others: dict[str, bool] = {}
    for other, together in _pairs(session, tracklet):
        others.setdefault(other, together)
    if not others:
        return Said()
    owners = owners_of(session, others)
    apart = frozenset(owners[other] for other, together in others.items() if not together and other in owners)
    homes = (owners[other] for other, together in others.items() if together and other in owners)
    return Said(next((home for home in homes if home not in apart), None), apart)


def as_people_said(home: str, policy: IdentityPolicy, model: str) -> Assignment:
    """To have a tracklet join the identity to which people gave it."""
    evidence = {
        "decision": "joined",
        "score": None,
        "tracklet": None,
        "sighting": None,
        "matched_sighting": None,
        "runner_up": None,
        "threshold": policy.merge_score,
        "model": model,
        "reason": "people said so",
    }
    return Assignment(home, False, evidence)


def free_identity(session: Session, tracklet: str) -> str:
    """The id of the identity that a tracklet founds: none that it founded before and others are of."""
    names = (identity_id(tracklet if number == 1 else f"{tracklet} {number}") for number in count(1))
    return next(name for name in names if session.get(IdentityRow, name) is None)


def placed(session: Session, tracklets: Iterable[str]) -> set[str]:
    """Which of the tracklets people put where they are: nobody else moves them."""
    names, found = sorted(tracklets), set[str]()
    sides = str(Side.MOVED), str(Side.WITH)
    for start in range(0, len(names), _PAGE):
        chosen = (
            select(CorrectedRow.tracklet_id)
            .join(CorrectionRow, CorrectionRow.id == CorrectedRow.correction_id)
            .where(CorrectedRow.tracklet_id.in_(names[start : start + _PAGE]), CorrectedRow.side.in_(sides))
            .where(
                or_(
                    and_(CorrectionRow.undone_by == "", CorrectionRow.kind.in_(_PLACING)),
                    # Who undoes what merging did says where it belongs.
                    and_(CorrectionRow.undone_by != "", CorrectionRow.kind == str(CorrectionKind.LOOK_BACK)),
                )
            )
        )
        found.update(session.scalars(chosen))
    return found


def _pairs(session: Session, tracklet: str) -> Iterable[tuple[str, bool]]:
    """Tracklets of which corrections spoke together with one, and whether they are one person."""
    # The latest corrections first.
    mine, theirs = aliased(CorrectedRow), aliased(CorrectedRow)
    chosen = (
        select(mine.side.label("mine"), theirs.side.label("theirs"), theirs.tracklet_id, CorrectionRow.kind)
        .join(CorrectionRow, CorrectionRow.id == mine.correction_id)
        .join(theirs, theirs.correction_id == mine.correction_id)
        .where(mine.tracklet_id == tracklet, theirs.tracklet_id != tracklet)
        .where(CorrectionRow.undone_by == "", CorrectionRow.kind != str(CorrectionKind.LOOK_BACK))
        .order_by(CorrectionRow.id.desc(), theirs.tracklet_id)
    )
    for row in session.execute(chosen):
        sides = {row.mine, row.theirs}
        # Nothing was said of those who stayed, nor of those on one side of a pair that stays apart.
        if Side.MOVED in sides and (row.kind != CorrectionKind.APART or len(sides) > 1):
            yield row.tracklet_id, Side.APART not in sides

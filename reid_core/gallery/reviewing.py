"""Pairs of identities that may be one person and were not merged: for people to say.

Each visible tracklet is compared with the two identities that fit it best besides its own. A pair scores as
the best of its tracklets does. Pairs that were in one picture, or that people keep apart, are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.constraints import said_of
from reid_core.gallery.correction_rows import DoubtRow
from reid_core.gallery.identities import Finalists, fitness
from reid_core.gallery.planning import unindexed
from reid_core.gallery.records import VectorKind
from reid_core.gallery.relocating import members
from reid_core.gallery.schema import (
    TrackletRow,
    VectorRow,
)
from reid_core.gallery.store import Gallery
from reid_core.gallery.together import meeting, stays_of
from reid_core.gallery.whereabouts import Whereabouts
from reid_core.types import Floats, Modality

_VISIBLE = str(Modality.VISIBLE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two identities that may be one person.

    Attributes:
        identity: the one that came first.
        other: the other one.
        score: of the better fitting tracklet (see `identities.decide`).
        tracklet: that one.
        matched: the tracklet of the other identity that is most like it.
        excluded: two tracklets that were in two cameras at once, or too soon in the other; or ``None``.
    """

    identity: str
    other: str
    score: float
    tracklet: str
    matched: str
    excluded: tuple[str, str] | None = None


def doubtful_pairs(
    gallery: Gallery,
    space: str,
    least: float,
    whereabouts: Whereabouts | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Pair, ...]:
    """The pairs that score at least so much, best first, equal ones by their ids.

    Args:
        gallery: to look through.
        space: of its vectors.
        least: score of a pair.
        whereabouts: of the cameras, to say what excludes a pair.
        progress: called with how many tracklets were looked at.

    Raises:
        ModelMismatchError: the gallery is of another space.
    """
    best: dict[tuple[str, str], Pair] = {}
    with gallery.reading(space) as (session, store):
        chosen = select(TrackletRow.id, TrackletRow.identity_id, TrackletRow.position)
        rows = session.execute(
            chosen.where(TrackletRow.modality == _VISIBLE).order_by(TrackletRow.position)
        ).all()
        first: dict[str, int] = {}
        for row in rows:
            first.setdefault(str(row.identity_id), row.position)
        for done, row in enumerate(rows, start=1):
            vectors = _vectors(session, space, row.id)
            found = store.finalists(session, vectors, {str(row.identity_id)}) if len(vectors) else None
            if found is not None and found.allowed:
                for other, score, matched in _scores(vectors, found):
                    key = (str(row.identity_id), other)
                    key = key if first[key[0]] < first[key[1]] else key[::-1]
                    if score >= least and (key not in best or score > best[key].score):
                        best[key] = Pair(*key, score, row.id, matched)
            if progress is not None:
                progress(done)
        ordered = sorted(best.values(), key=lambda pair: (-pair.score, pair.identity, pair.other))
        judged = (_judged(session, pair, whereabouts) for pair in ordered)
        return tuple(pair for pair in judged if pair is not None)


def number_pairs(session: Session, pairs: Iterable[Pair]) -> dict[tuple[str, str], tuple[int, bool]]:
    """The number of each pair, its own for good, and whether it was skipped.

    Args:
        session: of a writing transaction.
        pairs: some may have been listed before.
    """
    found = {}
    for pair in pairs:
        key = (pair.identity, pair.other)
        mine = select(DoubtRow.id, DoubtRow.skipped).where(
            DoubtRow.identity == pair.identity, DoubtRow.other == pair.other
        )
        row = session.execute(mine).first()
        if row is None:
            number = (session.scalar(select(func.max(DoubtRow.id))) or 0) + 1
            session.execute(insert(DoubtRow).values(id=number, identity=key[0], other=key[1], skipped=False))
            found[key] = (number, False)
        else:
            found[key] = (row.id, row.skipped)
    return found


def numbered_pair(session: Session, number: int) -> tuple[str, str]:
    """The two identities of a pair that was listed.

    Raises:
        UsageError: none has this number.
    """
    row = session.get(DoubtRow, number)
    if row is None:
        raise UsageError(f"No pair {number} was listed.", "`nightreid identity review` lists them.")
    return row.identity, row.other


def skip_pair(session: Session, number: int) -> None:
    """Leave a pair out of later lists.

    Raises:
        UsageError: none has this number.
    """
    numbered_pair(session, number)
    session.execute(update(DoubtRow).where(DoubtRow.id == number).values(skipped=True))


def _scores(vectors: Floats, found: Finalists) -> Iterable[tuple[str, float, str]]:
    """Each finalist's score, and the tracklet of it that is most like the one that is asked for."""
    likeness = (vectors @ found.vectors.T).max(axis=0)
    for other in sorted(set(found.identities)):
        rows = [place for place, owner in enumerate(found.identities) if owner == other]
        matched = max(rows, key=lambda place: (likeness[place], -place))
        yield other, fitness(vectors, found.vectors[rows]), found.tracklets[matched]


def _judged(session: Session, pair: Pair, whereabouts: Whereabouts | None) -> Pair | None:
    mine, theirs = members(session, pair.identity), members(session, pair.other)
    one, other = stays_of(session, mine), stays_of(session, theirs)
    if meeting(one, other) is not None:
        return None
    if any(pair.other in said_of(session, tracklet).apart for tracklet in mine):
        return None
    excluded = meeting(one, other, whereabouts)
    return Pair(pair.identity, pair.other, pair.score, pair.tracklet, pair.matched, excluded)


def _vectors(session: Session, space: str, tracklet: str) -> Floats:
    chosen = select(VectorRow.data).where(
        VectorRow.tracklet_id == tracklet,
        unindexed(VectorRow.space) == space,
        VectorRow.kind == str(VectorKind.CROP),
    )
    blobs = session.scalars(chosen.order_by(VectorRow.id)).all()
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1 if blobs else 0)

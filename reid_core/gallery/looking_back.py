"""Merging looks back: a tracklet moves where it fits better, once those have come whom it belongs with.

Whoever comes first is decided with less knowledge: a tracklet may have joined somebody like it before its
own person was there. So whenever a tracklet is admitted, those of other identities that look like it are
decided again: each is scored with the rest of the identity that it has, and with that of the newcomer. It
moves where the latter reaches the threshold and leads by a stated amount. One that stands alone stays:
whether two identities are one is for people to say. Only a few tracklets are looked at, with an exemplar as
like as merging asks for, of the two identities nearest to the newcomer: the work is bounded, and depends on
the order of admission alone. What people put where it is stays, and what excludes a merge excludes a move.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reid_core.gallery.constraints import placed, said_of
from reid_core.gallery.corrections import MERGING, Author, CorrectionKind, Side, record
from reid_core.gallery.exemplars import is_exemplar
from reid_core.gallery.identities import IdentityPolicy, fitness
from reid_core.gallery.records import VectorKind
from reid_core.gallery.relocating import members
from reid_core.gallery.schema import TrackletRow, VectorRow
from reid_core.gallery.together import meeting, stays_of
from reid_core.gallery.vector_store import VectorStore
from reid_core.types import Floats

_DIGITS = 6
# Tracklets that are decided again for one that is admitted.
_MOST = 8


@dataclass(frozen=True, slots=True)
class Rivals:
    """Other identities than a newcomer's, of whom something may belong with it.

    Attributes:
        identities: their ids.
        least: the least score to join an identity, at the gallery's present size.
    """

    identities: tuple[str, ...]
    least: float


def look_back(
    session: Session,
    store: VectorStore,
    policy: IdentityPolicy,
    identity: str,
    vectors: Floats,
    rivals: Rivals,
    created_ns: int,
) -> bool:
    """Decide again about tracklets that are like one that was just admitted.

    Args:
        session: of the writing transaction.
        store: the crops' vectors, in step with the newcomer; the caller has it learn of what moves.
        policy: by how much a better identity has to lead, and who cannot be one.
        identity: of the newcomer.
        vectors: ``(S, D)`` float32, L2-normalised, of the newcomer.
        rivals: other identities that are like it.
        created_ns: capture time of the newcomer's end.

    Returns:
        whether one has moved.
    """
    if policy.look_back is None:
        return False
    alike = _alike(session, store, rivals, vectors)
    kept = placed(session, alike)
    moved = False
    for tracklet in alike:
        row = session.get(TrackletRow, tracklet)
        if row is None or tracklet in kept:
            continue
        mine = _vectors(session, store.space, [tracklet], every=True)
        there = _exemplars(session, store.space, identity)
        rest = _exemplars(session, store.space, str(row.identity_id), without=tracklet)
        if not (len(there) and len(rest)):
            continue
        new, old = fitness(mine, there), fitness(mine, rest)
        if new < rivals.least or new < old + policy.look_back:
            continue
        if not _forbidden(session, policy, tracklet, identity):
            _move(session, store.space, rivals.least, row, identity, (new, old), created_ns)
            moved = True
    return moved


def _alike(session: Session, store: VectorStore, rivals: Rivals, vectors: Floats) -> list[str]:
    """Tracklets of the rivals that have an exemplar like enough: the likest first."""
    best: dict[int, float] = {}
    for rival in rivals.identities:
        exemplars = store.exemplars(session, rival, 0)
        if exemplars is not None:
            scores = (vectors @ exemplars[1].T).max(axis=0)
            near = scores >= rivals.least
            best.update(zip(exemplars[0][near].tolist(), scores[near].tolist(), strict=True))
    rows = session.execute(select(VectorRow.id, VectorRow.tracklet_id).where(VectorRow.id.in_(best))).all()
    ordered = sorted(rows, key=lambda row: (-best[row.id], row.id))
    return list(dict.fromkeys(row.tracklet_id for row in ordered))[:_MOST]


def _move(
    session: Session,
    space: str,
    least: float,
    row: TrackletRow,
    identity: str,
    scores: tuple[float, float],
    created_ns: int,
) -> None:
    tracklet, home, before = row.id, str(row.identity_id), row.evidence
    new, old = (round(score, _DIGITS) for score in scores)
    evidence = {
        "decision": "moved",
        "score": new,
        "threshold": least,
        "model": space,
        "reason": "it fits those who came later better",
        "before": {"identity": home, "score": old},
    }
    reason = f"{new:.3f} with those there, {old:.3f} with the others of before"
    author = Author(MERGING, created_ns, reason)
    sides, homes = {tracklet: Side.MOVED}, {tracklet: identity}
    record(session, CorrectionKind.LOOK_BACK, (home, identity), sides, homes, author, {tracklet: before})
    session.execute(update(TrackletRow).where(TrackletRow.id == tracklet).values(evidence=evidence))
    session.expire_all()


def _forbidden(session: Session, policy: IdentityPolicy, tracklet: str, identity: str) -> bool:
    if identity in said_of(session, tracklet).apart:
        return True
    mine, theirs = (stays_of(session, names) for names in ([tracklet], members(session, identity)))
    return meeting(mine, theirs, policy.whereabouts) is not None


def _exemplars(session: Session, space: str, identity: str, without: str = "") -> Floats:
    """``(N, D)``, of an identity's tracklets but for one."""
    return _vectors(session, space, [one for one in members(session, identity) if one != without])


def _vectors(session: Session, space: str, tracklets: Sequence[str], every: bool = False) -> Floats:
    chosen = select(VectorRow.data).where(
        VectorRow.tracklet_id.in_(tracklets),
        VectorRow.space == space,
        VectorRow.kind == str(VectorKind.CROP),
    )
    if not every:
        chosen = chosen.where(is_exemplar())
    blobs = session.scalars(chosen.order_by(VectorRow.id)).all()
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1 if blobs else 0)

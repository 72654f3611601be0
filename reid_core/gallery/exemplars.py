"""Which sightings of an identity decide who joins it: a bounded number, chosen to cover its views.

An identity's first sightings are all exemplars. Once there are more than may be, the two that are most alike
are found and the later of them is set aside, until there are no more than may be: what is left lies apart. A
sighting that was set aside is searched like any other, and decides again only where sightings of its identity
are taken out.
"""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from reid_core.gallery.outbox import EXEMPLARS_REPLACED, put_event
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import SurplusRow, TrackletRow, VectorRow
from reid_core.types import Floats


def is_exemplar() -> ColumnElement[bool]:
    """Whether a vector decides who joins its identity."""
    return ~select(SurplusRow.vector_id).where(SurplusRow.vector_id == VectorRow.id).exists()


def keep_exemplars(session: Session, space: str, identity: str, most: int, created_ns: int) -> None:
    """Set aside what an identity has beyond its exemplars.

    Args:
        session: of the writing transaction.
        space: of the vectors.
        identity: its id.
        most: how many exemplars there may be, at least 1.
        created_ns: capture time of what was added.
    """
    tracklets = session.scalars(select(TrackletRow.id).where(TrackletRow.identity_id == identity)).all()
    # By tracklet alone: a database that has never counted its rows would take the space for the rarer thing.
    theirs = select(VectorRow.id, VectorRow.space, VectorRow.kind).where(
        VectorRow.tracklet_id.in_(tracklets), is_exemplar()
    )
    made = space, str(VectorKind.CROP)
    mine = [row.id for row in session.execute(theirs) if (row.space, row.kind) == made]
    if len(mine) <= most:
        return
    chosen = select(VectorRow.id, VectorRow.data).where(VectorRow.id.in_(mine)).order_by(VectorRow.id)
    rows = session.execute(chosen).all()
    vectors = np.frombuffer(b"".join(row.data for row in rows), "<f4").reshape(len(rows), -1)
    gone = [rows[place].id for place in redundant(vectors, most)]
    session.execute(insert(SurplusRow), [{"vector_id": number} for number in gone])
    payload = {"space": space, "kind": str(VectorKind.CROP), "vectors": gone}
    put_event(session, EXEMPLARS_REPLACED, identity, payload, created_ns)


def restore_exemplars(session: Session, tracklets: Sequence[str]) -> None:
    """Have every sighting of some tracklets' identities decide again: some of them are about to go."""
    identities = select(TrackletRow.identity_id).where(TrackletRow.id.in_(tracklets))
    theirs = (
        select(VectorRow.id)
        .join(TrackletRow, TrackletRow.id == VectorRow.tracklet_id)
        .where(TrackletRow.identity_id.in_(identities))
    )
    session.execute(delete(SurplusRow).where(SurplusRow.vector_id.in_(theirs)))


def redundant(vectors: Floats, most: int) -> list[int]:
    """Which to leave out so that ``most`` are left, ascending: of the two most alike always the later one.

    Args:
        vectors: ``(N, D)`` float32, L2-normalised, in order of arrival.
        most: how many may be left, at least 1.
    """
    wide = vectors.astype(np.float64)
    # Of pairs that are equally alike the earliest.
    alike = np.triu((wide @ wide.T).astype(np.float32), 1)
    alike[np.tril_indices(len(vectors))] = -np.inf
    gone = []
    for _ in range(len(vectors) - most):
        later = int(alike.argmax()) % len(vectors)
        alike[later], alike[:, later] = -np.inf, -np.inf
        gone.append(later)
    return sorted(gone)

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

from reid_core.gallery.schema import SurplusRow, TrackletRow, VectorRow, table_of
from reid_core.gallery.scoring import exact_scores, slack
from reid_core.types import Floats, Ints


def is_exemplar() -> ColumnElement[bool]:
    """Whether a vector decides who joins its identity."""
    return ~select(SurplusRow.vector_id).where(SurplusRow.vector_id == VectorRow.id).exists()


def keep_exemplars(session: Session, exemplars: tuple[Ints, Floats] | None, most: int) -> list[int]:
    """Set aside what an identity has beyond its exemplars; the caller puts the outbox row that tells of it.

    Args:
        session: of the writing transaction.
        exemplars: what `VectorStore.exemplars` gave of the identity: ids, ascending, and vectors; ``None``
            where there are not too many.
        most: how many exemplars there may be, at least 1.

    Returns:
        the vectors that were set aside, ascending.
    """
    if exemplars is None:
        return []
    ids, vectors = exemplars
    gone: list[int] = ids[redundant(vectors, most)].tolist()
    session.execute(insert(table_of(SurplusRow)), [{"vector_id": number} for number in gone])
    return gone


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
    # float32 finds the pairs that can be the most alike, float64 says which it is.
    alike = vectors @ vectors.T
    alike[np.tril_indices(len(vectors))] = -np.inf
    margin = slack(vectors.shape[1])
    sure = np.zeros(alike.shape, np.bool_)
    gone = []
    for _ in range(len(vectors) - most):
        near = alike >= alike.max() - margin
        earlier, later = np.nonzero(near & ~sure)
        alike[earlier, later] = exact_scores(vectors, vectors, earlier, later)
        sure[earlier, later] = True
        # Of pairs that are equally alike the earliest.
        goes = int(np.where(near, alike, -np.inf).argmax()) % len(vectors)
        alike[goes], alike[:, goes] = -np.inf, -np.inf
        gone.append(goes)
    return sorted(gone)

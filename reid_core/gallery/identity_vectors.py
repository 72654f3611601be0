"""All vectors of a few identities: to look closer at those that a search has found."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.filtering import passing
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.planning import unindexed
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import TrackletRow, VectorRow
from reid_core.types import Floats

# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class IdentityVectors:
    """The vectors of one kind of an identity, in order of arrival.

    Attributes:
        tracklets: id of the tracklet of each of ``N``.
        vectors: ``(N, D)`` float32, L2-normalised; ``N`` at least 1.
    """

    tracklets: tuple[str, ...]
    vectors: Floats

    def score(self, query: Floats) -> float:
        """Cosine of a ``(D,)`` query and the best of them, as a search gives it."""
        products = self.vectors.astype(np.float64) @ query.astype(np.float64)
        return float(np.float32(products.max()))

    def mean_score(self, views: Floats) -> float:
        """The mean of the best cosines of ``(S, D)`` views: how tracklets are compared for merging."""
        products = self.vectors.astype(np.float64) @ views.astype(np.float64).T
        return float(np.float32(products.max(axis=0)).mean())


def identity_vectors(
    session: Session,
    identities: Collection[str],
    space: str,
    where: SearchFilter,
    kind: VectorKind = VectorKind.CROP,
    without: Collection[str] = (),
) -> dict[str, IdentityVectors]:
    """The vectors of some identities that a search with this filter looks at.

    Args:
        session: of a reading transaction.
        identities: their ids.
        space: of the vectors.
        where: which of them to look at.
        kind: of the vectors.
        without: tracklets whose vectors are left out.

    Returns:
        by identity; of those that have none, nothing.
    """
    found: dict[str, list[tuple[str, bytes]]] = {}
    names = sorted(set(identities))
    for start in range(0, len(names), _PAGE):
        chosen = (
            select(TrackletRow.identity_id, VectorRow.tracklet_id, VectorRow.data)
            .join(TrackletRow, TrackletRow.id == VectorRow.tracklet_id)
            .where(TrackletRow.identity_id.in_(names[start : start + _PAGE]))
            .where(unindexed(VectorRow.space) == space, VectorRow.kind == str(kind), *passing(where))
            .order_by(VectorRow.id)
        )
        for identity, tracklet, data in session.execute(chosen):
            if tracklet not in without:
                found.setdefault(str(identity), []).append((tracklet, bytes(data)))
    return {
        identity: IdentityVectors(
            tuple(tracklet for tracklet, _ in rows),
            np.frombuffer(b"".join(data for _, data in rows), "<f4").reshape(len(rows), -1),
        )
        for identity, rows in found.items()
    }

"""The identities of a gallery in order of how well they fit one vector: what links and queries are made of.

An identity's score is the cosine of the query and the identity's best vector: somebody seen from all sides is
found by the side that fits.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.index import Hits, SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.gallery.store import Gallery
from reid_core.gallery.vector_store import VectorStore
from reid_core.types import Floats, Modality

# Vectors fetched at first, where ties are asked for too so many at least and so many of each identity that is
# asked for, and how many times more each time they were of too few identities.
_FIRST_FETCH = 64
_WITH_TIES, _A_PERSON = 256, 8
_GROWTH = 8


@dataclass(frozen=True, slots=True)
class RankedMatch:
    """An identity, its score, and the vector that fits best.

    Attributes:
        identity: its id.
        score: cosine of the query and that vector.
        tracklet: id of the tracklet that the vector is of.
        sighting: id of the sighting, empty where the vector is of none.
    """

    identity: str
    score: float
    tracklet: str
    sighting: str


def visible_only(where: SearchFilter | None) -> SearchFilter:
    """The filter, of visible sightings: only they have identities.

    Raises:
        UsageError: it asks for infrared ones.
    """
    where = where or SearchFilter()
    if where.modality is Modality.INFRARED:
        raise UsageError("Identities are known by visible sightings, not by infrared ones.")
    return replace(where, modality=Modality.VISIBLE)


def ranked_identities(
    gallery: Gallery,
    query: Floats,
    space: str,
    count: int,
    where: SearchFilter,
    kind: VectorKind = VectorKind.CROP,
    *,
    without: Collection[str] = (),
) -> tuple[RankedMatch, ...]:
    """The best ``count`` identities by score, equal ones by the arrival of the vector that fits.

    Args:
        gallery: to search.
        query: ``(D,)`` float32, L2-normalised.
        space: of the query.
        count: how many, at least 1.
        where: which vectors to look at.
        kind: of the vectors to look at.
        without: tracklets that are not looked at.

    Raises:
        UsageError: the query does not fit.
        ModelMismatchError: the gallery is of another space.
    """
    with gallery.reading(space, kind) as (session, store):
        return ranked_in(session, store, query, count, where, without=without)


def ranked_in(
    session: Session,
    store: VectorStore,
    query: Floats,
    count: int,
    where: SearchFilter,
    *,
    with_ties: bool = False,
    slack: float = 0.0,
    without: Collection[str] = (),
    among: Collection[str] | None = None,
) -> tuple[RankedMatch, ...]:
    """As `ranked_identities`, of vectors that are in step with a transaction.

    Args:
        session: of the transaction.
        store: of the vectors.
        query: ``(D,)`` float32, L2-normalised.
        count: how many, at least 1.
        where: which vectors to look at.
        with_ties: also those that score as the last one does.
        slack: by which such a score may be lower.
        without: tracklets that are not looked at.
        among: identities that are looked at; all by default.

    Raises:
        UsageError: the query does not fit.
    """
    fetch = max(_WITH_TIES, count * _A_PERSON) if with_ties else max(_FIRST_FETCH, count)
    while True:
        hits = store.search(session, query[None], fetch, where)
        [identities] = store.whose(session, hits)
        found = _by_identity(hits, identities, without, among)
        exhausted = hits.scores.shape[1] < fetch or (among is not None and len(found) == len(among))
        if exhausted or len(found) >= count:
            # The best vectors come first, so further ones can only be of further identities.
            last = found[count - 1].score - slack if len(found) >= count else -np.inf
            if not with_ties:
                return tuple(found[:count])
            if exhausted or hits.scores[0, -1] < last:
                return tuple(one for place, one in enumerate(found) if place < count or one.score >= last)
        fetch *= _GROWTH


def _by_identity(
    hits: Hits,
    identities: Sequence[str | None],
    without: Collection[str],
    among: Collection[str] | None,
) -> list[RankedMatch]:
    best: dict[str, RankedMatch] = {}
    found = hits.scores[0].tolist(), hits.tracklets[0].tolist(), hits.sightings[0].tolist()
    for identity, score, tracklet, sighting in zip(identities, *found, strict=True):
        if identity is None or (among is not None and identity not in among):
            continue
        if identity not in best and tracklet not in without:
            best[identity] = RankedMatch(identity, score, tracklet, sighting)
    return list(best.values())

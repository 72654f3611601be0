"""The local-global joint measure over a gallery: the best identities, looked at once more by their parts."""

import numpy as np

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import SightingRecord
from reid_core.gallery.store import Gallery
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.ranking import RankedMatch, ranked_identities, visible_only
from reid_core.ranking import LocalGlobalJoint, local_global_joint
from reid_core.types import Floats, Modality

SHORTLIST = 100


def joint_identities(
    gallery: Gallery,
    parts: LocalVectors,
    vector: Floats,
    local: Floats,
    space: str,
    count: int,
    where: SearchFilter | None = None,
    method: LocalGlobalJoint | None = None,
    shortlist: int = SHORTLIST,
) -> tuple[RankedMatch, ...]:
    """The best ``count`` identities, in order of the joint distance of the sighting that fits each best.

    Source: STAR-ReID (Qiu et al., TIFS 2025), eqs. 15 and 16; see `reid_core.ranking.local_global_joint`.
    The query and the shortlist are the set within which neighbours are found, so a place in the order
    depends on who else is on the list.

    Args:
        gallery: to search.
        parts: its local vectors, of the same model.
        vector: ``(D,)`` float32, L2-normalised, of the query.
        local: ``(L,)`` likewise, of its parts.
        space: of both.
        count: how many, at least 1.
        where: which visible sightings to look at.
        method: K, beta and the share of the Jaccard distance; the published ones by default.
        shortlist: how many identities by the vector alone are looked at again, ``count`` at least.

    Returns:
        Matches whose ``score`` is still the cosine.

    Raises:
        UsageError: the query does not fit, the filter asks for infrared sightings, or a sighting of the
            shortlist has no crop.
        ModelMismatchError: the gallery is of another space.
    """
    method = method or LocalGlobalJoint()
    found = ranked_identities(gallery, vector, space, max(count, shortlist), visible_only(where))
    if not found:
        return ()
    sightings, vectors = zip(*(_of(gallery, one, space) for one in found), strict=True)
    distances = local_global_joint(
        vector[None],
        np.stack(vectors),
        local[None],
        parts.of(sightings, Modality.VISIBLE),
        method.k,
        method.weight,
        method.jaccard,
    )[0]
    return tuple(found[place] for place in np.argsort(distances, kind="stable")[:count].tolist())


def _of(gallery: Gallery, match: RankedMatch, space: str) -> tuple[SightingRecord, Floats]:
    """The sighting of a match, and its vector."""
    stored = gallery.vectors(match.tracklet, space)
    sighting = next(one for one in gallery.sightings(match.tracklet) if one.id == match.sighting)
    return sighting, stored.vectors[stored.sightings.index(match.sighting)]

"""The local-global joint measure over a gallery: the best identities, looked at once more by their parts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reid_core.errors import UsageError
from reid_core.gallery.records import SightingRecord
from reid_core.gallery.store import Gallery
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.ranking import RankedMatch
from reid_core.querying.together import Standing
from reid_core.ranking import LocalGlobalJoint, local_global_joint, parse_reranking
from reid_core.types import Floats, Modality

SHORTLIST = 100
"""So many of the best identities by the vector alone are looked at once more, on every page."""


def parse_joint(text: str) -> LocalGlobalJoint:
    """The measure that ``ljm``, with the published numbers, or ``ljm(K,WEIGHT,JACCARD)`` names.

    Raises:
        UsageError: it is none, or a method that queries are not re-ranked by.
    """
    if text == "ljm":
        return LocalGlobalJoint()
    method = parse_reranking(text)
    if not isinstance(method, LocalGlobalJoint):
        raise UsageError(
            f"A query is not re-ranked by {method.id}.", f"Write ljm, which is {LocalGlobalJoint().id}."
        )
    return method


def by_parts(
    gallery: Gallery,
    parts: LocalVectors,
    query: tuple[Floats, Floats],
    space: str,
    found: Sequence[Standing],
    method: LocalGlobalJoint,
) -> list[Standing]:
    """A ranking of pictures with its first `SHORTLIST` in the order of their joint distances.

    Each is compared by the sighting that fits best. The others follow as they were.
    Source: STAR-ReID (Qiu et al., TIFS 2025), eqs. 15 and 16; see `reid_core.ranking.local_global_joint`.
    The query and the shortlist are the set within which neighbours are found, so a place in the order
    depends on who else is on the list.

    Args:
        gallery: that they are of.
        parts: its local vectors, of the same model.
        query: ``(D,)`` and, of its parts, ``(L,)`` float32, L2-normalised.
        space: in which the gallery compares.
        found: best first.
        method: K, beta and the share of the Jaccard distance.

    Returns:
        The same with other weights; scores are still cosines.

    Raises:
        UsageError: the query does not fit, or a sighting of the shortlist has no crop.
    """
    short, others = found[:SHORTLIST], found[SHORTLIST:]
    if not short:
        return []
    sightings, vectors = zip(*(_of(gallery, one.match, space) for one in short), strict=True)
    distances = local_global_joint(
        query[0][None],
        np.stack(vectors),
        query[1][None],
        parts.of(sightings, Modality.VISIBLE),
        method.k,
        method.weight,
        method.jaccard,
    )[0].tolist()
    nearest = [replace(one, weight=-each) for one, each in zip(short, distances, strict=True)]
    # A cosine is 1 at most: these weigh less than whoever is farthest.
    behind = [replace(one, weight=one.weight - 2 - max(distances)) for one in others]
    return [*sorted(nearest, key=lambda one: one.order), *behind]


def _of(gallery: Gallery, match: RankedMatch, space: str) -> tuple[SightingRecord, Floats]:
    """The sighting of a match, and its vector."""
    stored = gallery.vectors(match.tracklet, space)
    sighting = next(one for one in gallery.sightings(match.tracklet) if one.id == match.sighting)
    return sighting, stored.vectors[stored.sightings.index(match.sighting)]

"""Who may be one person over cameras: tracklets grouped by their vectors, without labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid_core.gallery.whereabouts import Stay, excludes
from reid_core.ranking.encoding import Encoding, encode
from reid_core.types import Ints

Doubles = NDArray[np.float64]

# Of a Jaccard distance, 0..1: never one group.
_FORBIDDEN = 10.0


def means_of(vectors: Doubles, rows: Ints) -> Doubles:
    """``(T, D)`` of length one: the mean of each tracklet's vectors.

    Args:
        vectors: ``(N, D)``.
        rows: ``(N,)`` ascending place of each one's tracklet, 0 to ``T - 1``.
    """
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    sums: Doubles = np.add.reduceat(vectors, starts, axis=0)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return sums


def grouped(
    means: Doubles,
    stays: Sequence[Stay],
    same: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]],
    far: float,
    nearest: int,
) -> Ints:
    """Groups of tracklets that show one person in more than one camera.

    Tracklets are joined while the mean k-reciprocal Jaccard distance of two groups (Zhong et al., CVPR 2017)
    is small. DBSCAN on the same distances chains strangers together wherever somebody looks like both.

    Args:
        means: ``(T, D)`` of length one.
        stays: of each tracklet.
        same: pairs that people said are one person.
        apart: pairs that they said are two.
        far: mean distance beyond which groups stay apart, 0..1.
        nearest: others that reciprocal neighbours are looked for among.

    Returns:
        ``(T,)`` number of each one's group, -1 where it is in none.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    count = len(means)
    if count < 2:
        return np.full(count, -1, np.int64)
    encoding = encode(means, count, min(nearest, count - 1), min(6, count))
    both = Encoding(encoding.queries, encoding.queries.tocsc(), encoding.farthest)
    distances = both.jaccard(slice(0, count))
    distances = np.minimum(distances, distances.T)
    for one, other in [*apart, *seen_at_once(stays)]:
        distances[one, other] = distances[other, one] = _FORBIDDEN
    for one, other in same:
        distances[one, other] = distances[other, one] = 0.0
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "average")
    labels = fcluster(tree, far, "distance")
    found = np.full(count, -1, np.int64)
    number = 0
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len({stays[place].camera for place in members.tolist()}) > 1:
            found[members] = number
            number += 1
    return found


def seen_at_once(stays: Sequence[Stay]) -> list[tuple[int, int]]:
    """Pairs of tracklets that overlap in one camera: two people."""
    of: dict[str, list[int]] = {}
    for place, stay in enumerate(stays):
        of.setdefault(stay.camera, []).append(place)
    pairs = []
    for places in of.values():
        places.sort(key=lambda place: stays[place].start_ns)
        for number, one in enumerate(places):
            for other in places[number + 1 :]:
                if stays[other].start_ns > stays[one].end_ns:
                    break
                if excludes(None, stays[one], stays[other]):
                    pairs.append((min(one, other), max(one, other)))
    return sorted(pairs)

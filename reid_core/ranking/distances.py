"""The re-ranked distances themselves, a block of queries at a time or whole."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.ranking.encoding import Doubles, blocks, encode, squared_distances
from reid_core.ranking.methods import KReciprocal, LocalGlobalJoint, Reranking
from reid_core.types import Floats

Vectors: TypeAlias = NDArray[np.floating[Any]]
Blocks: TypeAlias = Iterator[tuple[slice, Floats]]

# Half-precision vectors keep their length this well.
_LENGTH_TOLERANCE = 1e-3

_JOINT_K2 = 3


def k_reciprocal(query: Vectors, gallery: Vectors, k1: int = 20, k2: int = 6, weight: float = 0.3) -> Floats:
    """Distances by k-reciprocal encoding (Zhong, Zheng, Cao, Li, CVPR 2017), as its released code has them.

    All N = Q + G images are one set. With d(p, x) = 2 - 2 cos divided by the largest distance from p:

    * N(p, k): p itself and the k nearest others, equally far ones by index. R(p, k): those q of N(p, k) in
      whose N(q, k) p is.
    * R*(p): R(p, k1), with R(q, k1/2) for each q in it that shares more than 2/3 of R(q, k1/2) with R(p, k1).
      The half is rounded, to the even number where it ends in .5.
    * V(p, x) = exp(-d(p, x)) for x in R*(p), else 0, divided by the row's sum; then the mean of V over the k2
      nearest of p, itself included.
    * Jaccard(q, g) = 1 - sum_x min(V(q, x), V(g, x)) / sum_x max(V(q, x), V(g, x)).
    * the result: (1 - weight) Jaccard(q, g) + weight d(q, g).

    The paper also takes in a set that shares exactly 2/3, and weighs by distances that are not divided; the
    released codes (MATLAB and Python), by which published figures were made, do as stated here. Where they
    differ from each other, in the half of some odd ``k1``, this follows the Python one. Lists end at N: a
    ``k1`` of N - 1 or more takes in everybody. A result depends on all queries, not only on its own.

    Memory: float64 copies of the vectors, the sparse V and a block; with `k_reciprocal_blocks` no more.

    Args:
        query: ``(Q, D)``, L2-normalised.
        gallery: ``(G, D)``, L2-normalised.
        k1: at least 1.
        k2: at least 1, which averages nothing.
        weight: of the original distance (the paper's lambda), 0..1.

    Returns:
        ``(Q, G)`` 0..1, less is more alike.

    Raises:
        UsageError: a side is empty, dimensions disagree, a number is not finite, a vector is not of length
            one, or a parameter is out of its range.
    """
    return _whole(k_reciprocal_blocks(query, gallery, k1, k2, weight), len(query), len(gallery))


def k_reciprocal_blocks(
    query: Vectors, gallery: Vectors, k1: int = 20, k2: int = 6, weight: float = 0.3
) -> Blocks:
    """`k_reciprocal`, yielding rows of queries and their ``(B, G)`` distances, in order.

    Raises:
        UsageError: as there, at the call.
    """
    method = KReciprocal(k1, k2, weight)
    ask, known = _sides(query, gallery, "")
    return _k_reciprocal(ask, known, method)


def local_global_joint(
    query: Vectors,
    gallery: Vectors,
    query_local: Vectors,
    gallery_local: Vectors,
    k: int = 10,
    weight: float = 0.2,
    jaccard: float = 0.3,
) -> Floats:
    """Distances by STAR-ReID's local-global joint measure, LJM (its eqs 15 and 16).

    D(q, g) + weight (jaccard Jaccard(q_l, g_l, k) + (1 - jaccard) D(q_l, g_l)), D being the cosine distance
    1 - cos and q_l, g_l the local vectors: the mean of an image's patch features, L2-normalised.

    Readings, where the paper is silent. The global distance is the cosine distance too (eq. 16 says so of the
    local one), not 2 - 2 cos, on which the weight would count half. "The k-reciprocal method" is the encoded
    Jaccard distance of `k_reciprocal` over the local vectors of queries and gallery together, with k1 = k and
    k2 = 3, and with none of the original distance mixed in: eq. 16 adds that itself.

    Args:
        query: ``(Q, D)`` global vectors, L2-normalised.
        gallery: ``(G, D)``, L2-normalised.
        query_local: ``(Q, L)`` local vectors, L2-normalised.
        gallery_local: ``(G, L)``, L2-normalised.
        k: at least 1; N - 1 or more takes in everybody.
        weight: of the local part (the paper's beta), 0..1.
        jaccard: share of the Jaccard distance in the local part, 0..1.

    Returns:
        ``(Q, G)``, less is more alike.

    Raises:
        UsageError: a side is empty, dimensions or numbers of images disagree, a number is not finite, a
            vector is not of length one, or a parameter is out of its range.
    """
    found = local_global_joint_blocks(query, gallery, query_local, gallery_local, k, weight, jaccard)
    return _whole(found, len(query), len(gallery))


def local_global_joint_blocks(
    query: Vectors,
    gallery: Vectors,
    query_local: Vectors,
    gallery_local: Vectors,
    k: int = 10,
    weight: float = 0.2,
    jaccard: float = 0.3,
) -> Blocks:
    """`local_global_joint`, yielding rows of queries and their ``(B, G)`` distances, in order.

    Raises:
        UsageError: as there, at the call.
    """
    method = LocalGlobalJoint(k, weight, jaccard)
    wide, narrow = _sides(query, gallery, "global "), _sides(query_local, gallery_local, "local ")
    for what, one, other in zip(("query", "gallery"), wide, narrow, strict=True):
        if len(one) != len(other):
            raise UsageError(f"The {what} has {len(one)} global vectors and {len(other)} local ones.")
    return _local_global_joint(wide, narrow, method)


def reranked(query: Vectors, gallery: Vectors, method: Reranking) -> Floats:
    """Similarities by a method that `parse_reranking` gave.

    Args:
        query: ``(Q, D)``, L2-normalised.
        gallery: ``(G, D)``, L2-normalised.
        method: with its parameters.

    Returns:
        ``(Q, G)``, more is more alike: minus the distances of the method, or dot products where it is none.

    Raises:
        UsageError: as `k_reciprocal`, or the method needs local vectors besides.
    """
    if isinstance(method, LocalGlobalJoint):
        raise UsageError(
            f"Re-ranking by {method.id} needs local vectors besides the global ones.",
            "Only a model with local features has them.",
        )
    if isinstance(method, KReciprocal):
        return -k_reciprocal(query, gallery, method.k1, method.k2, method.weight)
    ask, known = _sides(query, gallery, "")
    return (ask @ known.T).astype(np.float32)


def _k_reciprocal(query: Doubles, gallery: Doubles, method: KReciprocal) -> Blocks:
    encoding = encode(np.concatenate([query, gallery]), len(query), method.k1, method.k2)

    def distances(some: slice) -> Floats:
        # First what takes the most memory to make.
        jaccard = encoding.jaccard(some)
        original = squared_distances(query[some], gallery)
        original /= encoding.farthest[some, None]
        return _mixed(jaccard, original, method.weight).astype(np.float32)

    for some in blocks(len(query), len(gallery)):
        yield some, distances(some)


def _local_global_joint(
    wide: tuple[Doubles, Doubles], narrow: tuple[Doubles, Doubles], method: LocalGlobalJoint
) -> Blocks:
    encoding = encode(np.concatenate(narrow), len(narrow[0]), method.k, _JOINT_K2)

    def distances(some: slice) -> Floats:
        local = _mixed(encoding.jaccard(some), _cosine_distances(narrow, some), 1 - method.jaccard)
        local *= method.weight
        local += _cosine_distances(wide, some)
        return local.astype(np.float32)

    for some in blocks(len(wide[0]), len(wide[1])):
        yield some, distances(some)


def _cosine_distances(sides: tuple[Doubles, Doubles], some: slice) -> Doubles:
    distances = squared_distances(sides[0][some], sides[1])
    distances /= 2
    return distances


def _mixed(one: Doubles, other: Doubles, weight: float) -> Doubles:
    """(1 - weight) one + weight other, spoiling both: each is a block's worth of memory."""
    one *= 1 - weight
    other *= weight
    one += other
    return one


def _whole(found: Blocks, queries: int, images: int) -> Floats:
    distances = np.empty((queries, images), np.float32)
    for some, block in found:
        distances[some] = block
    return distances


def _sides(query: Vectors, gallery: Vectors, kind: str) -> tuple[Doubles, Doubles]:
    ask, known = _checked(query, f"{kind}query"), _checked(gallery, f"{kind}gallery")
    if ask.shape[1] != known.shape[1]:
        raise UsageError(
            f"The {kind}query vectors have {ask.shape[1]} numbers and the {kind}gallery vectors "
            f"{known.shape[1]}: they are of different models."
        )
    return ask, known


def _checked(vectors: Vectors, name: str) -> Doubles:
    """In float64, of length one to its last digit."""
    array = np.asarray(vectors, np.float64)
    if array.ndim != 2 or not len(array):
        raise UsageError(f"The {name} vectors have shape {array.shape}: re-ranking needs one row an image.")
    if not np.isfinite(array).all():
        raise UsageError(f"A {name} vector holds NaN or infinity.")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    wrong = np.flatnonzero(np.abs(lengths - 1) > _LENGTH_TOLERANCE)
    if len(wrong):
        raise UsageError(
            f"The {name} vector {wrong[0]} has length {lengths[wrong[0], 0]:.3g}, not 1.",
            "Normalise vectors before they are re-ranked.",
        )
    return np.asarray(array / lengths)

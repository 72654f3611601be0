"""Scores of many tracklets with many identities at once, as the matcher and the gallery make them singly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid_core.models.manifest import PairKind
from reid_core.types import Floats


def scores_of(probes: Sequence[Floats], known: Sequence[Floats], kind: PairKind) -> NDArray[np.float64]:
    """``(P, N)`` scores of tracklets with identities.

    Args:
        probes: of each of ``P`` tracklets its ``(S, D)`` vectors, float32, L2-normalised; ``S`` at least 1.
        known: likewise of each of ``N`` identities.
        kind: a link's score is the cosine of the probe's mean vector and the identity's best one, which takes
            all crops as equally good; that of a visible tracklet the mean of its vectors' best cosines.
    """
    gallery = np.concatenate(known)
    starts = np.cumsum([0, *(len(one) for one in known[:-1])])
    if kind == "infrared-visible":
        means = np.stack([one.astype(np.float64).mean(axis=0) for one in probes])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        best: NDArray[np.float64] = np.maximum.reduceat(means @ gallery.T.astype(np.float64), starts, axis=1)
        return best
    views = np.maximum.reduceat(np.concatenate(probes) @ gallery.T, starts, axis=1).astype(np.float64)
    firsts = np.cumsum([0, *(len(one) for one in probes[:-1])])
    lengths = np.array([len(one) for one in probes])
    sums: NDArray[np.float64] = np.add.reduceat(views, firsts, axis=0) / lengths[:, None]
    return sums

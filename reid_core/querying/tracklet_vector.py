"""One vector for a tracklet that asks: what links and queries by tracklets are made of."""

import numpy as np

from reid_core.gallery.records import TrackletVectors
from reid_core.types import Floats


def query_vector(stored: TrackletVectors) -> Floats:
    """One vector for a tracklet: the mean of its sightings' weighted by their quality, of length 1.

    The mean takes out what a single crop has by chance (a step, a lamp, noise) and quality keeps a poor
    crop from spoiling good ones. Where all qualities are 0, all sightings weigh the same.

    Returns:
        ``(D,)`` float32; the best sighting's vector where the mean has no direction.
    """
    weights = np.maximum(stored.qualities.astype(np.float64), 0)
    if not weights.sum():
        weights = np.ones(len(weights))
    mean = weights @ stored.vectors.astype(np.float64)
    length = float(np.linalg.norm(mean))
    query: Floats = stored.vectors[0]
    if length > 1e-6 * weights.sum():
        query = np.asarray(mean / length, np.float32)
    return query

"""Infrared tracklets to gallery identities."""

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import TrackletVectors
from reid_core.gallery.store import Gallery
from reid_core.querying.ranking import ranked_identities, visible_only
from reid_core.types import Candidate, Decision, Floats, Link


class Matcher:
    """Ranks the gallery's identities for an infrared tracklet and says whether the best is the same person.

    It ranks as queries are (`querying.ranking`): an identity's score is the cosine of the query and the
    identity's best sighting.

    Args:
        gallery: whose visible sightings are searched.
        model: id of the model of the vectors, which is that of their space.
        calibration: of infrared-visible pairs, or ``None`` where the model has none.
        top: how many identities to rank.
        min_probability: the least probability to link at; the calibration's own threshold by default.

    Raises:
        UsageError: ``top`` is below 1, or a probability is asked for without a calibration.
    """

    def __init__(
        self,
        gallery: Gallery,
        model: str,
        calibration: Calibration | None = None,
        *,
        top: int = 5,
        min_probability: float | None = None,
    ) -> None:
        if top < 1:
            raise UsageError(f"The number of identities to rank must be at least 1, not {top}.")
        if min_probability is not None and calibration is None:
            raise UsageError("A least probability needs a model with a calibration.")
        self._gallery = gallery
        self._model = model
        self._calibration = calibration
        self._top = top
        self._min_probability = min_probability

    def match(self, tracklet: str, where: SearchFilter | None = None) -> Link:
        """Who of the gallery a stored infrared tracklet is.

        Args:
            tracklet: its id.
            where: which visible sightings to look at; all by default.

        Raises:
            UsageError: there is no such tracklet, or the filter asks for infrared sightings.
            ModelMismatchError: the gallery is of another space.
        """
        self._gallery.check_space(self._model)
        stored = self._gallery.vectors(tracklet, self._model)
        if not len(stored.vectors):
            if self._gallery.tracklet(tracklet) is None:
                raise UsageError(f"The gallery has no tracklet {tracklet!r}.")
            # Nothing of it was good enough to recognise anybody by.
            return Link(tracklet, self._model, Decision.UNKNOWN)
        return self.match_vector(tracklet, query_vector(stored), where)

    def match_vector(self, tracklet: str, query: Floats, where: SearchFilter | None = None) -> Link:
        """Who of the gallery a query is.

        Args:
            tracklet: the id that the link is to carry.
            query: ``(D,)`` float32, L2-normalised.
            where: which visible sightings to look at; all by default.

        Raises:
            UsageError: the query does not fit, or the filter asks for infrared sightings.
            ModelMismatchError: the gallery is of another space.
        """
        found = ranked_identities(self._gallery, query, self._model, self._top, visible_only(where))
        candidates = tuple(
            Candidate(
                rank=rank,
                identity=one.identity,
                score=one.score,
                probability=self._probability(one.score),
                tracklet=one.tracklet,
                sighting=one.sighting,
            )
            for rank, one in enumerate(found, start=1)
        )
        return Link(tracklet, self._model, self._decision(candidates), candidates)

    def _decision(self, candidates: tuple[Candidate, ...]) -> Decision:
        if not candidates:
            return Decision.UNKNOWN
        best = candidates[0]
        if self._calibration is None or best.probability is None:
            return Decision.NOT_CALIBRATED
        if self._min_probability is not None:
            same = best.probability >= self._min_probability
        else:
            same = best.score >= self._calibration.threshold
        return Decision.LINKED if same else Decision.UNKNOWN

    def _probability(self, score: float) -> float | None:
        return float(self._calibration.probability(score)) if self._calibration is not None else None


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

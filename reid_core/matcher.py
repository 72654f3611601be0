"""Infrared tracklets to gallery identities."""

from collections.abc import Sequence

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery.calibrations import camera_ids, count_everybody
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.store import Gallery
from reid_core.querying.ranking import ranked_identities, visible_only
from reid_core.querying.tracklet_vector import query_vector
from reid_core.size_law import COMPARED
from reid_core.types import Candidate, Decision, Floats, Link

__all__ = ["Matcher", "query_vector"]


class Matcher:
    """Ranks the gallery's identities for an infrared tracklet and says whether the best is the same person.

    It ranks as queries are (`querying.ranking`): an identity's score is the cosine of the query and the
    identity's best sighting.

    Args:
        gallery: whose visible sightings are searched.
        model: id of the model of the vectors, which is that of their space.
        calibration: of infrared-visible pairs, or ``None`` where the model has none.
        top: how many identities to rank.
        min_probability: the least probability to link at; by default a false positive rate decides.
        false_positive_rate: how often the best wrong identity may be linked to, at the number of identities
            that are searched; by default what the calibration was made for.
        cameras: those that the calibration was fitted on, where it is the gallery's own.

    Raises:
        UsageError: ``top`` is below 1, or a probability or a rate is asked for that no calibration tells.
    """

    def __init__(
        self,
        gallery: Gallery,
        model: str,
        calibration: Calibration | None = None,
        *,
        top: int = 5,
        min_probability: float | None = None,
        false_positive_rate: float | None = None,
        cameras: frozenset[str] | None = None,
    ) -> None:
        if top < 1:
            raise UsageError(f"The number of identities to rank must be at least 1, not {top}.")
        if min_probability is not None and calibration is None:
            raise UsageError("A least probability needs a model with a calibration.")
        if false_positive_rate is not None and calibration is not None:
            calibration.threshold_for(1, false_positive_rate)
        self._gallery = gallery
        self._model = model
        self._calibration = calibration
        self._top = top
        self._min_probability = min_probability
        self._false_positive_rate = false_positive_rate
        self._cameras = cameras

    @property
    def calibrated(self) -> bool:
        """Whether scores can be read as probabilities."""
        return self._calibration is not None

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
        searched = self._searched(where)
        # Probabilities are made of more candidates than may be asked for.
        count = self._top if searched is None else max(self._top, COMPARED)
        found = ranked_identities(self._gallery, query, self._model, count, visible_only(where))
        chances: Sequence[float | None] = [None] * len(found)
        if self._calibration is not None and found:
            scores = [one.score for one in found]
            chances = self._calibration.ranked_probabilities(scores, searched or len(found)).tolist()
        candidates = tuple(
            Candidate(
                rank=rank,
                identity=one.identity,
                score=one.score,
                probability=chance,
                tracklet=one.tracklet,
                sighting=one.sighting,
            )
            for rank, (one, chance) in enumerate(zip(found, chances, strict=True), start=1)
        )[: self._top]
        decision = self._decision(candidates, searched or 0)
        own_cameras = self._on_own_cameras() if candidates else None
        return Link(tracklet, self._model, decision, candidates, searched, own_cameras)

    def _searched(self, where: SearchFilter | None) -> int | None:
        """How many identities there are to compare with, where that counts."""
        if self._calibration is None or self._calibration.sizes is None:
            return None
        if where is not None and where != SearchFilter():
            return self._gallery.count_identities(self._model, visible_only(where))
        with self._gallery.database.read() as session:
            return count_everybody(session)

    def _on_own_cameras(self) -> bool | None:
        if self._calibration is None:
            return None
        if self._cameras is None:
            return False
        with self._gallery.database.read() as session:
            return camera_ids(session) <= self._cameras

    def _decision(self, candidates: tuple[Candidate, ...], searched: int) -> Decision:
        if not candidates:
            return Decision.UNKNOWN
        best = candidates[0]
        if self._calibration is None or best.probability is None:
            return Decision.NOT_CALIBRATED
        if self._min_probability is not None:
            same = best.probability >= self._min_probability
        else:
            same = best.score >= self._calibration.threshold_for(searched, self._false_positive_rate)
        return Decision.LINKED if same else Decision.UNKNOWN

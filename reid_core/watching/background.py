"""How those scored who came by before: what a calibration does not know of the cameras at hand.

A calibration says how strangers score on the cameras that it was fitted on. On others they may all look more
alike, and a rate of false alarms that follows from it is not kept. So a score is seen against those of the
tracklets that came in before with the same query: all but a few of them are of somebody else. Median and
quartiles of these scores, which the few do not move far, are laid over those that the calibration expects of
a pair of strangers. While few have been seen, the calibration counts as `PRIOR` more.

That makes watches only stricter: where strangers look less alike than expected, the calibration stands.

Those who came in before are so by their place in the order of arrival, which never changes. So it does not
matter who judges a tracklet, when, and together with which others.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from reid_core.calibration import Calibration
from reid_core.gallery.records import TrackletVectors
from reid_core.matcher import query_vector
from reid_core.types import Floats, Modality
from reid_core.watching.looking import Seen, before, people_of_a_night, vectors_of
from reid_core.watching.watch import Watch

MEMORY = 200
"""So many tracklets are remembered, the latest."""

PRIOR = 20
"""As so many tracklets counts what the calibration expects."""

Doubles = NDArray[np.float64]


class Before:
    """Who came by before a tracklet; nothing is read before it is asked for.

    Args:
        session: of the gallery.
        who: the tracklet.
        space: of the vectors.
        matrix: ``(W, D)`` of the watches that look for a vector.
        vectors: of the candidates' tracklets.
    """

    def __init__(
        self,
        session: Session,
        who: Seen,
        space: str,
        matrix: Floats,
        vectors: Mapping[str, TrackletVectors],
    ) -> None:
        self._session = session
        self._who = who
        self._space = space
        self._matrix = matrix
        self._vectors = vectors
        self._people: dict[tuple[frozenset[str], Modality | None], int] = {}
        self._past: dict[Modality, tuple[Floats, ...]] = {}

    def people(self, watch: Watch) -> int:
        """How many came by where a watch looks, in the 24 hours up to the tracklet's end."""
        where = watch.cameras, watch.looks_at
        if where not in self._people:
            self._people[where] = people_of_a_night(self._session, self._who.end_ns, *where)
        return self._people[where]

    def scores(self, whom: int | str, modality: Modality) -> Doubles:
        """Cosines with the tracklets of a modality that came in before.

        Args:
            whom: place of a watch's vector, or the tracklet of a candidate, whose best crop counts.
            modality: infrared tracklets are compared by their mean vector, visible ones by their best crop.

        Returns:
            ``(M,)``, `MEMORY` at most.
        """
        if modality not in self._past:
            names = before(self._session, self._who, modality, MEMORY)
            found = vectors_of(self._session, names, self._space)
            self._past[modality] = tuple(
                query_vector(one)[None] if modality is Modality.INFRARED else one.vectors
                for one in found.values()
            )
        asked = self._vectors[whom].vectors if isinstance(whom, str) else self._matrix[whom][None]
        return np.array([float((one @ asked.T).max()) for one in self._past[modality]], np.float64)


def as_calibrated(calibration: Calibration, score: float, past: Doubles) -> float:
    """The score that is as rare among strangers as the calibration has it; never more than the score.

    Args:
        calibration: of such scores; without a law of size it does not say how strangers score, and the
            score stands.
        score: of a tracklet.
        past: ``(M,)`` scores of those who came before.
    """
    law = calibration.sizes
    if law is None or not len(past):
        return score
    low, middle, high = (law.threshold(1, rate) for rate in (0.75, 0.5, 0.25))
    seen_low, seen_middle, seen_high = (float(one) for one in np.quantile(past, (0.25, 0.5, 0.75)))
    share = len(past) / (len(past) + PRIOR)
    centre = share * seen_middle + (1 - share) * middle
    spread = share * (seen_high - seen_low) + (1 - share) * (high - low)
    return min(score, middle + (score - centre) / spread * (high - low))

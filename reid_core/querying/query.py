"""What is asked and what is answered, as plain data."""

from dataclasses import dataclass

from reid_core.calibration import Calibration
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.types import Floats


@dataclass(frozen=True, eq=False)
class Query:
    """Whom to look for: like a vector, like a text, or like both.

    Attributes:
        vector: ``(D,)`` float32, L2-normalised, of the service's space.
        text: a description.
        where: which visible sightings to look at; all by default.
        kind: of the vectors that are compared with.
        calibration: of pairs of such a query and such vectors, if there is one.
    """

    vector: Floats | None = None
    text: str | None = None
    where: SearchFilter | None = None
    kind: VectorKind = VectorKind.CROP
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which vector of an identity fits best.

    Attributes:
        kind: of the vector.
        tracklet: that it is of.
        sighting: that it is of; ``None`` where it is of the whole tracklet.
    """

    kind: VectorKind
    tracklet: str
    sighting: str | None


@dataclass(frozen=True, slots=True)
class RankedIdentity:
    """One identity of an answer.

    Attributes:
        rank: from 1, over all pages.
        identity: its id.
        score: cosine of the query and the identity's best vector.
        probability: that it is who is looked for, 0..1; ``None`` where that is not calibrated.
        evidence: the vector that the score is of.
    """

    rank: int
    identity: str
    score: float
    probability: float | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of an answer.

    Attributes:
        identities: best first.
        searched: how many identities were compared with.
        cursor: what to ask for the next page with; ``None`` where this is the last.
    """

    identities: tuple[RankedIdentity, ...]
    searched: int
    cursor: str | None

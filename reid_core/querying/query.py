"""What is asked and what is answered, as plain data."""

from dataclasses import dataclass
from enum import StrEnum

from reid_core.calibration import Calibration
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.ranking import LocalGlobalJoint
from reid_core.ranking.mixing import MixRetrieve
from reid_core.types import Floats


class Form(StrEnum):
    """What is made of an image and a text that are asked for together."""

    FUSED = "fused"
    """One vector of both, as the text encoder fuses them."""
    ENSEMBLE = "ensemble"
    """Image, text and their fusion count alike: the sum of their cosines (TVI-LFM's modality ensemble)."""
    NARROWED = "narrowed"
    """The text keeps a share of the identities, and the image ranks those (STAR-ReID's mix-retrieve)."""
    TEXT = "text"
    """The text alone."""
    IMAGE = "image"
    """The image alone."""


@dataclass(frozen=True, eq=False)
class Query:
    """Whom to look for: like a vector, like a text, or like both.

    Attributes:
        vector: ``(D,)`` float32, L2-normalised, of the service's space.
        text: a description, in the words of captions (`reid_core.querying.description`).
        where: which visible sightings to look at; all by default.
        kind: of the vectors that are compared with; ``None`` for pictures and captions together, which only a
            text can be compared with.
        calibration: of pairs of such a query and such vectors, if there is one; of pictures where both kinds
            are compared.
        form: what is made of a vector and a text.
        raw: ``(D,)`` float32 of any length: the image's feature before the neck, for text encoders that fuse
            there.
        without: tracklets that are not looked at, such as the one that is asked for.
        views: ``(S, D)`` float32, L2-normalised, that ``vector`` is the mean of, where the calibration is of
            the mean of their best cosines with an identity, as that of merging is.
        mix: what share of the identities the text keeps, where it narrows them; half by default.
        joint: look at the best by the vector once more, by their parts too.
        local: ``(L,)`` float32, L2-normalised, of the image's parts; `reid_core.querying.local_vectors`.
    """

    vector: Floats | None = None
    text: str | None = None
    where: SearchFilter | None = None
    kind: VectorKind | None = VectorKind.CROP
    calibration: Calibration | None = None
    form: Form = Form.FUSED
    raw: Floats | None = None
    without: frozenset[str] = frozenset()
    views: Floats | None = None
    mix: MixRetrieve | None = None
    joint: LocalGlobalJoint | None = None
    local: Floats | None = None


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
class Share:
    """What one thing that a description says adds to an identity's score.

    Attributes:
        name: of the thing, for people.
        share: score of the whole query less that of the query without it.
    """

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of an answer.

    Attributes:
        identities: best first.
        searched: how many identities were compared with.
        cursor: what to ask for the next page with; ``None`` where this is the last.
        unknown: the probability that it is nobody of this page and those before; ``None`` where probabilities
            do not sum to one, because there are none or they are of single pairs.
        captioned: how many identities have captions that were compared with; ``None`` where one kind of
            vectors was asked for alone.
        kept: how many identities the text kept; ``None`` where it does not narrow them.
    """

    identities: tuple[RankedIdentity, ...]
    searched: int
    cursor: str | None
    unknown: float | None = None
    captioned: int | None = None
    kept: int | None = None

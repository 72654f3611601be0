"""What a run found, as plain data: the one source of the JSON, the MOT files and the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.infrared_filter import Switch
from reid_core.types import Decision, Floats, Ints, Modality, Spectrum
from reid_core.watching.alerts import Alert


@dataclass(frozen=True, slots=True)
class SightingResult:
    """One kept crop.

    Attributes:
        id: as in the database.
        frame: number of the frame in its recording, from 0.
        time_ns: capture time, UTC nanoseconds.
        box: ``xyxy`` pixels.
        confidence: of the detector, 0..1.
        quality: 0..1.
        jpeg: the crop, JPEG-encoded.
    """

    id: str
    frame: int
    time_ns: int
    box: tuple[float, float, float, float]
    confidence: float
    quality: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class TrackletResult:
    """One person in one camera, unbroken.

    Attributes:
        id: as in the database.
        label: short and readable, unique in the result (``lobby-3``).
        first_frame: number of the first frame with the person.
        last_frame: number of the last.
        first_ns: capture time of the first, UTC nanoseconds.
        last_ns: capture time of the last.
        close_reason: timeout, cut, limit, switch or end.
        identity: the gallery identity (visible tracklets), or ``None``.
        evidence: why it was given that identity, as kept in the database.
        frames: ``(N,)`` ascending frame numbers.
        boxes: ``(N, 4)`` ``xyxy`` pixels.
        confidences: ``(N,)``.
        sightings: best first.
        truth: the true person's id where truth was given.
        modality: how its crops are compared, where a camera of another modality had switched to it; else
            ``None``.
        captions: what captioners say of its crops, of the best first, none twice.
    """

    id: str
    label: str
    first_frame: int
    last_frame: int
    first_ns: int
    last_ns: int
    close_reason: str
    identity: str | None
    evidence: dict[str, object]
    frames: Ints
    boxes: Floats
    confidences: Floats
    sightings: tuple[SightingResult, ...]
    truth: str | None = None
    modality: Modality | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraResult:
    """One recording of one camera.

    Attributes:
        id: the camera's id.
        modality: how its crops are compared.
        spectrum: the light it records.
        source: what was read, credentials removed.
        fps: frames per second.
        width: of a frame, pixels.
        height: of a frame, pixels.
        frames: number of frames read.
        start_ns: capture time of frame 0, UTC nanoseconds.
        status: ``complete``, ``partial`` or ``failed``.
        message: one sentence where it is not complete.
        tracklets: in order of their first frame.
        switches: from one kind of light to another, in order.
        set_aside: how much was nobody, by reason: ``zone`` (detections) and ``motionless`` (tracklets).
    """

    id: str
    modality: Modality
    spectrum: Spectrum
    source: str
    fps: float
    width: int
    height: int
    frames: int
    start_ns: int
    status: str
    message: str | None
    tracklets: tuple[TrackletResult, ...]
    switches: tuple[Switch, ...] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)

    def of(self, modality: Modality) -> tuple[TrackletResult, ...]:
        """The tracklets that are compared as a modality."""
        return tuple(one for one in self.tracklets if (one.modality or self.modality) is modality)


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One ranked identity of a link; ``correct`` is ``None`` where truth is not known."""

    rank: int
    identity: str
    score: float
    probability: float | None
    tracklet: str
    sighting: str
    correct: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """An infrared tracklet and who of the gallery it is; ``searched`` to ``own_cameras`` as in `Link`."""

    tracklet: str
    decision: Decision
    identity: str | None
    score: float | None
    probability: float | None
    candidates: tuple[CandidateResult, ...]
    correct: bool | None = None
    searched: int | None = None
    unknown: float | None = None
    own_cameras: bool | None = None


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """One gallery identity and its visible tracklets."""

    id: str
    label: str
    tracklets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageTiming:
    """How long one stage was busy.

    Attributes:
        stage: decode, gate, detect, track, embed, write, link or caption.
        seconds: busy time; stages overlap, so the sum may exceed the run's.
        items: what it handled.
        unit: of the items (frames, crops, tracklets).
    """

    stage: str
    seconds: float
    items: int
    unit: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything one run found.

    Attributes:
        cameras: visible ones first.
        identities: in order of first appearance.
        links: one for each infrared tracklet, in order of time.
        timings: one for each stage, in order of flow.
        wall_s: seconds from start to end.
        detector: its name.
        embedder: its name.
        model: id of the embedding model.
        calibrated: whether scores can be read as probabilities.
        gallery_vectors: number of visible vectors searched.
        warnings: one sentence each.
        interrupted: whether it was stopped before the end.
        alerts: raised since it began, those that repeat another one left out; ``None`` without watches.
    """

    cameras: tuple[CameraResult, ...]
    identities: tuple[IdentityResult, ...]
    links: tuple[LinkResult, ...]
    timings: tuple[StageTiming, ...]
    wall_s: float
    detector: str
    embedder: str
    model: str
    calibrated: bool
    gallery_vectors: int
    warnings: tuple[str, ...] = field(default=())
    interrupted: bool = False
    alerts: tuple[Alert, ...] | None = None

    @property
    def of_other_cameras(self) -> bool:
        """Whether a probability was calibrated on other cameras than these."""
        return any(link.own_cameras is False and link.candidates for link in self.links)

"""The gallery's rows as plain, frozen data: what its readers get and its writers hand in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reid_core.types import CloseReason, Floats, Ints, Modality, Spectrum, Tracklet


class VectorKind(StrEnum):
    """What a vector was made from; vectors of different kinds are searched apart."""

    CROP = "crop"
    CAPTION = "caption"


class RecordingStatus(StrEnum):
    """How far a recording has come."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CameraRecord:
    """One camera; ``created_ns`` is the capture time of its first recording."""

    id: str
    modality: Modality
    spectrum: Spectrum
    created_ns: int


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """One recording of one camera.

    Attributes:
        id: digest of its content, camera and settings.
        camera: the camera's id.
        source: what was read, credentials removed.
        fps: frames per second.
        width: of a frame, pixels.
        height: of a frame, pixels.
        start_ns: capture time of frame 0, UTC nanoseconds.
        detector: name of the detector.
        model: id of the embedding model.
        frames_done: number of frames seen so far.
        checkpoint: the frame to resume at.
        state: what the run must know to resume there.
        status: running, complete, partial or failed.
        message: one sentence where it is neither running nor complete.
    """

    id: str
    camera: str
    source: str
    fps: float
    width: int
    height: int
    start_ns: int
    detector: str
    model: str
    frames_done: int = 0
    checkpoint: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    status: RecordingStatus = RecordingStatus.RUNNING
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a recording has come; fields as in `RecordingRecord`."""

    recording: str
    frames_done: int
    checkpoint: int
    state: Mapping[str, Any] = field(default_factory=dict)
    status: RecordingStatus = RecordingStatus.RUNNING
    message: str | None = None


@dataclass(frozen=True, slots=True)
class TrackletEntry:
    """A tracklet to write.

    Attributes:
        tracklet: with ``S`` sightings.
        vectors: ``(S, D)`` float32, L2-normalised, in the order of the sightings.
        crops: ``S`` JPEG files, in the order of the sightings; empty bytes where there is no image.
    """

    tracklet: Tracklet
    vectors: Floats
    crops: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SightingRecord:
    """One kept crop.

    Attributes:
        id: derived from the tracklet and the rank.
        tracklet: the tracklet's id.
        rank: from 1, best first.
        frame: number of the frame in its recording, from 0.
        time_ns: capture time, UTC nanoseconds.
        box: ``xyxy`` pixels in the frame.
        confidence: of the detector, 0..1.
        quality: 0..1.
        crop: JPEG file; empty where there is no image.
    """

    id: str
    tracklet: str
    rank: int
    frame: int
    time_ns: int
    box: tuple[float, float, float, float]
    confidence: float
    quality: float
    crop: bytes


@dataclass(frozen=True, slots=True)
class TrackletRecord:
    """One stored tracklet with its unpacked track.

    Attributes:
        id: the tracklet's id.
        position: its place in the order of arrival, from 1.
        recording: the recording's id.
        camera: the camera's id.
        modality: how its crops are compared.
        start_ns: capture time of its first frame, UTC nanoseconds.
        end_ns: capture time of its last.
        close_reason: why it ended.
        identity: the gallery identity of a visible tracklet, or ``None``.
        evidence: why it was given that identity.
        frames: ``(N,)`` int64, ascending.
        times_ns: ``(N,)`` int64.
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels.
        confidences: ``(N,)`` float32.
    """

    id: str
    position: int
    recording: str
    camera: str
    modality: Modality
    start_ns: int
    end_ns: int
    close_reason: CloseReason
    identity: str | None
    evidence: Mapping[str, Any]
    frames: Ints
    times_ns: Ints
    boxes: Floats
    confidences: Floats


@dataclass(frozen=True, slots=True)
class TrackletSummary:
    """One stored tracklet without its track; fields as in `TrackletRecord`.

    Attributes:
        first_frame: number of its first frame.
        last_frame: number of its last.
        length: how many frames it is seen in.
    """

    id: str
    position: int
    recording: str
    camera: str
    modality: Modality
    first_frame: int
    last_frame: int
    start_ns: int
    end_ns: int
    length: int
    close_reason: CloseReason
    identity: str | None


@dataclass(frozen=True, slots=True)
class TrackletVectors:
    """The vectors of one tracklet's crops in one space, best sighting first.

    Attributes:
        sightings: ``S`` ids.
        qualities: ``(S,)`` float32, 0..1.
        vectors: ``(S, D)`` float32, L2-normalised.
    """

    sightings: tuple[str, ...]
    qualities: Floats
    vectors: Floats


@dataclass(frozen=True, slots=True)
class CaptionVectors:
    """The vectors of one tracklet's captions in one space, as they came.

    Attributes:
        models: id of the text encoder of each of ``N``.
        vectors: ``(N, D)`` float32, L2-normalised.
    """

    models: tuple[str, ...]
    vectors: Floats


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One person of the gallery and its visible tracklets, both in order of arrival."""

    id: str
    created_ns: int
    position: int
    tracklets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentitySummary:
    """One person of the gallery; ``tracklets`` is how many visible ones it has."""

    id: str
    created_ns: int
    position: int
    tracklets: int


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model whose vectors of one kind the gallery holds.

    Attributes:
        id: the model's id.
        space: in which its vectors are compared.
        kind: of its vectors.
        dim: length of its vectors.
        vectors: how many it has made: of crops, how many of all sightings have one.
        visible: how many of them are of visible tracklets.
        active: whether its space is the one that is added to and searched.
    """

    id: str
    space: str
    kind: VectorKind
    dim: int
    vectors: int
    visible: int
    active: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that will never be a frame; fields as in `RefusedRow`, ``time_ns`` of the record.

    ``topic_id`` is that of the `Hold`.
    """

    topic: str
    number: int
    offset: int
    reason: str
    message: str
    attempts: int
    record: bytes
    time_ns: int
    topic_id: str = ""

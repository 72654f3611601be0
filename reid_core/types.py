"""The small types that flow through every room: frozen dataclasses over NumPy arrays.

Units, everywhere: boxes are ``xyxy`` float pixels in the frame's own size; times are UTC integer
nanoseconds since 1970; images are ``uint8`` ``H x W x 3`` RGB (an infrared image carries its one
channel three times); embeddings are ``float32``, L2-normalised, ``(N, D)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

EMBEDDING = "embedding"
"""Name of the feature that every model has: ``(N, D)`` of length one, compared by dot product."""


class Modality(StrEnum):
    """What a camera's images are compared as. There is no third spelling."""

    VISIBLE = "visible"
    INFRARED = "infrared"


class Spectrum(StrEnum):
    """The kind of light a camera records: a property of the camera, not of the modality."""

    VISIBLE = "visible"
    NEAR = "near"
    THERMAL = "thermal"

    @property
    def modality(self) -> Modality:
        """What its images are compared as."""
        return Modality.VISIBLE if self is Spectrum.VISIBLE else Modality.INFRARED


class Polarity(StrEnum):
    """Which end of a thermal image is warm: white-hot people are bright, black-hot people dark."""

    WHITE_HOT = "white-hot"
    BLACK_HOT = "black-hot"


class CloseReason(StrEnum):
    """Why a tracklet ended."""

    TIMEOUT = "timeout"
    CUT = "cut"
    LIMIT = "limit"
    END = "end"
    INTERRUPTED = "interrupted"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame of one camera.

    Attributes:
        camera: the camera's id.
        modality: how the image is compared.
        index: number of the frame in its recording, from 0.
        time_ns: capture time, UTC nanoseconds.
        image: ``uint8`` ``H x W x 3`` RGB.
    """

    camera: str
    modality: Modality
    index: int
    time_ns: int
    image: Image


@dataclass(frozen=True, slots=True)
class Detections:
    """The people found in one frame.

    Attributes:
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels in the frame's own size.
        confidences: ``(N,)`` float32 in 0..1.
    """

    boxes: Floats
    confidences: Floats

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def empty(cls) -> "Detections":
        """No people at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "Detections":
        """The detections picked by a mask or by indices, in that order."""
        return Detections(self.boxes[keep], self.confidences[keep])


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection kept: a crop that is good enough to recognise somebody by.

    Attributes:
        frame: number of the frame in its recording, from 0.
        time_ns: capture time, UTC nanoseconds.
        box: ``(4,)`` float32 ``xyxy`` pixels in the frame.
        confidence: of the detector, 0..1.
        quality: 0..1, from size, sharpness, confidence, truncation and overlap.
        crop: ``uint8`` ``h x w x 3`` RGB.
    """

    frame: int
    time_ns: int
    box: Floats
    confidence: float
    quality: float
    crop: Image


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One person in one camera, unbroken.

    Attributes:
        id: stable over repeated runs of the same recording with the same models.
        recording: id of the recording it was seen in.
        camera: the camera's id.
        modality: how its crops are compared.
        frames: ``(N,)`` int64, ascending frame numbers in which the person was found.
        times_ns: ``(N,)`` int64, capture time of each.
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels.
        confidences: ``(N,)`` float32.
        sightings: the few best crops, best first.
        close_reason: why it ended.
    """

    id: str
    recording: str
    camera: str
    modality: Modality
    frames: Ints
    times_ns: Ints
    boxes: Floats
    confidences: Floats
    sightings: tuple[Sighting, ...]
    close_reason: CloseReason

    def __len__(self) -> int:
        return len(self.frames)


class Decision(StrEnum):
    """What the matcher says of an infrared tracklet."""

    LINKED = "linked"
    UNKNOWN = "unknown"
    NOT_CALIBRATED = "not calibrated"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One gallery identity that an infrared tracklet may be.

    Attributes:
        rank: from 1, best first.
        identity: the gallery identity's id.
        score: cosine of the query and the identity's best sighting, -1..1.
        probability: that both are the same person; ``None`` where the model has no calibration.
        tracklet: the visible tracklet with the best sighting.
        sighting: id of that sighting.
    """

    rank: int
    identity: str
    score: float
    probability: float | None
    tracklet: str
    sighting: str


@dataclass(frozen=True, slots=True)
class Link:
    """An infrared tracklet and who of the gallery it is.

    Attributes:
        tracklet: the infrared tracklet's id.
        model: id of the model whose vectors were compared.
        decision: linked, unknown, or not calibrated (ranked, but nobody can say how sure).
        candidates: ranked, best first; empty when the gallery is.
        searched: how many identities it was compared with, where probabilities depend on that; else ``None``.
        own_cameras: whether probabilities were calibrated on the cameras of this gallery; ``None`` where
            there are none.
    """

    tracklet: str
    model: str
    decision: Decision
    candidates: tuple[Candidate, ...] = field(default=())
    searched: int | None = None
    own_cameras: bool | None = None

    @property
    def unknown(self) -> float | None:
        """The probability that it is nobody of the candidates; ``None`` where there is none."""
        return unknown_probability(self.searched, [one.probability for one in self.candidates])

    @property
    def identity(self) -> str | None:
        """The identity it was linked to, if it was."""
        return self.candidates[0].identity if self.decision is Decision.LINKED else None


def unknown_probability(searched: int | None, candidates: Sequence[float | None]) -> float | None:
    """What the probabilities of a ranking leave over, 0..1: that it is nobody of them.

    Args:
        searched: how many identities they are made of; ``None`` where they are of single pairs, which do not
            share one whole: then there is none.
        candidates: probabilities.
    """
    if searched is None:
        return None
    return max(0.0, 1 - sum(one for one in candidates if one is not None))

"""What every way through the chain shares, from settings and models: the run's and the worker's."""

import hashlib

from detectors.config import TrackerSettings
from detectors.detector import PersonDetector
from detectors.tracking import CameraTracker
from reid_core.gallery import Gallery, IdentityPolicy, TrackletEntry
from reid_core.images import encode_jpeg
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.runtime import Embedder
from reid_core.types import Floats, Modality, Tracklet
from stream.chain.config import ChainSettings

# Added later: left out where they are as usual, so that galleries of before know their settings again.
_LATER = {"motionless_seconds", "motionless_travel"}


def settings_digest(detector: PersonDetector, settings: ChainSettings, camera: str) -> str:
    """What a camera's tracklets depend on besides its frames: not on what only says how fast."""
    seen = settings.detector.model_copy(update={"threads": 0})
    parts = [
        detector.digest,
        seen.model_dump_json(),
        settings.motion.model_dump_json(),
        settings.tracker.model_dump_json(exclude=_LATER),
    ]
    later = settings.tracker.model_dump_json(include=_LATER)
    own, usual = settings.camera(camera), ChainSettings().camera(camera)
    if own != usual or later != TrackerSettings().model_dump_json(include=_LATER):
        parts += [later, own.model_dump_json()]
    text = "/".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def identity_policy(embedder: Embedder, settings: ChainSettings) -> IdentityPolicy:
    """When visible tracklets become one person: as set, or else as the model was calibrated."""
    merge_score = settings.identity.merge_score
    calibration = embedder.calibration("visible-visible")
    if merge_score is None and calibration is not None:
        merge_score = calibration.threshold
    return IdentityPolicy(merge_score, settings.identity.margin, settings.identity.exemplars)


def make_linker(gallery: Gallery, embedder: Embedder, settings: ChainSettings) -> Linker:
    """The linker of infrared tracklets, calibrated where the model is."""
    calibration = embedder.calibration("infrared-visible")
    wanted = settings.match.min_probability if calibration is not None else None
    top = settings.match.top
    matcher = Matcher(gallery, embedder.model_id, calibration, top=top, min_probability=wanted)
    return Linker(gallery, matcher)


def make_tracker(
    recording: str, camera: str, modality: Modality, fps: float, settings: ChainSettings
) -> CameraTracker:
    """The tracker of one recording."""
    look = settings.detector.look(modality)
    return CameraTracker(recording, camera, modality, fps, settings.tracker, look)


def tracklet_entry(tracklet: Tracklet, vectors: Floats, jpeg_quality: int) -> TrackletEntry:
    """A tracklet with its vectors and its crops as the gallery keeps them."""
    crops = tuple(encode_jpeg(sighting.crop, jpeg_quality) for sighting in tracklet.sightings)
    return TrackletEntry(tracklet, vectors, crops)

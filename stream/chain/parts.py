"""What every way through the chain shares, from settings and models: the run's and the worker's."""

import hashlib
from pathlib import Path
from typing import Any

from detectors.config import TrackerSettings
from detectors.detector import PersonDetector
from detectors.tracking import CameraTracker
from reid_core.calibration import Calibration
from reid_core.errors import ConfigError, ModelMismatchError
from reid_core.gallery import Gallery, IdentityPolicy, TrackletEntry
from reid_core.gallery.calibrations import own_calibration
from reid_core.gallery.whereabouts import Whereabouts
from reid_core.images import encode_jpeg
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.models.language import TextEncoder, calibration_of
from reid_core.models.manifest import PairKind
from reid_core.querying.encoders import open_text_encoder
from reid_core.runtime import Embedder
from reid_core.types import Floats, Modality, Tracklet
from reid_core.watching.judging import INFRARED_VISIBLE, TEXT, VISIBLE_VISIBLE
from reid_core.watching.service import Watching
from stream.chain.config import ChainSettings

# Added later: left out where they are as usual, so that galleries of before know their settings again.
_LATER = {"motionless_seconds", "motionless_travel"}
# About cameras together: a camera's tracklets do not depend on it.
_ELSEWHERE: dict[str, Any] = {"overlaps": (), "metres": {}}


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
    own, usual = (each.camera(camera).model_copy(update=_ELSEWHERE) for each in (settings, ChainSettings()))
    if own != usual or later != TrackerSettings().model_dump_json(include=_LATER):
        parts += [later, own.model_dump_json(exclude={*_ELSEWHERE})]
    text = "/".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def identity_policy(gallery: Gallery, embedder: Embedder, settings: ChainSettings) -> IdentityPolicy:
    """When visible tracklets become one person: as set, or else as scores were calibrated.

    Raises:
        UsageError: a false positive rate is asked for that the calibration cannot tell.
    """
    wanted = settings.identity
    calibration, _ = gallery_calibration(gallery, embedder, "visible-visible")
    if wanted.merge_score is None and calibration is not None:
        # Told now rather than at the first tracklet.
        calibration.threshold_for(1, wanted.false_positive_rate)
    return IdentityPolicy(
        wanted.merge_score,
        wanted.margin,
        wanted.exemplars,
        calibration,
        wanted.false_positive_rate,
        whereabouts(settings),
        wanted.look_back,
    )


def whereabouts(settings: ChainSettings) -> Whereabouts | None:
    """What the settings say of where cameras are; ``None`` where cameras say nothing about one another.

    Raises:
        ConfigError: two cameras are told to be at two distances from one another, or one overlaps itself.
    """
    chosen = settings.identity
    if chosen.clock_seconds is None:
        return None
    metres: dict[frozenset[str], float] = {}
    for name, camera in settings.cameras.items():
        if name in {*camera.overlaps, *camera.metres}:
            raise ConfigError(f"Configuration key 'cameras.{name}': it names itself.")
        for other, far in camera.metres.items():
            if metres.setdefault(frozenset((name, other)), far) != far:
                raise ConfigError(
                    f"Configuration key 'cameras': {name} and {other} are said to be at two distances."
                )
    overlaps = {frozenset((name, other)) for name, one in settings.cameras.items() for other in one.overlaps}
    return Whereabouts(round(chosen.clock_seconds * 1e9), frozenset(overlaps), metres, chosen.fastest)


def make_linker(gallery: Gallery, embedder: Embedder, settings: ChainSettings) -> Linker:
    """The linker of infrared tracklets, calibrated where the gallery or the model is.

    Raises:
        UsageError: a false positive rate is asked for that the calibration cannot tell.
    """
    # Before the calibration: where the gallery compares otherwise meanwhile, nobody is linked by it.
    space = gallery.comparing(embedder.model_id)
    calibration, cameras = gallery_calibration(gallery, embedder, "infrared-visible")
    wanted = settings.match.min_probability if calibration is not None else None
    matcher = Matcher(
        gallery,
        space,
        calibration,
        top=settings.match.top,
        min_probability=wanted,
        false_positive_rate=settings.match.false_positive_rate,
        cameras=cameras,
    )
    return Linker(gallery, matcher)


def text_encoder(setting: str | None, reid: Path | str | None, space: str) -> TextEncoder | None:
    """The text encoder that reads the descriptions of watches, if there is one.

    Args:
        setting: `ChainSettings.text`.
        reid: the embedder, as it was named.
        space: of the embedder's vectors.

    Raises:
        ModelMismatchError: it is named, and aims at another space.
        ConfigError: the starter pack's is named, and this version carries none.
        ModelError: it is missing, damaged or not valid.
    """
    try:
        return open_text_encoder(setting, reid, space)
    except (ConfigError, ModelMismatchError):
        # Where none was named, there need not be one for this embedder.
        if setting is not None:
            raise
        return None


def make_watching(
    gallery: Gallery, embedder: Embedder, settings: ChainSettings, encoder: TextEncoder | None = None
) -> Watching:
    """Who looks out for the gallery's watches.

    Args:
        gallery: of the watches.
        embedder: whose vectors are compared.
        settings: what watches may do.
        encoder: of descriptions; without one, none of them fires.

    Raises:
        ModelMismatchError: the text encoder aims at another space.
    """
    known = {
        INFRARED_VISIBLE: _as_made(gallery, embedder, "infrared-visible"),
        VISIBLE_VISIBLE: _as_made(gallery, embedder, "visible-visible"),
        TEXT: calibration_of(encoder, "text") if encoder is not None else None,
    }
    wanted = settings.watches
    return Watching(
        gallery,
        embedder.model_id,
        {pair: one for pair, one in known.items() if one is not None},
        encoder,
        allowed=wanted.false_alarms,
        people=wanted.people,
        quiet_ns=round(wanted.quiet_minutes * 60e9),
    )


def _as_made(gallery: Gallery, embedder: Embedder, pair: PairKind) -> Calibration | None:
    """Of scores of vectors as the model makes them, whatever the gallery compares."""
    own = own_calibration(gallery.database, embedder.model_id, pair)
    return own.calibration if own is not None else embedder.calibration(pair)


def gallery_calibration(
    gallery: Gallery, embedder: Embedder, pair: PairKind
) -> tuple[Calibration | None, frozenset[str] | None]:
    """The gallery's own and its cameras, or else the model's, which is of none of them.

    Either is of scores as the gallery makes them: of vectors as they are, or of standardised ones. Of an
    adapted gallery only its own holds.
    """
    space = gallery.comparing(embedder.model_id)
    own = own_calibration(gallery.database, space, pair)
    if own is not None:
        return own.calibration, own.cameras
    made = gallery.standardisation(space)
    if made is None:
        return embedder.calibration(pair), None
    form = made.calibrated_form
    return (embedder.calibration(pair, form) if form is not None else None), None


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

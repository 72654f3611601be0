"""What the scores of a query are worth: the calibration of its kind, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from reid_core.calibration import Calibration
from reid_core.gallery.calibrations import camera_ids, own_calibration
from reid_core.gallery.store import Gallery
from reid_core.models.language import FusingEncoder, TextEncoder, calibration_of
from reid_core.models.manifest import PairKind
from reid_core.querying.fusion import fusion_of, normalised_mean
from reid_core.querying.probes import Probe
from reid_core.querying.query import Form
from reid_core.types import Modality


@dataclass(frozen=True, slots=True)
class Trust:
    """How scores of one kind of query can be read.

    Attributes:
        calibration: of scores; ``None`` where nobody measured them.
        own_cameras: whether it was fitted on the cameras of this gallery; ``None`` without one.
        why: without one, the reason in a few words; else empty.
    """

    calibration: Calibration | None
    own_cameras: bool | None = None
    why: str = ""


def trust_in_words(encoder: TextEncoder) -> Trust:
    """Of queries by a text alone."""
    found = calibration_of(encoder, "text")
    if found is None:
        return Trust(None, why="the text encoder is not calibrated for texts alone")
    return Trust(found, own_cameras=False)


def trust_in_both(encoder: TextEncoder, probe: Probe, form: Form) -> Trust:
    """Of queries by images and a text."""
    if form is Form.NARROWED:
        return Trust(None, why="nothing is calibrated for identities that words narrow")
    # An ensemble with the mean of image and text is that mean.
    same = fusion_of(encoder) == normalised_mean and not isinstance(encoder, FusingEncoder)
    if form is not Form.FUSED and not same:
        return Trust(None, why="nothing is calibrated for an ensemble of image and text")
    if probe.modality is Modality.VISIBLE:
        return Trust(None, why="nothing is calibrated for visible images with a text")
    found = calibration_of(encoder, "fused")
    if found is None:
        return Trust(None, why="the text encoder is not calibrated for images with a text")
    return Trust(found, own_cameras=False)


def trust_in_images(
    gallery: Gallery, space: str, calibrations: Mapping[PairKind, Calibration], probe: Probe
) -> Trust:
    """Of queries by images alone.

    Args:
        gallery: whose own calibrations come first.
        space: of the vectors.
        calibrations: of the model.
        probe: whom is asked for.
    """
    night = probe.modality is Modality.INFRARED
    pair: PairKind = "infrared-visible" if night else "visible-visible"
    own = own_calibration(gallery.database, space, pair)
    if own is not None:
        with gallery.database.read() as session:
            return Trust(own.calibration, own_cameras=camera_ids(session) <= own.cameras)
    found = calibrations.get(pair)
    if found is None:
        return Trust(None, why=f"the model is not calibrated for {pair} pairs")
    return Trust(found, own_cameras=False)

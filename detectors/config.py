"""Settings of the detector, the motion gate and the tracker, a section for each modality where it matters."""

from typing import Literal

from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Modality


class LookSettings(Settings):
    """How frames of one modality are looked at.

    Attributes:
        confidence: a detection at least this sure may open a tracklet.
        low_confidence: one at least this sure may continue a tracklet.
        image_size: the longer side of what the network is given, pixels.
        tile_below: a frame whose longer side is shorter than this, in pixels, is looked at in
            overlapping square tiles, which magnifies small people; 0 never.
        tile_sizes: the sides that such a tile is shown to the network in. More than one, because
            COCO networks find a dim figure better small and a tiny one better large; much larger
            than the frame they find it worse again.
    """

    confidence: float = Field(default=0.25, ge=0.01, le=1)
    low_confidence: float = Field(default=0.10, ge=0.01, le=1)
    image_size: int = Field(default=640, ge=64, le=4096)
    tile_below: int = Field(default=0, ge=0)
    tile_sizes: tuple[int, ...] = Field(default=(256, 320), min_length=1)


class DetectorSettings(Settings):
    """The person detector.

    Attributes:
        visible: for visible-light cameras.
        infrared: for near and thermal infrared cameras.
        overlap: two boxes overlapping more than this (intersection over union) are one person.
        polarity: of thermal frames; ``auto`` tries both until one finds people clearly better.
        threads: frames worked on at once; 0 for one a core.
    """

    visible: LookSettings = LookSettings()
    infrared: LookSettings = LookSettings(tile_below=320, low_confidence=0.05)
    overlap: float = Field(default=0.6, gt=0, lt=1)
    polarity: Literal["auto", "white-hot", "black-hot"] = "auto"
    threads: int = Field(default=0, ge=0)

    def look(self, modality: Modality) -> LookSettings:
        """The section for one modality."""
        return self.visible if modality is Modality.VISIBLE else self.infrared


class MotionSettings(Settings):
    """The motion gate: a still frame keeps the detections of the last one looked at.

    Attributes:
        enabled: whether still frames are skipped at all.
        contrast: grey levels (0-255) a point must change by to count as changed.
        area: share of the points of a region that must have changed.
    """

    enabled: bool = True
    contrast: int = Field(default=20, ge=1, le=255)
    area: float = Field(default=0.001, ge=0, le=1)


class TrackerSettings(Settings):
    """The tracker of each camera.

    Attributes:
        kind: which of ultralytics' trackers.
        lost_seconds: a person not found for this long has left.
        minimum_frames: a shorter tracklet is noise.
        still_confidence: a tracklet that never moved is noise unless its mean confidence is this high.
        still_narrowest: a tracklet that never moved is noise, however sure, if its width is a smaller share
            of its height: a lamp post, a gap between leaves. Of 2,211 unoccluded people of KAIST one in
            500 is narrower than 0.27.
        motionless_seconds: a tracklet of this length or longer that never moved is nobody: a poster, a
            mannequin, a reflection; ``null`` never.
        motionless_travel: it never moved where its box was, but for one frame in 200, never further from its
            usual place than this share of its height. Who waits sways, and came from somewhere.
        longest_seconds: a longer tracklet is closed and a new one opened.
        crops: best crops kept of a tracklet.
        crop_spacing_seconds: kept crops are at least this far apart.
    """

    kind: Literal["bytetrack", "botsort"] = "bytetrack"
    lost_seconds: float = Field(default=2.0, gt=0)
    minimum_frames: int = Field(default=5, ge=1)
    still_confidence: float = Field(default=0.5, ge=0, le=1)
    still_narrowest: float = Field(default=0.25, ge=0, lt=1)
    motionless_seconds: float | None = Field(default=120.0, gt=0)
    motionless_travel: float = Field(default=0.05, ge=0, le=1)
    longest_seconds: float = Field(default=600.0, gt=0)
    crops: int = Field(default=5, ge=1, le=50)
    crop_spacing_seconds: float = Field(default=0.5, ge=0)

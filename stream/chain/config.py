"""Settings of a run: one section for each room it passes through."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from detectors.config import DetectorSettings, MotionSettings, TrackerSettings
from reid_core.config import Settings
from reid_core.gallery.limits import EXACT_UP_TO, EXEMPLARS


class IdentitySettings(Settings):
    """When visible tracklets become one identity.

    Attributes:
        merge_score: cosine above which two tracklets are one person; ``null`` takes the embedder's
            calibration, and without one no two tracklets are merged.
        margin: the best identity must lead the second by this much.
        exemplars: sightings of an identity that decide who joins it; beyond them, the later of the two most
            alike is set aside. An identity of no more sightings is compared by all of them.
    """

    merge_score: float | None = Field(default=None, ge=-1, le=1)
    margin: float = Field(default=0.0, ge=0)
    exemplars: int = Field(default=EXEMPLARS, ge=1)


class SearchSettings(Settings):
    """How the gallery is searched.

    Attributes:
        exact_up_to: among more vectors than this a search goes by a graph (HNSW) and finds nearly all of the
            best, with exact scores. Not on PostgreSQL, where every search is exact.
    """

    exact_up_to: int = Field(default=EXACT_UP_TO, ge=1_000)


class MatchSettings(Settings):
    """How infrared tracklets are linked.

    Attributes:
        top: identities ranked for each.
        min_probability: a link needs at least this; ``null`` takes the calibration's own threshold.
    """

    top: int = Field(default=5, ge=1, le=100)
    min_probability: float | None = Field(default=None, ge=0, le=1)


class LiveSettings(Settings):
    """Live cameras.

    Attributes:
        open_seconds: how long opening or reading may take.
        gone_seconds: a camera away for longer is given up; the others go on.
    """

    open_seconds: float = Field(default=10.0, gt=0)
    gone_seconds: float = Field(default=60.0, ge=0)


GreyName = Literal["near-infrared", "note"]
Coordinate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PolygonSetting = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=3)]


class CameraOptions(Settings):
    """What is particular to one camera.

    Attributes:
        ignore: polygons in which nobody is looked for; corners ``[x, y]`` as shares of width and height, or
            in pixels where one is above 1.
        grey: as for all cameras, for this one; ``null`` as for all.
    """

    ignore: tuple[PolygonSetting, ...] = ()
    grey: GreyName | None = None

    @field_validator("ignore")
    @classmethod
    def _encloses(cls, ignore: tuple[PolygonSetting, ...]) -> tuple[PolygonSetting, ...]:
        for polygon in ignore:
            shifted = (*polygon[1:], polygon[0])
            twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(polygon, shifted, strict=True))
            if abs(twice) < 1e-9:
                raise ValueError("a polygon encloses nothing")
        return ignore


class ChainSettings(Settings):
    """From frames to links: what `nightreid run` and `nightreid worker` are told alike.

    Attributes:
        detector: the person detector.
        motion: the motion gate.
        tracker: tracking and the choice of crops.
        identity: merging of visible tracklets.
        match: linking of infrared tracklets.
        cameras: what is particular to some, by name.
        grey: what becomes of a visible camera whose picture turns grey, because its infrared filter is away:
            its frames count as near infrared from then on, or it is only noted.
        search: of the gallery.
        batch: frames shown to the detector in one call.
        jpeg_quality: of the crops kept, 1..100.
    """

    detector: DetectorSettings = DetectorSettings()
    motion: MotionSettings = MotionSettings()
    tracker: TrackerSettings = TrackerSettings()
    identity: IdentitySettings = IdentitySettings()
    match: MatchSettings = MatchSettings()
    cameras: dict[str, CameraOptions] = Field(default_factory=dict)
    grey: GreyName = "near-infrared"
    search: SearchSettings = SearchSettings()
    batch: int = Field(default=8, ge=1, le=256)
    jpeg_quality: int = Field(default=92, ge=1, le=100)

    def camera(self, name: str) -> CameraOptions:
        """What holds for one camera."""
        own = self.cameras.get(name, CameraOptions())
        return own.model_copy(update={"grey": own.grey or self.grey})


class RunSettings(ChainSettings):
    """Everything `nightreid run` can be told in a file.

    Attributes:
        live: live cameras.
        folder_fps: frames per second of image folders.
    """

    live: LiveSettings = LiveSettings()
    folder_fps: float = Field(default=10.0, gt=0)

"""Settings of a run: one section for each room it passes through."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from detectors.config import DetectorSettings, MotionSettings, TrackerSettings
from reid_core.config import Settings
from reid_core.gallery.limits import EXACT_UP_TO, EXEMPLARS


class IdentitySettings(Settings):
    """When visible tracklets become one identity.

    Attributes:
        merge_score: cosine above which two tracklets are one person; ``null`` takes the embedder's
            calibration, and without one no two tracklets are merged.
        false_positive_rate: where `merge_score` is ``null``: how often a newcomer may be made one with
            somebody of a gallery of the present size; ``null`` takes what the embedder was calibrated for.
        margin: the best identity must lead the second by this much.
        exemplars: sightings of an identity that decide who joins it; beyond them, the later of the two most
            alike is set aside. An identity of no more sightings is compared by all of them.
        clock_seconds: whoever two cameras saw at the same time for longer than this is two people: so far may
            their clocks be apart. ``null`` has cameras say nothing about one another.
        fastest: metres a second that nobody exceeds, where ``cameras.NAME.metres`` says how far it is.
        look_back: a tracklet moves to an identity that came later and fits it better by this cosine; ``null``
            has it stay.
    """

    merge_score: float | None = Field(default=None, ge=-1, le=1)
    false_positive_rate: float | None = Field(default=None, gt=0, lt=1)
    margin: float = Field(default=0.0, ge=0)
    exemplars: int = Field(default=EXEMPLARS, ge=1)
    clock_seconds: float | None = Field(default=2.0, ge=0, le=3600)
    fastest: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    look_back: float | None = Field(default=0.02, ge=0, le=2)


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
        min_probability: a link needs at least this; ``null`` leaves it to the rate below.
        false_positive_rate: how often a stranger may be linked to somebody of a gallery of the present size;
            ``null`` takes what the embedder was calibrated for.
    """

    top: int = Field(default=5, ge=1, le=100)
    min_probability: float | None = Field(default=None, ge=0, le=1)
    false_positive_rate: float | None = Field(default=None, gt=0, lt=1)


class CaptionSettings(Settings):
    """What tracklets are said to look like; nothing unless a captioner is named.

    Attributes:
        captioner: folder of a captioner, a BLIP's folder or its name on the Hugging Face hub, or ``starter``;
            ``null`` for none.
        infrared_captioner: another one for infrared crops.
        crops: best crops of a tracklet that are captioned.
        together: tracklets that are captioned at a time.
    """

    captioner: str | None = None
    infrared_captioner: str | None = None
    crops: int = Field(default=2, ge=1, le=100)
    together: int = Field(default=8, ge=1, le=256)

    @model_validator(mode="after")
    def _begins_with_a_captioner(self) -> Self:
        if self.captioner is None and self.infrared_captioner is not None:
            raise ValueError("'infrared_captioner' is nothing without 'captioner'")
        return self


class WatchSettings(Settings):
    """When watches raise alerts.

    Attributes:
        false_alarms: that a watch may raise a night, unless it says so itself.
        people: that come by in a night at least; it is as many as tracklets in the last 24 hours otherwise.
        quiet_minutes: the same person in the same camera within so long is no news.
    """

    false_alarms: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    people: int = Field(default=100, ge=1)
    quiet_minutes: float = Field(default=10.0, ge=0, allow_inf_nan=False)


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
Metres = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PolygonSetting = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=3)]


class CameraOptions(Settings):
    """What is particular to one camera.

    Attributes:
        ignore: polygons in which nobody is looked for; corners ``[x, y]`` as shares of width and height, or
            in pixels where one is above 1.
        grey: as for all cameras, for this one; ``null`` as for all.
        overlaps: cameras that see some of the same ground: somebody may be in both at the same time. It need
            be said of one of two.
        metres: the shortest way from this camera's view to those of others, by name; said of one of two.
    """

    ignore: tuple[PolygonSetting, ...] = ()
    grey: GreyName | None = None
    overlaps: tuple[str, ...] = ()
    metres: dict[str, Metres] = Field(default_factory=dict)

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
        captions: captioning of tracklets, after they are linked.
        watches: alerts.
        text: the text encoder of `nightreid query` and of watches: a folder with ``text.json``, or a
            checkpoint folder with ``text/`` inside; ``starter`` for the starter pack's; ``null`` for that
            inside the embedder's folder, or else the starter pack's.
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
    captions: CaptionSettings = CaptionSettings()
    watches: WatchSettings = WatchSettings()
    text: str | None = None
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
    """Everything `nightreid run` and the commands that ask its gallery can be told in a file.

    Attributes:
        live: live cameras.
        folder_fps: frames per second of image folders.
    """

    live: LiveSettings = LiveSettings()
    folder_fps: float = Field(default=10.0, gt=0)

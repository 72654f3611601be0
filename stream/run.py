"""The main job: day and night footage in, tracklets, identities and links in the gallery."""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from detectors.detector import PersonDetector
from detectors.motion import GatedFrame
from detectors.tracking import CameraTracker
from reid_core.errors import NightreidError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, RecordingRecord, RecordingStatus
from reid_core.matcher import Matcher
from reid_core.runtime import Embedder
from reid_core.types import CloseReason, Modality
from stream.collect import collect
from stream.config import RunSettings
from stream.decoding import Decoder, Ended, check_distinct
from stream.lane import Lane, Seen
from stream.looking import Looker
from stream.result import RunResult
from stream.sources import Source, SourceSpec, open_source, redact
from stream.timing import StageClock
from stream.writing import Writer

_DONE = (RecordingStatus.COMPLETE, RecordingStatus.PARTIAL)


class Progress(Protocol):
    """Whoever wants to know how far a run has come."""

    def update(self, camera: str, done: int, total: int | None, tracklets: int) -> None:
        """A camera's frames done, of how many (``None`` for live ones), and its tracklets so far."""

    def note(self, text: str) -> None:
        """One sentence worth telling at once."""


class Silence:
    """Tells nobody."""

    def update(self, camera: str, done: int, total: int | None, tracklets: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class _Failures:
    """Sources that could not be read, and the sentences to tell."""

    warnings: list[str] = field(default_factory=list)
    sources: list[tuple[SourceSpec, str]] = field(default_factory=list)


def run(
    specs: Sequence[SourceSpec],
    gallery: Gallery,
    detector: PersonDetector,
    embedder: Embedder,
    settings: RunSettings | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> RunResult:
    """Carry footage through the whole chain.

    Recordings that the gallery already holds are not read again; interrupted ones are taken up where
    they were. A source that fails does not stop the others; what was found stays.

    Args:
        specs: the cameras.
        gallery: where tracklets, identities and links go.
        detector: finds the people.
        embedder: turns crops into vectors.
        settings: of all stages.
        progress: told how far it has come.
        stop: set it to end early, with what there is.

    Raises:
        UsageError: no source, or two of one name.
        SourceError: not one source can be read.
        ModelMismatchError: the gallery is of another model.
        GalleryError, StorageError: the gallery cannot be written.
    """
    return _Run(gallery, detector, embedder, settings or RunSettings(), progress or Silence(), stop).over(specs)


class _Run:
    def __init__(
        self,
        gallery: Gallery,
        detector: PersonDetector,
        embedder: Embedder,
        settings: RunSettings,
        progress: Progress,
        stop: threading.Event | None,
    ) -> None:
        self._gallery = gallery
        self._detector = detector
        self._embedder = embedder
        self._settings = settings
        self._progress = progress
        self._stop = stop or threading.Event()
        self._abandon = threading.Event()
        self._clock = StageClock()
        self._failures = _Failures()
        self._counts: dict[str, int] = {}
        self._settings_digest = self._digest_settings()

    def over(self, specs: Sequence[SourceSpec]) -> RunResult:
        if not specs:
            raise UsageError("There is nothing to read.", "Name sources with --visible and --infrared.")
        check_distinct([spec.camera for spec in specs])
        self._gallery.check_model(self._embedder.model_id)
        begun = time.perf_counter()
        recordings: list[RecordingRecord] = []
        lanes: list[Lane] = []
        for spec in specs:
            try:
                source = open_source(
                    spec,
                    self._settings.folder_fps,
                    self._settings.live.open_seconds,
                    self._settings.live.gone_seconds,
                )
            except NightreidError as error:
                self._failures.sources.append((spec, error.message))
                self._warn(error.message)
                if len(specs) == 1:
                    raise
                continue
            record = self._register(source)
            recordings.append(record)
            if record.status not in _DONE:
                lanes.append(self._lane(source, record))
        if lanes:
            self._process(lanes)
        self._link(recordings)
        return collect(
            self._gallery,
            [record.id for record in recordings],
            failed=self._failures.sources,
            timings=self._clock.timings(),
            wall_s=time.perf_counter() - begun,
            detector=self._detector.name,
            embedder=self._embedder.name,
            model=self._embedder.model_id,
            calibrated=self._embedder.calibration("infrared-visible") is not None,
            warnings=tuple(self._failures.warnings),
            interrupted=self._stop.is_set(),
        )

    def _warn(self, text: str) -> None:
        self._failures.warnings.append(text)
        self._progress.note(text)

    def _register(self, source: Source) -> RecordingRecord:
        """The recording's row, new or as an earlier run left it."""
        spec = source.spec
        name = hashlib.sha256(f"{source.digest}/{spec.camera}/{spec.modality}".encode()).hexdigest()[:36]
        self._gallery.put_camera(spec.camera, spec.modality, spec.spectrum, source.start_ns)
        record = self._gallery.begin_recording(
            RecordingRecord(
                id=name,
                camera=spec.camera,
                source=redact(spec.location),
                fps=source.fps,
                width=source.width,
                height=source.height,
                start_ns=source.start_ns,
                detector=self._detector.name,
                model=self._embedder.model_id,
                state={"settings": self._settings_digest},
            )
        )
        if record.state.get("settings") != self._settings_digest:
            self._warn(
                f"The recording of {spec.camera} was begun with another detector or other settings: "
                f"what is stored is kept. Use another database to compare."
            )
        if record.status not in _DONE:
            self._gallery.remove_tracklets(record.id, CloseReason.INTERRUPTED)
        # The clock of the first run counts: a copied file has another date.
        source.start_ns = record.start_ns
        return record

    def _lane(self, source: Source, record: RecordingRecord) -> Lane:
        modality = source.spec.modality
        look = self._settings.detector.look(modality)
        decoder = Decoder(source, modality, self._settings, record.checkpoint, self._clock, self._abandon)
        tracker = CameraTracker(record.id, source.spec.camera, modality, source.fps, self._settings.tracker, look)
        judge = self._detector.judge(modality)
        lane = Lane(record, source, decoder, tracker, judge, self._detector, self._settings_digest)
        lane.resume()
        return lane

    def _process(self, lanes: list[Lane]) -> None:
        live = any(lane.source.spec.live for lane in lanes)
        writer = Writer(
            self._gallery,
            self._embedder,
            self._policy(),
            self._settings.jpeg_quality,
            self._clock,
            self._matcher() if live else None,
        )
        looker = Looker(lanes, self._detector, self._settings.batch, self._clock, self._abandon)
        writer.start()
        for lane in lanes:
            lane.decoder.start()
        looker.start()
        try:
            for batch in looker.batches():
                for lane, item, seen in batch:
                    if isinstance(item, Ended):
                        self._end(lane, item, writer)
                        continue
                    if not self._stop.is_set():
                        self._settle(lane, item, seen, writer)
                if self._stop.is_set():
                    self._abandon.set()
        except BaseException:
            self._abandon.set()
            raise
        finally:
            if self._stop.is_set():
                self._abandon.set()
        writer.finish()

    def _settle(self, lane: Lane, gated: GatedFrame, seen: Seen, writer: Writer) -> None:
        with self._clock.timed("track", 1):
            closed, checkpoint = lane.settle(gated, seen)
        for tracklet in closed:
            writer.put(tracklet)
        if checkpoint is not None:
            writer.put(checkpoint)
        camera = lane.source.spec.camera
        self._counts[camera] = self._counts.get(camera, 0) + len(closed)
        self._progress.update(camera, lane.frames_done, lane.source.total, self._counts[camera])

    def _end(self, lane: Lane, ended: Ended, writer: Writer) -> None:
        """Close what a source leaves open; a recording that was interrupted stays open to be resumed."""
        live = lane.source.spec.live
        interrupted = self._stop.is_set() and not live
        for tracklet in lane.tracker.close(CloseReason.INTERRUPTED if interrupted else CloseReason.END):
            writer.put(tracklet)
        if lane.decoder.dropped:
            self._warn(f"Camera {lane.source.spec.camera}: {lane.decoder.dropped} frames were dropped to keep up.")
        if interrupted:
            writer.put(lane.checkpoint(lane.last_checkpoint))
            return
        status = RecordingStatus.COMPLETE
        if ended.problem is not None:
            status = RecordingStatus.FAILED if ended.failed else RecordingStatus.PARTIAL
            self._warn(ended.problem)
        lane.frames_done = max(lane.frames_done, ended.frames)
        writer.put(lane.checkpoint(lane.frames_done, status, ended.problem))

    def _link(self, recordings: Sequence[RecordingRecord]) -> None:
        """Rank the whole gallery for each infrared tracklet of these recordings."""
        mine = {record.id for record in recordings}
        matcher = self._matcher()
        infrared = [
            one.id
            for one in self._gallery.tracklets(modality=Modality.INFRARED)
            if one.recording in mine
        ]
        with self._clock.timed("link", len(infrared)):
            self._gallery.put_links([matcher.match(one) for one in infrared])

    def _matcher(self) -> Matcher:
        calibration = self._embedder.calibration("infrared-visible")
        match = self._settings.match
        wanted = match.min_probability if calibration is not None else None
        return Matcher(
            self._gallery, self._embedder.model_id, calibration, top=match.top, min_probability=wanted
        )

    def _policy(self) -> IdentityPolicy:
        merge_score = self._settings.identity.merge_score
        calibration = self._embedder.calibration("visible-visible")
        if merge_score is None and calibration is not None:
            merge_score = calibration.threshold
        return IdentityPolicy(merge_score, self._settings.identity.margin)

    def _digest_settings(self) -> str:
        """What a recording's tracklets depend on besides its pictures."""
        settings = _without_threads(self._settings)
        text = "/".join(
            [
                self._detector.digest,
                settings.detector.model_dump_json(),
                settings.motion.model_dump_json(),
                settings.tracker.model_dump_json(),
            ]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_threads(settings: RunSettings) -> RunSettings:
    """The settings without what only says how fast."""
    return settings.model_copy(update={"detector": settings.detector.model_copy(update={"threads": 0})})

"""The main job: day and night footage in, tracklets, identities and links in the gallery."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from detectors.detector import PersonDetector
from detectors.motion import GatedFrame
from reid_core.errors import NightreidError, UsageError
from reid_core.gallery import Gallery, RecordingRecord, RecordingStatus
from reid_core.models.language import TextEncoder
from reid_core.runtime import Embedder
from reid_core.types import CloseReason
from reid_core.watching.service import Watching
from stream.chain.captioning import TrackletCaptioner
from stream.chain.config import RunSettings
from stream.chain.lane import Seen
from stream.chain.parts import identity_policy, make_linker, make_tracker, make_watching, settings_digest
from stream.footage.file_dates import copies_note
from stream.footage.naming import SourceSpec, check_distinct
from stream.footage.opening import open_source
from stream.footage.sources import Source, dated, recording_id
from stream.run.collect import collect
from stream.run.decoding import Decoder, Ended
from stream.run.detecting import DetectionStage, RecordingLane
from stream.run.export import iso_utc
from stream.run.result import RunResult
from stream.run.timing import StageClock
from stream.run.writing import Writer

_DONE = (RecordingStatus.COMPLETE, RecordingStatus.PARTIAL)
# How long a thread that hangs in a network read is waited for.
_HANGING_SECONDS = 1.0


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


def run_footage(
    specs: Sequence[SourceSpec],
    gallery: Gallery,
    detector: PersonDetector,
    embedder: Embedder,
    settings: RunSettings | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    encoder: TextEncoder | None = None,
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
        encoder: of captions, and of the descriptions of watches; without one, none of them fires.

    Raises:
        UsageError: no source, or two of one name.
        SourceError: not one source can be read.
        ModelMismatchError: the gallery is of another model.
        GalleryError, StorageError: the gallery cannot be written.
    """
    settings, progress = settings or RunSettings(), progress or Silence()
    stop = stop or threading.Event()
    watching = make_watching(gallery, embedder, settings, encoder)
    captioner = TrackletCaptioner.open(gallery, settings.captions, encoder)
    return _Run(gallery, detector, embedder, settings, progress, stop, watching, captioner).over(specs)


class _Run:
    def __init__(
        self,
        gallery: Gallery,
        detector: PersonDetector,
        embedder: Embedder,
        settings: RunSettings,
        progress: Progress,
        stop: threading.Event,
        watching: Watching,
        captioner: TrackletCaptioner | None,
    ) -> None:
        self._watching = watching
        self._gallery = gallery
        self._detector = detector
        self._embedder = embedder
        self._settings = settings
        self._progress = progress
        self._stop = stop
        self._interrupted = False
        # Set by the run itself when its threads are to end; until then ``stop`` may come from outside.
        self._abandon = threading.Event()
        self._clock = StageClock()
        self._failures = _Failures()
        self._counts: dict[str, int] = {}
        # Named before what is made for its scores: where another takes its place, nothing is written.
        self._space = gallery.comparing(embedder.model_id)
        self._linker = make_linker(gallery, embedder, settings)
        self._captioner = captioner

    def over(self, specs: Sequence[SourceSpec]) -> RunResult:
        if not specs:
            raise UsageError("There is nothing to read.", "Name sources with --visible and --infrared.")
        check_distinct([spec.camera for spec in specs])
        self._gallery.check_space(self._space)
        for name in sorted(set(self._settings.cameras) - {spec.camera for spec in specs}):
            self._warn(f"The settings name a camera that is not read: {name}.")
        begun = time.perf_counter()
        before = self._watching.last_alert()
        sources = self._open(specs)
        recordings = [self._register(source) for source in sources]
        copies = copies_note(dated(sources))
        if copies is not None:
            self._warn(copies)
        lanes = [
            self._lane(source, record)
            for source, record in zip(sources, recordings, strict=True)
            if record.status not in _DONE
        ]
        if lanes:
            self._process(lanes)
        self._link(recordings)
        self._watching.catch_up()
        self._caption(recordings)
        result = collect(
            self._gallery,
            [record.id for record in recordings],
            failed=self._failures.sources,
            timings=self._clock.timings(),
            wall_s=time.perf_counter() - begun,
            detector=self._detector.name,
            embedder=self._embedder.name,
            model=self._embedder.model_id,
            space=self._space,
            calibrated=self._linker.calibrated,
            warnings=tuple(self._failures.warnings),
            interrupted=self._interrupted,
        )
        return replace(result, alerts=self._watching.raised_since(before))

    def _open(self, specs: Sequence[SourceSpec]) -> list[Source]:
        """The sources that can be read; the others are told of, and raised if there are only such."""
        live, fps = self._settings.live, self._settings.folder_fps
        sources: list[Source] = []
        first: NightreidError | None = None
        for spec in specs:
            try:
                sources.append(open_source(spec, fps, live.open_seconds, live.gone_seconds))
            except NightreidError as error:
                first = first or error
                self._failures.sources.append((spec, error.message))
        if first is not None and not sources:
            for _, message in self._failures.sources[1:]:
                self._progress.note(message)
            raise first
        for _, message in self._failures.sources:
            self._warn(message)
        return sources

    def _warn(self, text: str) -> None:
        self._failures.warnings.append(text)
        self._progress.note(text)

    def _register(self, source: Source) -> RecordingRecord:
        """The recording's row, new or as an earlier run left it."""
        spec = source.spec
        digest = settings_digest(self._detector, self._settings, spec.camera)
        self._gallery.put_camera(spec.camera, spec.modality, spec.spectrum, source.start_ns)
        record = self._gallery.begin_recording(
            RecordingRecord(
                id=recording_id(source),
                camera=spec.camera,
                source=spec.shown,
                fps=source.fps,
                width=source.width,
                height=source.height,
                start_ns=source.start_ns,
                detector=self._detector.name,
                model=self._embedder.model_id,
                state={"settings": digest},
            )
        )
        if record.state.get("settings") != digest:
            self._warn(
                f"The recording of {spec.camera} was started with another detector or other settings: "
                f"what is stored is kept. Use another database to compare."
            )
        if source.start_ns == record.start_ns:
            for note in source.notes:
                self._warn(note)
        elif spec.start_ns is not None or source.start_told:
            self._warn(
                f"The recording of {spec.camera} is stored with another start, "
                f"{iso_utc(record.start_ns)}, which is kept."
            )
        if record.status not in _DONE:
            self._gallery.remove_tracklets(record.id, CloseReason.INTERRUPTED)
        elif record.message is not None:
            self._warn(record.message)
        # The clock of the first run counts: a copied file has another date.
        if source.start_ns != record.start_ns:
            source.start_ns, source.written_ns = record.start_ns, None
        return record

    def _lane(self, source: Source, record: RecordingRecord) -> RecordingLane:
        modality = source.spec.modality
        decoder = Decoder(source, modality, self._settings, record.checkpoint, self._clock, self._abandon)
        tracker = make_tracker(record.id, source.spec.camera, modality, source.fps, self._settings)
        judge = self._detector.judge(modality, source.spec.spectrum)
        return RecordingLane(
            record,
            tracker,
            judge,
            self._detector,
            settings_digest(self._detector, self._settings, source.spec.camera),
            self._settings.camera(source.spec.camera),
            source=source,
            decoder=decoder,
        )

    def _process(self, lanes: list[RecordingLane]) -> None:
        live = any(lane.source.spec.live for lane in lanes)
        writer = Writer(
            self._gallery,
            self._embedder,
            self._space,
            identity_policy(self._gallery, self._embedder, self._settings),
            self._settings.jpeg_quality,
            self._clock,
            self._linker if live else None,
            self._watching if live else None,
        )
        stage = DetectionStage(lanes, self._detector, self._settings.batch, self._clock, self._abandon)
        writer.start()
        for lane in lanes:
            lane.decoder.start()
        stage.start()
        try:
            self._follow(stage, lanes, writer)
            writer.finish()
        finally:
            # Also where something failed: what was handed in is written, and no thread is left at work.
            self._abandon.set()
            stage.join()
            writer.join()
            for lane in lanes:
                lane.decoder.join(_HANGING_SECONDS)

    def _follow(self, stage: DetectionStage, lanes: Sequence[RecordingLane], writer: Writer) -> None:
        """Settle everything that is found until every source has ended or the run is stopped."""
        following = list(lanes)
        for batch in stage.batches():
            writer.check()
            for lane, item, seen in batch:
                if self._stop.is_set():
                    break
                if isinstance(item, Ended):
                    following.remove(lane)
                    self._end(lane, item, writer)
                else:
                    self._settle(lane, item, seen, writer)
            if self._stop.is_set():
                break
        self._interrupted = bool(following)
        for lane in following:
            self._leave(lane, writer)

    def _settle(self, lane: RecordingLane, gated: GatedFrame, seen: Seen, writer: Writer) -> None:
        with self._clock.timed("track", 1):
            closed, checkpoint = lane.settle(gated, seen)
        for tracklet in closed:
            writer.put(tracklet)
        if checkpoint is not None:
            writer.put(checkpoint)
        camera = lane.source.spec.camera
        for _, told in lane.conditions.news(camera):
            self._progress.note(told)
        self._counts[camera] = self._counts.get(camera, 0) + len(closed)
        self._progress.update(camera, lane.frames_done, lane.source.total, self._counts[camera])

    def _end(self, lane: RecordingLane, ended: Ended, writer: Writer) -> None:
        """Close what a source leaves open at its end, and its recording."""
        for tracklet in lane.close(CloseReason.END):
            writer.put(tracklet)
        if lane.decoder.dropped:
            frames = f"{lane.decoder.dropped} frame{'s' * (lane.decoder.dropped > 1)}"
            self._warn(f"Camera {lane.source.spec.camera}: {frames} dropped to keep up.")
        status = RecordingStatus.COMPLETE
        if ended.problem is not None:
            status = RecordingStatus.FAILED if ended.failed else RecordingStatus.PARTIAL
            self._warn(ended.problem)
        lane.frames_done = max(lane.frames_done, ended.frames)
        writer.put(lane.checkpoint(lane.frames_done, status, ended.problem))

    def _leave(self, lane: RecordingLane, writer: Writer) -> None:
        """Leave a source before its end: a camera's recording is over, any other is taken up again."""
        if lane.source.spec.live:
            self._end(lane, Ended(lane.frames_done), writer)
            return
        for tracklet in lane.close(CloseReason.INTERRUPTED):
            writer.put(tracklet)
        writer.put(lane.interrupted())

    def _link(self, recordings: Sequence[RecordingRecord]) -> None:
        """Rank the whole gallery for each infrared tracklet of these recordings."""
        infrared = [name for record in recordings for name in self._linker.infrared_of(record.id)]
        with self._clock.timed("link", len(infrared)):
            self._linker.link(infrared)

    def _caption(self, recordings: Sequence[RecordingRecord]) -> None:
        """Say of each tracklet of these recordings what it looks like, where a captioner is named."""
        if self._captioner is None:
            return
        begun = time.perf_counter()
        captioned = self._captioner.caption_recordings([record.id for record in recordings], self._stop)
        self._clock.add("caption", time.perf_counter() - begun, captioned)

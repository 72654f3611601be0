"""Recordings of a partition's cameras: begun or resumed, fed in order, ended, left when one is silent."""

from dataclasses import replace

from detectors.detector import PersonDetector
from reid_core.errors import NightreidError
from reid_core.gallery import Gallery, RecordingRecord, RecordingStatus
from reid_core.gallery.ledger import END, FencedError, Staged
from reid_core.types import CloseReason, Modality
from stream.chain.parts import settings_digest
from stream.kafka.envelope import EnvelopeError, Refusal
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.camera_lane import CameraLane, clock_of
from stream.worker.commits import Commits
from stream.worker.config import WorkerSettings
from stream.worker.frames import Frames
from stream.worker.partitions import Partitions, Share
from stream.worker.sequencing import Begun, Ordered, Over, Sequencer, Step

_DONE = (RecordingStatus.COMPLETE, RecordingStatus.PARTIAL)
_NEVER = 1 << 62


class Recordings:
    """Does what the sequencers say, in the thread that looks.

    Args:
        gallery: where cameras and recordings are written.
        detector: plans the looks.
        model: id of the embedder's model.
        settings: of the worker.
        partitions: whose cameras they are.
        frames: takes what is to be looked at.
        commits: writes what a silent camera leaves.
        patience: for a gallery that is away.
        telemetry: told of cameras that are over.
    """

    def __init__(
        self,
        gallery: Gallery,
        detector: PersonDetector,
        model: str,
        settings: WorkerSettings,
        partitions: Partitions,
        frames: Frames,
        commits: Commits,
        patience: Patience,
        telemetry: Telemetry,
    ) -> None:
        self._gallery = gallery
        self._detector = detector
        self._model = model
        self._settings = settings
        self._partitions = partitions
        self._frames = frames
        self._commits = commits
        self._patience = patience
        self._telemetry = telemetry

    def follow(self, share: Share, sequencer: Sequencer, step: Step, offset: int) -> None:
        """Do what a sequencer says.

        Args:
            share: of the camera.
            sequencer: of the camera.
            step: what it says.
            offset: of the record behind it.

        Raises:
            EnvelopeError: the stream cannot be begun with.
        """
        if isinstance(step, Begun):
            self._begin(share, sequencer, step, offset)
        elif isinstance(step, Ordered):
            self._admit(share, sequencer, step)
        else:
            self._end(share, sequencer, step)

    def close_idle(self) -> None:
        """Close what silent cameras leave open and say so: nobody knows when they will be back."""
        for share in [share for share in self._partitions.shares if share.alive]:
            for camera in share.silent(self._settings.limits.idle_seconds):
                del share.heard[camera]
                self._rest(share, camera)

    def _begin(self, share: Share, sequencer: Sequencer, begun: Begun, offset: int) -> None:
        self._frames.flush()
        record = self._recording(begun)
        if record.status in _DONE:
            share.done.add(record.id)
            sequencer.resume(record.id, _NEVER)
            return
        sequencer.resume(record.id, record.checkpoint, clock_of(record))
        share.lanes[sequencer.camera] = self._lane(record, begun, offset)

    def _recording(self, begun: Begun) -> RecordingRecord:
        stream = begun.stream

        def register() -> RecordingRecord:
            known = self._gallery.recording(begun.recording)
            if known is not None and known.camera != stream.camera:
                raise EnvelopeError(
                    Refusal.CAMERA, f"The stream {known.id!r} is of camera {known.camera!r} already."
                )
            self._gallery.put_camera(stream.camera, stream.modality, stream.spectrum, stream.start_ns)
            return self._gallery.begin_recording(
                RecordingRecord(
                    id=begun.recording,
                    camera=stream.camera,
                    source=stream.source,
                    fps=stream.fps,
                    width=begun.width,
                    height=begun.height,
                    start_ns=stream.start_ns,
                    detector=self._detector.name,
                    model=self._model,
                    state={"settings": self._digest(stream.camera)},
                )
            )

        try:
            return self._patience.until_done("database", register)
        except NightreidError as error:
            if error.transient or isinstance(error, FencedError | EnvelopeError):
                raise
            raise EnvelopeError(Refusal.CAMERA, error.message) from error

    def _lane(self, record: RecordingRecord, begun: Begun, offset: int) -> CameraLane:
        digest = self._digest(begun.stream.camera)
        return CameraLane.open(record, begun.stream, self._detector, self._settings, digest, offset)

    def _digest(self, camera: str) -> str:
        return settings_digest(self._detector, self._settings, camera)

    def _reopened(self, over: Over, offset: int) -> CameraLane:
        record = self._patience.until_done("database", lambda: self._gallery.recording(over.recording))
        assert record is not None, "what has begun has a row"
        return self._lane(record, Begun(record.id, over.stream, record.width, record.height), offset)

    def _admit(self, share: Share, sequencer: Sequencer, ordered: Ordered) -> None:
        if ordered.recording in share.done:
            return
        envelope = ordered.arrival.envelope
        lane = share.lanes.get(sequencer.camera)
        if lane is None:
            # It was silent and is back.
            begun = Begun(ordered.recording, envelope.stream, envelope.width, envelope.height)
            lane = share.lanes[sequencer.camera] = self._lane(self._recording(begun), begun, ordered.low)
        with self._telemetry.timed("gate"):
            prepared, low, clock = ordered.arrival.content, ordered.low, ordered.clock
            gated = lane.admit(
                ordered.index, ordered.time_ns, prepared.picture, low, clock, prepared.sketched
            )
        self._frames.add(share, lane, gated)

    def _end(self, share: Share, sequencer: Sequencer, over: Over) -> None:
        """Close what a recording leaves open at its end, and the recording."""
        self._frames.flush()
        lane = share.lanes.pop(sequencer.camera, None)
        if lane is None:
            if over.recording in share.done:
                return
            # It was silent before it ended.
            lane = self._reopened(over, share.position)
        self._frames.stage(share, lane, lane.lane.close(CloseReason.END), lane.time_ns)
        status = RecordingStatus.COMPLETE if over.problem is None else RecordingStatus.PARTIAL
        frames = max(lane.lane.frames_done, over.frames)
        share.found.checkpoints.append(lane.lane.checkpoint(frames, status, over.problem))
        share.done.add(over.recording)
        self._telemetry.over(sequencer.camera)
        if lane.stream.modality is Modality.INFRARED or lane.lane.conditions.infrared:
            ended = Staged(END, over.recording, lane.stream.camera, str(Modality.INFRARED), lane.time_ns)
            share.found.staged.append((ended, None))
        share.found.streams.append(share.progress(lane, sequencer, ended=True))

    def _rest(self, share: Share, camera: str) -> None:
        """Give up on what is missing of a camera, and leave its recording for anybody to resume."""
        sequencer = share.sequencers.get(camera)
        progress = share.moving.get(camera)
        if sequencer is not None:
            for step in sequencer.flush():
                self.follow(share, sequencer, step, share.position)
            self._frames.flush()
            lane = share.lanes.pop(camera, None)
            if lane is not None:
                self._frames.stage(share, lane, lane.lane.close(CloseReason.TIMEOUT), lane.time_ns)
                share.found.checkpoints.append(lane.rest(sequencer.clock))
                progress = share.progress(lane, sequencer)
        if progress is None:
            return
        share.found.streams.append(replace(progress, resting=True))
        # At once: should the camera be back with the next record, this is where it is resumed.
        self._commits.commit()

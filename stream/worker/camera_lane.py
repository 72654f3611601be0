"""One recording of a stream on its way from frames to tracklets, and where it is taken up after a fall."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.detector import Look, PersonDetector
from detectors.motion import GatedFrame, Sketch
from detectors.thermal import RawScaler
from reid_core.counts import Counts
from reid_core.gallery import Checkpoint, RecordingRecord
from reid_core.types import Image, Tracklet
from stream.chain.config import ChainSettings
from stream.chain.lane import Lane, Seen
from stream.chain.parts import make_tracker
from stream.footage.gating import CameraGate
from stream.footage.sources import SourceFrame
from stream.kafka.envelope import Stream
from stream.worker.sequencing import Clock


@dataclass(frozen=True, slots=True)
class Gated:
    """A frame behind the gate.

    Attributes:
        frame: as the gate left it.
        looks: what the detector must look at.
        low: nothing of the recording from this frame on lies in front of this offset.
        state: what must be known to begin anew at this frame, besides what the `Lane` knows.
    """

    frame: GatedFrame
    looks: list[Look]
    low: int
    state: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class CameraLane:
    """A recording in progress on a worker.

    Whenever nobody is being followed, the lane can begin anew at the next frame with the same outcome:
    that is its checkpoint. ``resume`` is the offset from which records are needed to begin there.

    Attributes:
        stream: of the camera.
        lane: tracker and judge.
        gate: of the camera.
        scaler: of raw counts.
        resume: nothing in front of this offset is needed any more.
        time_ns: capture time of the last frame settled.
        checkpoint: the last one, not written yet.
        moved: whether anything was settled since it was last written.
    """

    stream: Stream
    lane: Lane
    gate: CameraGate
    scaler: RawScaler
    resume: int
    time_ns: int
    checkpoint: Checkpoint | None = None
    moved: bool = False

    @classmethod
    def open(
        cls,
        record: RecordingRecord,
        stream: Stream,
        detector: PersonDetector,
        settings: ChainSettings,
        settings_digest: str,
        resume: int,
    ) -> "CameraLane":
        """Go on with a recording at its checkpoint.

        Args:
            record: its row.
            stream: of its camera.
            detector: plans the looks.
            settings: of the chain.
            settings_digest: see `stream.chain.parts.settings_digest`.
            resume: offset of its next record.
        """
        modality, clock = stream.modality, clock_of(record)
        tracker = make_tracker(record.id, stream.camera, modality, stream.fps, settings)
        judge = detector.judge(modality, stream.spectrum)
        below = settings.detector.look(modality).tile_below
        return cls(
            stream=stream,
            lane=Lane(record, tracker, judge, detector, settings_digest, settings.camera(stream.camera)),
            gate=CameraGate(stream.camera, modality, settings.motion, below),
            scaler=RawScaler(remembered=record.state.get("range")),
            resume=resume,
            time_ns=record.start_ns if clock is None or clock.last_ns is None else clock.last_ns,
        )

    def admit(
        self,
        index: int,
        time_ns: int,
        picture: Image | Counts,
        low: int,
        clock: Clock,
        sketched: Sketch | None = None,
    ) -> Gated:
        """Take a frame through the gate; frames come in order.

        Args:
            index: its number in the recording.
            time_ns: its time, put right.
            picture: uint8 ``H x W x 3`` RGB or ``H x W`` grey, or raw counts, ``H x W``.
            low: nothing of the recording from this frame on lies in front of this offset.
            clock: of the camera, in front of this frame.
            sketched: the frame's sketch, where it was made ahead.
        """
        state = self._remembered(clock)
        image = np.asarray(picture if picture.dtype == np.uint8 else self.scaler(picture), np.uint8)
        frame = self.gate.admit(SourceFrame(index, time_ns, image), sketched)
        return Gated(frame, self.lane.looks(frame), low, state)

    def settle(self, gated: Gated, seen: Seen) -> list[Tracklet]:
        """Take in what was seen in a frame; returns the tracklets that ended with it."""
        closed, checkpoint = self.lane.settle(gated.frame, seen)
        if checkpoint is not None:
            self.checkpoint = replace(checkpoint, state={**checkpoint.state, **gated.state})
            self.resume = gated.low
        self.moved = True
        self.time_ns = max(self.time_ns, gated.frame.time_ns)
        return closed

    def rest(self, clock: Clock) -> Checkpoint:
        """The recording's row when it is left behind its last frame, nobody being followed any more.

        Args:
            clock: of the camera, behind that frame.
        """
        checkpoint = self.lane.checkpoint(self.lane.frames_done)
        return replace(checkpoint, state={**checkpoint.state, **self._remembered(clock)})

    def _remembered(self, clock: Clock) -> dict[str, Any]:
        """What begins anew with the next frame must know besides what the `Lane` does."""
        state: dict[str, Any] = {"clock": [clock.offset_ns, clock.last_ns, clock.capture_ns]}
        if self.scaler.remembered is not None:
            state["range"] = self.scaler.remembered
        return state


def clock_of(record: RecordingRecord) -> Clock | None:
    """The camera's clock in front of a recording's checkpoint; ``None`` if that is its beginning."""
    remembered = record.state.get("clock")
    return Clock(*remembered) if remembered is not None else None

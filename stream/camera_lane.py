"""One recording of a stream on its way from pictures to tracklets, and where it is taken up after a fall."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.detector import Look, PersonDetector
from detectors.motion import GatedFrame
from detectors.thermal import RawScaler
from reid_core.gallery import Checkpoint, RecordingRecord
from reid_core.types import Image, Tracklet
from stream.chain import make_tracker
from stream.config import ChainSettings
from stream.envelope import Stream
from stream.gating import CameraGate
from stream.lane import Lane, Seen
from stream.sources import Picture


@dataclass(frozen=True, slots=True)
class Gated:
    """A picture behind the gate.

    Attributes:
        frame: as the gate left it.
        looks: what the detector must look at.
        low: nothing of the recording from this picture on lies in front of this offset.
        state: what of the lane's memory must be known to begin anew at this picture.
    """

    frame: GatedFrame
    looks: list[Look]
    low: int
    state: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class CameraLane:
    """A recording in progress on a worker.

    Whenever nobody is being followed, the lane can begin anew at the next picture with the same outcome:
    that is its checkpoint. ``resume`` is the offset from which records are needed to begin there.

    Attributes:
        stream: of the camera.
        lane: tracker and judge.
        gate: of the camera.
        scaler: of raw counts.
        start: the number of the first picture to look at.
        resume: nothing in front of this offset is needed any more.
        time_ns: capture time of the last picture settled.
        checkpoint: the last one, not written yet.
        moved: whether anything was settled since it was last written.
        active: when a picture last came, on the monotonic clock.
    """

    stream: Stream
    lane: Lane
    gate: CameraGate
    scaler: RawScaler
    start: int
    resume: int
    time_ns: int
    checkpoint: Checkpoint | None = None
    moved: bool = False
    active: float = field(default_factory=time.monotonic)

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
            settings_digest: see `stream.chain.settings_digest`.
            resume: offset of its next record.
        """
        modality = stream.modality
        tracker = make_tracker(record.id, stream.camera, modality, stream.fps, settings)
        judge = detector.judge(modality, stream.spectrum)
        below = settings.detector.look(modality).tile_below
        return cls(
            stream=stream,
            lane=Lane(record, tracker, judge, detector, settings_digest),
            gate=CameraGate(stream.camera, modality, settings.motion, below),
            scaler=RawScaler(remembered=record.state.get("range")),
            start=record.checkpoint,
            resume=resume,
            time_ns=record.start_ns,
        )

    def admit(self, index: int, time_ns: int, picture: Image | NDArray[np.uint16], low: int) -> Gated:
        """Take a picture through the gate; pictures come in order."""
        state: dict[str, Any] = {}
        if picture.dtype == np.uint16:
            state["range"] = self.scaler.range
            grey = self.scaler(picture)
            image = np.repeat(grey[:, :, None], 3, axis=2)
        else:
            image = np.asarray(picture, np.uint8)
        self.active = time.monotonic()
        frame = self.gate.admit(Picture(index, time_ns, image, bgr=False))
        return Gated(frame, self.lane.looks(frame), low, state)

    def settle(self, gated: Gated, seen: Seen) -> list[Tracklet]:
        """Take in what was seen in a picture; returns the tracklets that ended with it."""
        closed, checkpoint = self.lane.settle(gated.frame, seen)
        if checkpoint is not None:
            if gated.state.get("range") is not None:
                checkpoint = replace(checkpoint, state={**checkpoint.state, **gated.state})
            self.checkpoint = checkpoint
            self.resume = gated.low
        self.moved = True
        self.time_ns = max(self.time_ns, gated.frame.time_ns)
        return closed

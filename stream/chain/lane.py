"""One recording on its way from frames to tracklets: its tracker and what it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from detectors.detector import Look, PersonDetector
from detectors.letterbox import Region
from detectors.motion import REFRESH, GatedFrame
from detectors.thermal import PolarityJudge
from detectors.tracking import CameraTracker
from reid_core.gallery import Checkpoint, RecordingRecord, RecordingStatus
from reid_core.types import Detections, Tracklet

# Frames between two checkpoints of a recording in which nobody is seen.
_CHECKPOINT_EVERY = 10 * REFRESH

Seen = Mapping[tuple[Region, bool], Detections]
"""What a frame's looks showed, by region and whether it was inverted."""


@dataclass(slots=True, eq=False)
class Lane:
    """One recording in progress.

    Attributes:
        recording: its row as the run began.
        tracker: follows its people.
        judge: of its polarity.
        detector: whose looks it plans.
        settings_digest: kept with the checkpoint, to tell a run with other settings apart.
        frames_done: frames seen so far.
        kept: the last detections of each region.
        fresh: whether a tracklet was closed since the last checkpoint.
        last: the last checkpoint.
    """

    recording: RecordingRecord
    tracker: CameraTracker
    judge: PolarityJudge
    detector: PersonDetector
    settings_digest: str
    frames_done: int = field(init=False)
    kept: dict[Region, Detections] = field(default_factory=dict)
    fresh: bool = False
    last: Checkpoint = field(init=False)

    def __post_init__(self) -> None:
        """Take up what the recording's checkpoint remembers."""
        record = self.recording
        self.last = Checkpoint(record.id, record.checkpoint, record.checkpoint, record.state)
        self.frames_done = record.checkpoint
        if "invert" in record.state and self.judge.invert is None:
            self.judge.as_is = float(record.state["as_is"])
            self.judge.inverted = float(record.state["inverted"])
            self.judge.invert = record.state["invert"]

    def looks(self, gated: GatedFrame) -> list[Look]:
        """What the detector must look at in a frame; both polarities while that is undecided."""
        if gated.frame is None:
            return []
        inverts = (False, True) if self.judge.invert is None else (self.judge.invert,)
        return [
            Look(gated.frame, gated.regions[number], invert) for number in gated.moved for invert in inverts
        ]

    def settle(self, gated: GatedFrame, seen: Seen) -> tuple[list[Tracklet], Checkpoint | None]:
        """Take in one frame, in order.

        Args:
            gated: the frame.
            seen: what its looks showed.

        Returns:
            the tracklets that ended, and the recording's checkpoint in front of this frame if it is time.
        """
        closed: list[Tracklet] = []
        checkpoint = None
        if gated.anew:
            closed += self.tracker.close_overlong(gated.time_ns)
            since = gated.index - self.last.checkpoint
            if since > 0 and self.tracker.quiet and (self.fresh or closed or since >= _CHECKPOINT_EVERY):
                self.last = checkpoint = self.checkpoint(gated.index)
                self.fresh = False
        invert = self._choose(gated, seen)
        moved = [gated.regions[number] for number in gated.moved]
        self.kept.update({region: seen[region, invert] for region in moved})
        parts = [self.kept[region] for region in gated.regions]
        if gated.cut or len(self.kept) > len(parts):
            self.kept = dict(zip(gated.regions, parts, strict=True))
        found = self.detector.merge(parts)
        ended = self.tracker.update(gated.index, gated.time_ns, found, gated.frame, gated.cut)
        self.fresh = self.fresh or bool(ended)
        self.frames_done = gated.index + 1
        # Tracklets closed in front of this frame belong in front of the checkpoint as well.
        return closed + ended, checkpoint

    def _choose(self, gated: GatedFrame, seen: Seen) -> bool:
        """Which polarity counts for this frame; gathers evidence while that is undecided."""
        if self.judge.invert is None and gated.moved:
            moved = [gated.regions[number] for number in gated.moved]
            as_is, inverted = (
                self.detector.merge([seen[region, version] for region in moved]) for version in (False, True)
            )
            self.judge.see(as_is, inverted, anew=gated.cut or gated.anew)
        return self.judge.leaning

    def checkpoint(
        self, index: int, status: RecordingStatus = RecordingStatus.RUNNING, message: str | None = None
    ) -> Checkpoint:
        """The recording's row as of frame ``index``, in front of which nobody is being followed."""
        state: dict[str, Any] = {
            "settings": self.settings_digest,
            "as_is": self.judge.as_is,
            "inverted": self.judge.inverted,
            "invert": self.judge.invert,
        }
        return Checkpoint(self.recording.id, index, index, state, status, message)

    def interrupted(self) -> Checkpoint:
        """The recording's row when it is left in the middle: all frames seen, the last checkpoint's state.

        What the judge has gathered since would count twice once those frames are seen again.
        """
        return replace(self.last, frames_done=self.frames_done)

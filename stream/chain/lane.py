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
from reid_core.types import CloseReason, Detections, Modality, Tracklet
from stream.chain.conditions import MOTIONLESS, ZONE, Conditions
from stream.chain.config import CameraOptions

# Frames between two checkpoints of a recording in which nobody is seen.
_CHECKPOINT_EVERY = 10 * REFRESH
# Frames between two at which a polarity that is decided is checked.
_CHECK_EVERY = 4 * REFRESH

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
        options: of the camera.
        frames_done: frames seen so far.
        kept: the last detections of each region.
        fresh: whether a tracklet was closed since the last checkpoint.
        last: the last checkpoint.
        conditions: of the camera, as they are by now.
    """

    recording: RecordingRecord
    tracker: CameraTracker
    judge: PolarityJudge
    detector: PersonDetector
    settings_digest: str
    options: CameraOptions = field(default_factory=CameraOptions)
    frames_done: int = field(init=False)
    kept: dict[Region, Detections] = field(default_factory=dict)
    fresh: bool = False
    last: Checkpoint = field(init=False)
    conditions: Conditions = field(init=False)

    def __post_init__(self) -> None:
        """Take up what the recording's checkpoint remembers."""
        record = self.recording
        self.last = Checkpoint(record.id, record.checkpoint, record.checkpoint, record.state)
        self.frames_done = record.checkpoint
        if "invert" in record.state and self.judge.invert is None:
            self.judge.as_is = float(record.state["as_is"])
            self.judge.inverted = float(record.state["inverted"])
            self.judge.invert = record.state["invert"]
            self.judge.doubted = record.state.get("doubted")
        self.conditions = Conditions(self.options, self.tracker.modality, record.state)
        if self.conditions.near:
            self.tracker.turn(Modality.INFRARED, record.checkpoint)

    def looks(self, gated: GatedFrame) -> list[Look]:
        """What the detector must look at in a frame; both polarities while that is in question."""
        if gated.frame is None:
            return []
        return [
            Look(gated.frame, gated.regions[number], invert)
            for number in gated.moved
            for invert in self._versions(gated)
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
            self._count_motionless()
            since = gated.index - self.last.checkpoint
            # Whoever resumed here would not know what this frame is the negative of.
            restful = self.tracker.quiet and not gated.negative
            if since > 0 and restful and (self.fresh or closed or since >= _CHECKPOINT_EVERY):
                self.last = checkpoint = self.checkpoint(gated.index)
                self.fresh = False
        invert, seen = self._choose(gated, seen)
        moved = [gated.regions[number] for number in gated.moved]
        self.kept.update({region: seen[region, invert] for region in moved})
        parts = [self.kept[region] for region in gated.regions]
        if gated.cut or len(self.kept) > len(parts):
            self.kept = dict(zip(gated.regions, parts, strict=True))
        everybody = self.detector.merge(parts)
        found = self.conditions.outside(everybody, gated)
        self.conditions.set_aside(ZONE, len(everybody) - len(found))
        switch = self.conditions.see(gated, found)
        if switch is not None and self.conditions.near is not (self.tracker.modality is Modality.INFRARED):
            closed += self.tracker.turn(self._modality, switch.frame)
        # A crop of other light than its tracklet's would be compared as what it is not.
        frame = gated.frame if not self.conditions.doubts else None
        ended = self.tracker.update(gated.index, gated.time_ns, found, frame, gated.cut)
        self._count_motionless()
        self.fresh = self.fresh or bool(ended)
        self.frames_done = gated.index + 1
        # Tracklets closed in front of this frame belong in front of the checkpoint as well.
        return closed + ended, checkpoint

    @property
    def _modality(self) -> Modality:
        """What a visible camera's tracklets are by now."""
        return Modality.INFRARED if self.conditions.near else Modality.VISIBLE

    def _versions(self, gated: GatedFrame) -> tuple[bool, ...]:
        """Which polarities of a frame are to be looked at, as inverted or not."""
        checked = gated.anew and gated.index // REFRESH % (_CHECK_EVERY // REFRESH) == 0
        if self.judge.undecided or (checked and not self.judge.told):
            return False, True
        return (self.judge.leaning,)

    def _choose(self, gated: GatedFrame, seen: Seen) -> tuple[bool, Seen]:
        """Which polarity counts for this frame, and what its looks showed, those still wanted included."""
        if gated.negative:
            self.judge.turn()
        if gated.anew:
            self.judge.refresh()
        versions = self._versions(gated)
        moved = [gated.regions[number] for number in gated.moved]
        missing = [
            (region, version) for region in moved for version in versions if (region, version) not in seen
        ]
        if missing and gated.frame is not None:
            # What was in question with this frame was not yet known when its looks were planned.
            found = self.detector.look([Look(gated.frame, region, version) for region, version in missing])
            seen = {**seen, **dict(zip(missing, found, strict=True))}
        if moved and len(versions) > 1:
            as_is, inverted = (
                self.conditions.outside(
                    self.detector.merge([seen[region, version] for region in moved]), gated
                )
                for version in versions
            )
            if self.judge.undecided:
                self.judge.see(as_is, inverted, anew=gated.cut or gated.anew)
            else:
                self.judge.check(as_is, inverted)
        return self.judge.leaning, seen

    def close(self, reason: CloseReason) -> list[Tracklet]:
        """End every open tracklet."""
        closed = self.tracker.close(reason)
        self._count_motionless()
        return closed

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
        if self.judge.doubted is not None:
            state["doubted"] = self.judge.doubted
        state |= self.conditions.state
        return Checkpoint(self.recording.id, index, index, state, status, message)

    def _count_motionless(self) -> None:
        self.conditions.set_aside(MOTIONLESS, self.tracker.motionless)
        self.tracker.motionless = 0

    def interrupted(self) -> Checkpoint:
        """The recording's row when it is left in the middle: all frames seen, the last checkpoint's state.

        What the judge has gathered since would count twice once those frames are seen again.
        """
        return replace(self.last, frames_done=self.frames_done)

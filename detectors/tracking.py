"""One camera's detections into tracklets: opened, continued and closed, on ultralytics' trackers."""

import uuid
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from detectors.config import LookSettings, TrackerSettings
from detectors.quality import BestCrops, overlaps
from reid_core.types import CloseReason, Detections, Floats, Frame, Modality, Tracklet

_STILL = 0.15
# The trackers count in whole numbers: parts of a frame at the nominal rate.
_TICKS = 8
_MOST, _ALL_BUT = 0.9, 0.995
_NAMESPACE = uuid.UUID("6b1d3c1e-6a0e-5b0f-9a57-4e1f0b7c2d11")


@dataclass(slots=True)
class _OpenTracklet:
    """A tracklet that is still growing."""

    ordinal: int
    crops: BestCrops
    frames: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    boxes: list[Floats] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    def cut_off(self, first: int, crops: BestCrops) -> "_OpenTracklet":
        """End in front of frame ``first``; returns what was seen since, without its crops.

        Args:
            first: number of the frame.
            crops: where what was seen since keeps its own.
        """
        length = bisect_left(self.frames, first)
        since = _OpenTracklet(
            self.ordinal,
            crops,
            self.frames[length:],
            self.times[length:],
            self.boxes[length:],
            self.confidences[length:],
        )
        for column in (self.frames, self.times, self.boxes, self.confidences):
            del column[length:]
        self.crops.kept = [crop for crop in self.crops.kept if crop.frame < first]
        return since


class _TrackerInput:
    """Detections in the form that ultralytics' trackers read."""

    def __init__(self, found: Detections) -> None:
        self.xyxy = found.boxes
        self.conf = found.confidences
        self.cls = np.zeros(len(found), np.float32)
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        self.xywh = np.concatenate([found.boxes[:, :2] + sides / 2, sides], axis=1)
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, keep: Any) -> "_TrackerInput":
        return _TrackerInput(self._found.select(keep))


class CameraTracker:
    """Follows the people of one recording.

    Whenever nobody is in sight, the tracker holds no state at all: then, and only then, ``quiet`` is
    true and the recording can be taken up again at the next frame with the same outcome.

    Args:
        recording: id of the recording; part of the tracklets' ids.
        camera: the camera's id.
        modality: of the camera.
        fps: frames per second, nominal; how long somebody is waited for is told by capture times.
        settings: of the tracker.
        look: thresholds of the modality.

    Attributes:
        motionless: tracklets that were nobody, because they never moved.
    """

    def __init__(
        self,
        recording: str,
        camera: str,
        modality: Modality,
        fps: float,
        settings: TrackerSettings,
        look: LookSettings,
    ) -> None:
        self._recording = recording
        self._camera = camera
        self._modality = modality
        self._settings = settings
        self._lost_ns = int(settings.lost_seconds * 1e9)
        self._longest_ns = int(settings.longest_seconds * 1e9)
        self._spacing_ns = int(settings.crop_spacing_seconds * 1e9)
        self._ticks_per_ns = _TICKS * fps / 1e9
        # Somebody has as many frames' time as lie in it, and half of one for clocks that are not even.
        patience = round(fps * settings.lost_seconds) if fps * settings.lost_seconds >= 1 else 0
        self._patience = _TICKS * patience + _TICKS // 2
        self._tracker = _make_tracker(settings, look, modality, self._patience)
        self._clock_ns = self._step_ns = 0
        self._open: dict[int, _OpenTracklet] = {}
        self._opened_in: tuple[int, int] = (-1, 0)
        self._last_ns: int | None = None
        self._settled: tuple[Detections, list[tuple[int, int]]] | None = None
        self.motionless = 0

    @property
    def modality(self) -> Modality:
        """How the crops of tracklets that open now are compared."""
        return self._modality

    @property
    def quiet(self) -> bool:
        """Whether nobody is being followed, not even somebody lost from sight."""
        return not (self._tracker.tracked_stracks or self._tracker.lost_stracks or self._open)

    def update(
        self, index: int, time_ns: int, found: Detections, frame: Frame | None, cut: bool = False
    ) -> list[Tracklet]:
        """Take in one frame.

        Args:
            index: number of the frame; ascending.
            time_ns: its capture time.
            found: the people in it.
            frame: the frame to cut crops from, or ``None`` where it did not change.
            cut: the scene changed: whoever was followed is not followed any further.

        Returns:
            The tracklets that ended before this frame, in the order in which they began.
        """
        closed: list[Tracklet] = []
        if cut:
            closed += self.close(CloseReason.CUT)
        elif self._last_ns is not None and time_ns - self._last_ns > self._lost_ns:
            closed += self.close(CloseReason.TIMEOUT)
        self._step_ns = max(0, time_ns - self._last_ns) if self._last_ns is not None else 0
        self._last_ns = time_ns
        if not len(found) and self.quiet:
            return closed
        self._grow(index, time_ns, found, frame)
        closed += self._collect_lost()
        if self.quiet:
            self._forget()
        return closed

    def close_overlong(self, time_ns: int) -> list[Tracklet]:
        """End every open tracklet if one has become longer than the settings allow."""
        if any(time_ns - one.times[0] > self._longest_ns for one in self._open.values()):
            return self.close(CloseReason.LIMIT)
        return []

    def turn(self, modality: Modality, first: int) -> list[Tracklet]:
        """Go on in another modality: every open tracklet ends in front of frame ``first``.

        Whoever was seen since goes on as a tracklet of the other modality that begins there.
        """
        since = {track: one.cut_off(first, self._no_crops()) for track, one in self._open.items()}
        before = self._in_order(one for one in self._open.values() if one.frames)
        # Who came since has a number among those that begin with a frame; the others are counted on behind.
        taken = Counter(one.frames[0] for track, one in since.items() if not self._open[track].frames)
        for one in sorted(
            (one for track, one in since.items() if self._open[track].frames and one.frames),
            key=lambda one: (one.frames[0], float(one.boxes[0][0])),
        ):
            one.ordinal = taken[one.frames[0]]
            taken[one.frames[0]] += 1
        ended = [self._finish(one, CloseReason.SWITCH) for one in before]
        self._open = {track: one for track, one in since.items() if one.frames}
        self._modality = modality
        return [tracklet for tracklet in ended if tracklet is not None]

    def close(self, reason: CloseReason) -> list[Tracklet]:
        """End every open tracklet."""
        ended = [self._finish(one, reason) for one in self._in_order(self._open.values())]
        self._open.clear()
        self._forget()
        return [tracklet for tracklet in ended if tracklet is not None]

    def _forget(self) -> None:
        self._tracker.reset()
        self._settled = None

    def _grow(self, index: int, time_ns: int, found: Detections, frame: Frame | None) -> None:
        covered = overlaps(found.boxes) if frame is not None else None
        for track, place in self._associated(found, frame is None):
            one = self._open.get(track)
            if one is None:
                one = self._open[track] = _OpenTracklet(self._next_ordinal(index), self._no_crops())
            box, confidence = found.boxes[place], float(found.confidences[place])
            one.frames.append(index)
            one.times.append(time_ns)
            one.boxes.append(box)
            one.confidences.append(confidence)
            if frame is not None and covered is not None:
                one.crops.offer(frame, box, confidence, float(covered[place]))

    def _associated(self, found: Detections, still: bool) -> list[tuple[int, int]]:
        """Which track each detection continues: ``(track, place in found)``.

        Left to right, so that two tracklets opened in one frame are told apart the same way each time. In a
        still frame everybody stays who they were: a tracker that has nobody lost or on probation would
        say the same again.
        """
        if still and self._settled is not None and np.array_equal(self._settled[0].boxes, found.boxes):
            return self._settled[1]
        self._wind_clock()
        rows = self._tracker.update(_TrackerInput(found))
        pairs = sorted(
            ((int(row[4]), int(row[7])) for row in rows), key=lambda pair: float(found.boxes[pair[1]][0])
        )
        waiting = self._tracker.lost_stracks or not all(t.is_activated for t in self._tracker.tracked_stracks)
        self._settled = None if waiting else (found, pairs)
        return pairs

    def _wind_clock(self) -> None:
        """Have the tracker count time, not frames; in still frames, which it never saw, nobody is lost."""
        self._clock_ns = self._clock_ns + self._step_ns if self._tracker.frame_id else 0
        # At the first count, and only there, the tracker takes everybody at once.
        first = 2 if self._tracker.frame_id else 1
        now = max(self._tracker.frame_id, first, 1 + round(self._clock_ns * self._ticks_per_ns))
        # The tracker lets go two frames late; behind a pause that would be any time.
        latest = now - self._patience - 2 * _TICKS
        self._tracker.lost_stracks = [one for one in self._tracker.lost_stracks if one.end_frame >= latest]
        # The tracker adds one.
        self._tracker.frame_id = now - 1

    def _no_crops(self) -> BestCrops:
        return BestCrops(self._settings.crops, self._spacing_ns)

    def _next_ordinal(self, index: int) -> int:
        ordinal = self._opened_in[1] + 1 if self._opened_in[0] == index else 0
        self._opened_in = (index, ordinal)
        return ordinal

    def _collect_lost(self) -> list[Tracklet]:
        """Tracklets whose person the tracker has given up."""
        alive = {track.track_id for track in (*self._tracker.tracked_stracks, *self._tracker.lost_stracks)}
        gone = [self._open.pop(track) for track in [track for track in self._open if track not in alive]]
        ended = [self._finish(one, CloseReason.TIMEOUT) for one in self._in_order(gone)]
        return [tracklet for tracklet in ended if tracklet is not None]

    @staticmethod
    def _in_order(tracklets: Any) -> list[_OpenTracklet]:
        return sorted(tracklets, key=lambda one: (one.frames[0], one.ordinal))

    def _finish(self, one: _OpenTracklet, reason: CloseReason) -> Tracklet | None:
        if len(one.frames) < self._settings.minimum_frames or not one.crops.kept:
            return None
        unsure = np.mean(one.confidences) < self._settings.still_confidence
        if (unsure or _slimness(one.boxes) < self._settings.still_narrowest) and _travel(one.boxes) < _STILL:
            return None
        if self._never_moved(one):
            self.motionless += 1
            return None
        name = f"{self._recording}/{one.frames[0]}/{one.ordinal}"
        return Tracklet(
            id=str(uuid.uuid5(_NAMESPACE, name)),
            recording=self._recording,
            camera=self._camera,
            modality=self._modality,
            frames=np.array(one.frames, np.int64),
            times_ns=np.array(one.times, np.int64),
            boxes=np.stack(one.boxes).astype(np.float32),
            confidences=np.array(one.confidences, np.float32),
            sightings=tuple(one.crops.kept),
            close_reason=reason,
        )

    def _never_moved(self, one: _OpenTracklet) -> bool:
        """Whether it has been in one place for so long that it is nobody."""
        enough = self._settings.motionless_seconds
        if enough is None or one.times[-1] - one.times[0] < enough * 1e9:
            return False
        return _travel(one.boxes, _ALL_BUT) < self._settings.motionless_travel


def _slimness(boxes: list[Floats]) -> float:
    """Width over height of the median box."""
    left, top, right, bottom = np.median(np.stack(boxes), axis=0)
    return float((right - left) / max(bottom - top, 1e-6))


def _travel(boxes: list[Floats], most: float = _MOST) -> float:
    """How far the box moves to either side of its usual place, in heights of the median box.

    That is how far it is away at most in a share ``most`` of the frames. Only what opposite edges do together
    counts: a lamp post seen now whole, now in part, goes nowhere.
    """
    stacked = np.stack(boxes)
    usual = np.median(stacked, axis=0)
    low, high = (stacked - usual)[:, :2], (stacked - usual)[:, 2:]
    together = np.where(low * high > 0, np.minimum(np.abs(low), np.abs(high)), 0)
    distance = np.quantile(np.hypot(together[:, 0], together[:, 1]), most)
    return float(distance / max(usual[3] - usual[1], 1e-6))


def _make_tracker(settings: TrackerSettings, look: LookSettings, modality: Modality, patience: int) -> Any:
    """One of ultralytics' trackers, for a camera that does not move (no motion compensation).

    In infrared, a figure of twenty pixels is found with little confidence but at the right place. There
    all detections are associated in the first round and by overlap alone; ByteTrack's second round asks
    for more overlap than boxes of six pixels' width can give.
    """
    from detectors.ultralytics_package import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.trackers.bot_sort import BOTSORT
    from ultralytics.trackers.byte_tracker import BYTETracker

    infrared = modality is Modality.INFRARED
    arguments = SimpleNamespace(
        tracker_type=settings.kind,
        track_high_thresh=look.low_confidence if infrared else look.confidence,
        track_low_thresh=look.low_confidence,
        new_track_thresh=look.confidence,
        track_buffer=patience,
        match_thresh=0.9 if infrared else 0.8,
        fuse_score=not infrared,
        gmc_method="none",
        proximity_thresh=0.5,
        appearance_thresh=0.8,
        with_reid=False,
        model="auto",
    )
    return (BYTETracker if settings.kind == "bytetrack" else BOTSORT)(arguments)

"""Frames on their way through the detector: looked at in batches, settled in order, tracklets staged."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detectors.detector import PersonDetector
from reid_core.gallery.ledger import TRACKLET, Staged
from reid_core.types import Detections, Tracklet
from stream.chain.embedding import Embedding
from stream.service.telemetry import Telemetry
from stream.worker.camera_lane import CameraLane, Gated
from stream.worker.partitions import Partitions, Share

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A frame on its way through the detector."""

    share: Share
    lane: CameraLane
    gated: Gated


class Frames:
    """Looks at what the gates let through, in the thread that looks.

    Args:
        detector: finds the people.
        embedding: takes the tracklets that close.
        partitions: whose frames they are.
        telemetry: told what is found.
        batch: looks in one call of the detector.

    Attributes:
        settled: frames gone through.
    """

    def __init__(
        self,
        detector: PersonDetector,
        embedding: Embedding[bytes],
        partitions: Partitions,
        telemetry: Telemetry,
        batch: int,
    ) -> None:
        self._detector = detector
        self._embedding = embedding
        self._partitions = partitions
        self._telemetry = telemetry
        self._batch = batch
        self._pending: list[_Pending] = []
        self._looks = 0
        self.settled = 0

    @property
    def pending(self) -> bool:
        """Whether any are to be looked at."""
        return bool(self._pending)

    def add(self, share: Share, lane: CameraLane, gated: Gated) -> None:
        """Take one in; looks at everything that is pending once that is a batch."""
        self._pending.append(_Pending(share, lane, gated))
        self._looks += len(gated.looks)
        if self._looks >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Look at everything that is pending, in one call, and settle it in order."""
        # A share that another worker holds by now is no longer among them.
        pending = [one for one in self._pending if one.share in self._partitions.shares]
        self._pending, self._looks = [], 0
        looks = [look for one in pending for look in one.gated.looks]
        found: Iterator[Detections] = iter(())
        if looks:
            self._telemetry.batches.observe(len(looks))
            with self._telemetry.timed("detect"):
                found = iter(self._detector.look(looks))
        for one in pending:
            seen = {(look.region, look.invert): next(found) for look in one.gated.looks}
            with self._telemetry.timed("track"):
                closed = one.lane.settle(one.gated, seen)
            self.stage(one.share, one.lane, closed, one.gated.frame.time_ns)
            self.settled += 1
            camera = one.lane.stream.camera
            self._telemetry.frames.labels(camera).inc()
            self._telemetry.detections.labels(camera).inc(sum(map(len, seen.values())))
            self._telemetry.saw(camera, one.gated.frame.time_ns)

    def finish(self) -> None:
        """Look at everything that is pending, and wait until what closed with it is embedded."""
        self.flush()
        self._embedding.wait()

    def stage(self, share: Share, lane: CameraLane, closed: Sequence[Tracklet], due_ns: int) -> None:
        """Hand tracklets that closed to the embedder, and note them for the next commit."""
        for tracklet in closed:
            content = self._embedding.submit(tracklet)
            camera, modality = tracklet.camera, str(tracklet.modality)
            share.found.staged.append((Staged(TRACKLET, tracklet.id, camera, modality, due_ns), content))
            self._telemetry.tracklets.labels(camera, tracklet.close_reason).inc()
        self._tell(lane)

    def _tell(self, lane: CameraLane) -> None:
        """Tell what a camera did besides showing people."""
        camera, conditions = lane.stream.camera, lane.lane.conditions
        for switch, told in conditions.news(camera):
            self._telemetry.switches.labels(camera, switch.spectrum).inc()
            _LOG.warning("%s", told)
        for reason, count in conditions.newly_set_aside().items():
            self._telemetry.set_aside.labels(camera, reason).inc(count)

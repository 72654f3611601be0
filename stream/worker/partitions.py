"""The partitions that a worker holds: claimed, let go of, and lost to another worker."""

import logging
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from reid_core.gallery import Checkpoint
from reid_core.gallery.ledger import Advance, Hold, Ledger, Staged, StreamProgress
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.camera_lane import CameraLane
from stream.worker.sequencing import Sequencer
from stream.worker.soundings import NEVER, Soundings

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Found:
    """What was found in a partition and is in no commit yet.

    Attributes:
        staged: in order; with each closed tracklet, which comes without its content, what the embedder makes
            of it.
        checkpoints: of recordings that are left.
        streams: of their cameras.
    """

    staged: "list[tuple[Staged, Future[bytes] | None]]" = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    streams: list[StreamProgress] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Share:
    """A partition that this worker holds.

    Attributes:
        hold: what the ledger says of it; renewed with every claim.
        position: the next record to take in.
        saved: the record that the ledger would go on at.
        reached: the last record that was begun with, plus one.
        sequencers: of its cameras.
        lanes: the recordings in progress, by camera.
        heard: when a camera's last record was taken in, on the clock of `Soundings`, unless it is silent.
        moving: what the ledger said at the claim of cameras of which nothing was found since.
        read_up_to: whatever had come to Kafka by then, on that clock, has been taken in.
        done: recordings of which nothing more is looked at.
        found: what is in no commit yet.
        alive: whether this worker still holds it.
        end: the record behind the last one that is known to be there.
        handed: the record behind the last one that the consumer has handed over.
        caught_up: whether there was nothing more to fetch lately.
        told: what the ledger knows of ``reached`` and ``caught_up``.
        fresh: whether nothing has been written for it since it was claimed.
    """

    hold: Hold
    position: int
    saved: int
    reached: int
    sequencers: dict[str, Sequencer] = field(default_factory=dict)
    lanes: dict[str, CameraLane] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    moving: dict[str, StreamProgress] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    found: Found = field(default_factory=Found)
    alive: bool = True
    end: int = 0
    handed: int = 0
    caught_up: bool = False
    told: tuple[int, bool] = (0, False)
    read_up_to: float = NEVER
    fresh: bool = True

    @property
    def settled(self) -> int:
        """Every record in front of it was gone through, unless frames are pending."""
        held = (sequencer.held for sequencer in self.sequencers.values())
        return min([self.position, *(offset for offset in held if offset is not None)])

    @property
    def resume(self) -> int:
        """The record to go on at after a fall: everything in front of it is settled."""
        return min([self.settled, *(lane.resume for lane in self.lanes.values())])

    @property
    def advance(self) -> Advance:
        """How far it has come, for the ledger."""
        return Advance(
            topic=self.hold.topic,
            number=self.hold.number,
            epoch=self.hold.epoch,
            expected=self.saved,
            next=self.resume,
            reached=self.reached,
            seen=self.caught_up or self.position > self.hold.next,
            caught_up=self.caught_up,
            settled=self.settled,
        )

    def progress(self, lane: CameraLane, sequencer: Sequencer, ended: bool = False) -> StreamProgress:
        """How far one of its cameras has come, for the ledger."""
        hold, camera = self.hold, sequencer.camera
        self.moving.pop(camera, None)
        # The sequencer may have come to the next stream already.
        state = {**sequencer.state, "stream": lane.stream.id}
        return StreamProgress(camera, hold.topic, hold.number, lane.time_ns, ended, state)

    def silent(self, idle_seconds: float) -> list[str]:
        """Cameras of which nothing had come for so long to what has been read."""
        return [camera for camera, heard in self.heard.items() if self.read_up_to - heard > idle_seconds]


@dataclass(slots=True, eq=False)
class Claim:
    """A partition that was assigned: to be claimed if it still is, and what the log still has of it.

    ``topic_id`` is Kafka's own of its topic, empty where it is not known.
    """

    topic: str
    number: int
    kept: tuple[int, int]
    topic_id: str = ""
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Release:
    """A share that is this worker's no longer."""

    share: Share


class Partitions:
    """The shares of a worker, in the thread that looks.

    Args:
        ledger: where they are claimed.
        patience: for a ledger that is away.
        telemetry: told of those that are lost.
        holder: name of this worker in the ledger.
        span: how many records may have been begun with and not be written.
        soundings: whose clock tells how long a camera is silent.

    Attributes:
        shares: those it holds.
        claimed: those the consumer has not begun with, and what it asked for.
    """

    def __init__(
        self,
        ledger: Ledger,
        patience: Patience,
        telemetry: Telemetry,
        holder: str,
        span: int,
        soundings: Soundings,
    ) -> None:
        self._ledger = ledger
        self._patience = patience
        self._telemetry = telemetry
        self._holder = holder
        self.span = span
        self._soundings = soundings
        self.shares: list[Share] = []
        self.claimed: deque[tuple[Claim, Share]] = deque()

    def claim(self, claim: Claim) -> None:
        """Become the holder of a partition, if it is still wanted."""
        if not claim.wanted:
            return
        hold = self._patience.until_done(
            "database",
            lambda: self._ledger.claim(
                claim.topic, claim.number, self._holder, claim.kept, self.span, claim.topic_id
            ),
        )
        share = Share(hold, hold.next, hold.next, hold.next, end=claim.kept[1])
        # Whoever held it before may not have lived to say that they are silent.
        share.heard = dict.fromkeys(hold.moving, self._soundings.now())
        share.moving = dict(hold.moving)
        share.caught_up = share.position >= share.end
        self.shares.append(share)
        self.claimed.append((claim, share))

    def let_go(self, share: Share) -> None:
        """Be its holder no more; what was found in it is written."""
        self._patience.until_done("database", lambda: self._ledger.release([share.advance]))
        self._forget(share)

    def let_go_of_all(self) -> None:
        """Be the holder of nothing any more, where everything ends."""
        self._ledger.release([share.advance for share in self.shares if share.alive])

    def lose(self, share: Share) -> None:
        """Forget a share that another worker holds by now."""
        _LOG.warning("Partition %s of %s belongs to another worker now.", share.hold.number, share.hold.topic)
        self._telemetry.fenced.inc()
        share.alive = False
        self._forget(share)

    def _forget(self, share: Share) -> None:
        for camera in share.lanes:
            self._telemetry.over(camera)
        if share in self.shares:
            self.shares.remove(share)

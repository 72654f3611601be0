"""The thread of a worker that looks: records in their order through detector and tracker, into the ledger.

Its parts have a file each: the partitions it holds (`stream.worker.partitions`), records taken in
(`stream.worker.intake`), the recordings they belong to (`stream.worker.recordings`), frames in front of the
detector (`stream.worker.frames`), and what is written when (`stream.worker.commits`). All of them run in this
thread. Beside it, closed tracklets are embedded in one of their own (`stream.chain.embedding`).
"""

import logging
import threading

from detectors.detector import PersonDetector
from reid_core.errors import NightreidError
from reid_core.gallery import Gallery
from reid_core.gallery.ledger import Ledger
from reid_core.gallery.staging import pack_entry
from reid_core.runtime import Embedder
from reid_core.types import Floats, Tracklet
from stream.chain.embedding import Embedding
from stream.chain.parts import tracklet_entry
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.commits import Commits
from stream.worker.config import WorkerSettings
from stream.worker.frames import Frames
from stream.worker.intake import Intake, Prepare
from stream.worker.partitions import Claim, Partitions, Release, Share
from stream.worker.recordings import Recordings
from stream.worker.records import POLLED, Damaged, Item, Passed, Waiting
from stream.worker.soundings import Soundings

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
# Tracklets that may wait for the embedder. A commit waits for them, and everybody's turn for the commit.
_EMBEDDED_LATER = 16


class Shift:
    """Takes what waits and looks at it. Everything that touches lanes, trackers and the ledger runs here.

    Args:
        gallery: where cameras and recordings are written.
        ledger: where everything else is.
        detector: finds the people.
        embedder: turns crops into vectors.
        settings: of the worker.
        waiting: what the consumer's thread hands over.
        prepare: reads and decodes a record in this thread.
        telemetry: told what happens.
        holder: name of this worker in the ledger.
        soundings: whose clock tells how long a camera is silent.

    Attributes:
        span: how many records may have been begun with and not be written.
        claimed: shares for the consumer to begin with, and what it asked for.
        error: what ended the thread, if it was no order to stop.
    """

    def __init__(
        self,
        gallery: Gallery,
        ledger: Ledger,
        detector: PersonDetector,
        embedder: Embedder,
        settings: WorkerSettings,
        waiting: Waiting,
        prepare: Prepare,
        telemetry: Telemetry,
        holder: str,
        soundings: Soundings,
    ) -> None:
        self._waiting = waiting
        self._telemetry = telemetry
        self._stop = threading.Event()
        # Taken and sealed, taken since, waiting, and one handful more: it is fetched while there is room.
        self.span = 4 * settings.limits.records + 2 * POLLED
        patience = Patience(self._stop, telemetry)

        def keep(tracklet: Tracklet, vectors: Floats) -> bytes:
            entry = tracklet_entry(tracklet, vectors, settings.jpeg_quality)
            return pack_entry(entry, embedder.model_id)

        self._embedding = Embedding(embedder, keep, lambda _crops: telemetry.timed("embed"), _EMBEDDED_LATER)
        self._partitions = Partitions(ledger, patience, telemetry, holder, self.span, soundings)
        self._commits = Commits(ledger, self._partitions, patience, telemetry, settings.limits)
        self._frames = Frames(detector, self._embedding, self._partitions, telemetry, settings.batch)
        self._recordings = Recordings(
            gallery,
            detector,
            embedder.model_id,
            settings,
            self._partitions,
            self._frames,
            self._commits,
            patience,
            telemetry,
        )
        self._intake = Intake(
            ledger,
            prepare,
            settings,
            self._partitions,
            self._recordings,
            self._frames,
            patience,
            telemetry,
            soundings,
        )
        self.claimed = self._partitions.claimed
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="shift", daemon=True)

    @property
    def settled(self) -> int:
        """Frames gone through."""
        return self._frames.settled

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def stop(self, seconds: float) -> bool:
        """Finish what is begun with, write it and let go; returns whether that was done in time."""
        self._stop.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
            self._frames.flush()
            self._commits.commit()
            self._intake.note_harmless()
            self._partitions.let_go_of_all()
        except BaseException as error:  # told to the consumer's thread, which ends the worker
            if not (self._stop.is_set() and isinstance(error, NightreidError) and error.transient):
                self.error = error
            _LOG.error("The worker stops: %s", error)
        finally:
            self._embedding.close()

    def _turn(self) -> None:
        item = self._waiting.take(0 if self._frames.pending else _POLL_SECONDS)
        self._telemetry.progress()
        if item is not None:
            self._handle(item)
        else:
            self._frames.flush()
        self._recordings.close_idle()
        self._commits.go_on()
        if self._commits.due:
            self._frames.flush()
            self._commits.begin()

    def _handle(self, item: Item) -> None:
        if isinstance(item, Claim):
            self._partitions.claim(item)
        elif isinstance(item, Release):
            self._release(item.share)
        elif not item.share.alive:
            return
        elif isinstance(item, Damaged):
            self._intake.take_damaged(item)
        elif isinstance(item, Passed):
            item.share.position = item.share.reached = max(item.share.position, item.offset)
        elif item.record.offset >= item.share.position:
            self._commits.taken += 1
            self._intake.take(item)

    def _release(self, share: Share) -> None:
        """Write what is settled of it, if nobody else holds it yet, and let go."""
        self._frames.flush()
        self._commits.part_with(share)
        if share in self._partitions.shares:
            self._intake.note_harmless()
            self._partitions.let_go(share)

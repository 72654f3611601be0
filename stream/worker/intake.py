"""Records taken in: some tried with care, read, refused where they are no frames, and put in order."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError

from reid_core.errors import NightreidError
from reid_core.gallery.ledger import FencedError, Hold, Ledger, Refused
from stream.kafka.clients import Record
from stream.kafka.dead_letters import pack_record
from stream.kafka.envelope import EnvelopeError, Refusal
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.config import WorkerSettings
from stream.worker.frames import Frames
from stream.worker.partitions import Partitions, Share
from stream.worker.recordings import Recordings
from stream.worker.records import Damaged, Prepared, Taken
from stream.worker.sequencing import Arrival, Sequencer
from stream.worker.soundings import Soundings

_LOG = logging.getLogger(__name__)

Prepare = Callable[[Taken], Prepared]


class Intake:
    """Takes records in, in the thread that looks.

    Args:
        ledger: where records are noted that are tried with care, and dead letters.
        prepare: reads and decodes a record in this thread.
        settings: of the worker.
        partitions: told of those that are another's.
        recordings: told what comes in which order.
        frames: what is to be looked at before and behind a record that is tried alone.
        patience: for what is away.
        telemetry: told of dead letters and of what is out of the ordinary.
        soundings: whose clock tells when a camera was heard.
    """

    def __init__(
        self,
        ledger: Ledger,
        prepare: Prepare,
        settings: WorkerSettings,
        partitions: Partitions,
        recordings: Recordings,
        frames: Frames,
        patience: Patience,
        telemetry: Telemetry,
        soundings: Soundings,
    ) -> None:
        self._ledger = ledger
        self._prepare = prepare
        self._settings = settings
        self._partitions = partitions
        self._recordings = recordings
        self._frames = frames
        self._patience = patience
        self._telemetry = telemetry
        self._soundings = soundings
        # The last record that was tried alone, because the holder before may have died of it.
        self._tried: tuple[Hold, int] | None = None

    def take(self, taken: Taken) -> None:
        """Take a record in; it is a dead letter where it will never be a frame."""
        share, offset = taken.share, taken.record.offset
        share.reached = max(share.reached, offset + 1)
        careful = share.hold.careful_from <= offset < share.hold.careful_below
        if offset in share.hold.refused:
            share.position = offset + 1
            return
        try:
            if careful:
                self._frames.finish()
                self._try_alone(share, offset)
            else:
                self.note_harmless()
            prepared = self._prepared(taken)
            self._order(share, taken, prepared)
            if careful:
                self._frames.finish()
        except EnvelopeError as error:
            record = taken.record
            self._refuse(share, offset, record.timestamp * 1_000_000, record, error)
        except FencedError:
            self._partitions.lose(share)
            return
        share.position = offset + 1

    def take_damaged(self, damaged: Damaged) -> None:
        """A record of which nothing can be had is a dead letter."""
        error = EnvelopeError(Refusal.RECORD, damaged.message)
        self._refuse(damaged.share, damaged.offset, time.time_ns(), None, error)
        damaged.share.position = damaged.share.reached = damaged.offset + 1

    def note_harmless(self) -> None:
        """Whoever comes later need not be careful with the record that was tried last."""
        if self._tried is not None:
            hold, offset = self._tried
            self._patience.until_done("database", lambda: self._ledger.harmless(hold, offset))
            self._tried = None

    def _try_alone(self, share: Share, offset: int) -> None:
        """Note that a record is tried which the last holder may have died of.

        Raises:
            EnvelopeError: too many have died of it.
        """
        tries = self._patience.until_done(
            "database", lambda: self._ledger.attempt(share.hold, offset, self._tried)
        )
        self._tried = share.hold, offset
        if tries > self._settings.limits.attempts:
            raise EnvelopeError(Refusal.CRASH, f"{tries - 1} workers died while processing this record.")

    def _prepared(self, taken: Taken) -> Prepared:
        def get() -> Prepared:
            if taken.prepared is None:
                return self._prepare(taken)
            try:
                return taken.prepared.result()
            except CancelledError:
                # The worker is about to end and decodes nothing more ahead.
                return self._prepare(taken)
            except NightreidError as error:
                if not error.transient:
                    raise
                return self._prepare(taken)

        try:
            with self._telemetry.timed("decode_wait"):
                return self._patience.until_done("blob store", get)
        except NightreidError:
            raise
        except Exception as error:  # a decoder may fail in ways of its own; the record is at fault
            raise EnvelopeError(
                Refusal.DAMAGED, f"The frame cannot be decoded: {str(error).rstrip(chr(46))}."
            ) from error

    def _refuse(
        self, share: Share, offset: int, time_ns: int, record: Record | None, error: EnvelopeError
    ) -> None:
        topic, number = share.hold.topic, share.hold.number
        tries = self._settings.limits.attempts if error.reason is Refusal.CRASH else 1
        refused = Refused(
            topic=topic,
            number=number,
            offset=offset,
            reason=error.reason,
            message=error.message,
            attempts=tries,
            record=pack_record(record),
            time_ns=time_ns,
            topic_id=share.hold.topic_id,
        )
        self._telemetry.refused.labels(topic, error.reason).inc()
        _LOG.warning("Record %s/%d/%d is a dead letter: %s", topic, number, offset, error.message)
        try:
            self._patience.until_done("database", lambda: self._ledger.refuse(refused, share.hold.epoch))
        except FencedError:
            self._partitions.lose(share)

    def _order(self, share: Share, taken: Taken, prepared: Prepared) -> None:
        """Take a record in where its number belongs."""
        stream, record = prepared.envelope.stream, taken.record
        if not record.topic.endswith(f"frames.{stream.modality}"):
            raise EnvelopeError(
                Refusal.CAMERA, f"Camera {stream.camera!r} is {stream.modality}, its topic is not."
            )
        share.heard[stream.camera] = self._soundings.now()
        sequencer = share.sequencers.get(stream.camera)
        if sequencer is None:
            sequencer = share.sequencers[stream.camera] = self._sequencer(stream.camera)
        arrival = Arrival(prepared.envelope, record.offset, record.timestamp * 1_000_000, prepared)
        try:
            for step in sequencer.accept(arrival):
                self._recordings.follow(share, sequencer, step, record.offset)
        except EnvelopeError:
            # The stream could not be begun with: the next record may try again.
            del share.sequencers[stream.camera]
            raise

    def _sequencer(self, camera: str) -> Sequencer:
        progress = self._patience.until_done("database", lambda: self._ledger.stream(camera))
        state = progress.state if progress is not None else {}
        return Sequencer(camera, self._settings.order, state, _Oddities(camera, self._telemetry))


class _Oddities(Counter[str]):
    """Counts of a sequencer, told as they come."""

    def __init__(self, camera: str, telemetry: Telemetry) -> None:
        super().__init__()
        self._camera = camera
        self._telemetry = telemetry

    def __setitem__(self, kind: str, count: int) -> None:
        self._telemetry.oddities.labels(self._camera, kind).inc(count - self[kind])
        super().__setitem__(kind, count)

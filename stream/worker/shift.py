"""The thread of a worker that looks: records in their order through detector and tracker, into the ledger."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass

from detectors.detector import PersonDetector
from reid_core.errors import NightreidError
from reid_core.gallery import Gallery, RecordingRecord, RecordingStatus
from reid_core.gallery.ledger import (
    END,
    TRACKLET,
    Advance,
    Batch,
    FencedError,
    Hold,
    Ledger,
    Refused,
    Staged,
    StreamProgress,
)
from reid_core.gallery.staging import pack_entry
from reid_core.runtime import Embedder
from reid_core.types import CloseReason, Detections, Modality, Tracklet
from stream.chain.parts import settings_digest, tracklet_entry
from stream.kafka.clients import Record
from stream.kafka.dead_letters import pack_record
from stream.kafka.envelope import EnvelopeError, Refusal
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.camera_lane import CameraLane, Gated, clock_of
from stream.worker.config import WorkerSettings
from stream.worker.records import (
    POLLED,
    Claim,
    Damaged,
    Item,
    Prepared,
    Release,
    Return,
    Share,
    Taken,
    Waiting,
)
from stream.worker.sequencing import Arrival, Begun, Ordered, Over, Sequencer, Step

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_DONE = (RecordingStatus.COMPLETE, RecordingStatus.PARTIAL)
_NEVER = 1 << 62

Prepare = Callable[[Taken], Prepared]


@dataclass(frozen=True, slots=True)
class _Looked:
    """A picture on its way through the detector."""

    share: Share
    lane: CameraLane
    gated: Gated


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

    Attributes:
        claimed: shares for the consumer to begin with, and what it asked for.
        settled: pictures gone through.
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
    ) -> None:
        self._gallery = gallery
        self._ledger = ledger
        self._detector = detector
        self._embedder = embedder
        self._settings = settings
        self._waiting = waiting
        self._prepare = prepare
        self._telemetry = telemetry
        self._holder = holder
        self._stop = threading.Event()
        self._patience = Patience(self._stop, telemetry)
        self._digest = settings_digest(detector, settings)
        self._shares: list[Share] = []
        self._pending: list[_Looked] = []
        self._looks = 0
        self._taken = 0
        # The last record that was tried alone, because the holder before may have died of it.
        self._tried: tuple[Hold, int] | None = None
        self._committed = time.monotonic()
        self.claimed: deque[tuple[Claim, Share]] = deque()
        self.error: BaseException | None = None
        self.settled = 0
        self._thread = threading.Thread(target=self._run, name="shift", daemon=True)

    @property
    def span(self) -> int:
        """How many records may have been begun with and not be written."""
        return 4 * self._settings.limits.records + 2 * POLLED

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
            self._flush()
            self._commit()
            self._note_harmless()
            self._ledger.release([_advance(share) for share in self._shares if share.alive])
        except BaseException as error:  # told to the consumer's thread, which ends the worker
            if not (self._stop.is_set() and isinstance(error, NightreidError) and error.transient):
                self.error = error
            _LOG.error("The worker stops: %s", error)

    def _turn(self) -> None:
        item = self._waiting.take(0 if self._pending else _POLL_SECONDS)
        self._telemetry.progress()
        if item is not None:
            self._handle(item)
        else:
            self._flush()
            self._close_idle()
        overdue = time.monotonic() - self._committed >= self._settings.limits.commit_seconds
        if overdue or self._taken >= self._settings.limits.records:
            self._flush()
            self._commit()

    def _handle(self, item: Item) -> None:
        if isinstance(item, Claim):
            self._claim(item)
        elif isinstance(item, Release):
            self._release(item.share)
        elif isinstance(item, Return):
            self._listen_anew()
        elif not item.share.alive:
            return
        elif isinstance(item, Damaged):
            error = EnvelopeError(Refusal.RECORD, item.message)
            self._refuse(item.share, item.offset, time.time_ns(), None, error)
            item.share.position = item.share.reached = item.offset + 1
        else:
            self._take(item)

    # Partitions

    def _claim(self, claim: Claim) -> None:
        if not claim.wanted:
            return
        hold = self._patience.until_done(
            "database",
            lambda: self._ledger.claim(claim.topic, claim.number, self._holder, claim.kept, self.span),
        )
        share = Share(hold, hold.next, hold.next, hold.next, end=claim.kept[1])
        share.caught_up = share.position >= share.end
        self._shares.append(share)
        self.claimed.append((claim, share))

    def _release(self, share: Share) -> None:
        """Write what is settled of it, if nobody else holds it yet, and let go."""
        self._flush()
        if share in self._shares:
            with suppress(FencedError):
                self._patience.until_done("database", lambda: self._ledger.save(_batch_of([share])))
            self._note_harmless()
            self._patience.until_done("database", lambda: self._ledger.release([_advance(share)]))
            self._shares.remove(share)
            for camera in share.lanes:
                self._telemetry.over(camera)

    def _listen_anew(self) -> None:
        """Nothing was heard of any camera for a while: that was not their silence; others hear of that."""
        now = time.monotonic()
        for share in self._shares:
            share.heard = dict.fromkeys(share.heard, now)
            for lane in share.lanes.values():
                lane.moved = True

    def _drop(self, share: Share) -> None:
        """Forget a share that another worker holds by now."""
        _LOG.warning("Partition %s of %s is another worker's now.", share.hold.number, share.hold.topic)
        self._telemetry.fenced.inc()
        share.alive = False
        for camera in share.lanes:
            self._telemetry.over(camera)
        self._pending = [one for one in self._pending if one.share is not share]
        if share in self._shares:
            self._shares.remove(share)

    # Records

    def _take(self, taken: Taken) -> None:
        share, offset = taken.share, taken.record.offset
        if offset < share.position:
            return
        self._taken += 1
        share.reached = max(share.reached, offset + 1)
        careful = offset < share.hold.careful_below
        if offset in share.hold.refused:
            share.position = offset + 1
            return
        try:
            if careful:
                self._flush()
                self._try_alone(share, offset)
            else:
                self._note_harmless()
            prepared = self._prepared(taken)
            self._order(share, taken, prepared)
            if careful:
                self._flush()
        except EnvelopeError as error:
            record = taken.record
            self._refuse(share, offset, record.timestamp * 1_000_000, record, error)
        except FencedError:
            self._drop(share)
            return
        share.position = offset + 1

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
            raise EnvelopeError(
                Refusal.CRASH, f"{tries - 1} workers ended while they had this record in hand."
            )

    def _note_harmless(self) -> None:
        """Whoever comes later need not be careful with the record that was tried last."""
        if self._tried is not None:
            hold, offset = self._tried
            self._patience.until_done("database", lambda: self._ledger.harmless(hold, offset))
            self._tried = None

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
                Refusal.DAMAGED, f"The picture cannot be decoded: {str(error).rstrip(chr(46))}."
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
        )
        self._telemetry.refused.labels(topic, error.reason).inc()
        _LOG.warning("Record %s/%d/%d is a dead letter: %s", topic, number, offset, error.message)
        try:
            self._patience.until_done("database", lambda: self._ledger.refuse(refused, share.hold.epoch))
        except FencedError:
            self._drop(share)

    def _order(self, share: Share, taken: Taken, prepared: Prepared) -> None:
        """Take a record in where its number belongs."""
        stream, record = prepared.envelope.stream, taken.record
        if not record.topic.endswith(f"frames.{stream.modality}"):
            raise EnvelopeError(
                Refusal.CAMERA, f"Camera {stream.camera!r} is {stream.modality}, its topic is not."
            )
        share.heard[stream.camera] = time.monotonic()
        sequencer = share.sequencers.get(stream.camera)
        if sequencer is None:
            sequencer = share.sequencers[stream.camera] = self._sequencer(stream.camera)
        arrival = Arrival(prepared.envelope, record.offset, record.timestamp * 1_000_000, prepared)
        try:
            for step in sequencer.accept(arrival):
                self._step(share, sequencer, step, record.offset)
        except EnvelopeError:
            # The stream could not be begun with: the next record may try again.
            del share.sequencers[stream.camera]
            raise

    def _sequencer(self, camera: str) -> Sequencer:
        progress = self._patience.until_done("database", lambda: self._ledger.stream(camera))
        state = progress.state if progress is not None else {}
        return Sequencer(camera, self._settings.order, state, _Oddities(camera, self._telemetry))

    def _step(self, share: Share, sequencer: Sequencer, step: Step, offset: int) -> None:
        if isinstance(step, Begun):
            self._begin(share, sequencer, step, offset)
        elif isinstance(step, Ordered):
            self._admit(share, sequencer, step)
        else:
            self._end(share, sequencer, step)

    def _begin(self, share: Share, sequencer: Sequencer, begun: Begun, offset: int) -> None:
        self._flush()
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
                    model=self._embedder.model_id,
                    state={"settings": self._digest},
                )
            )

        try:
            return self._patience.until_done("database", register)
        except NightreidError as error:
            if error.transient or isinstance(error, FencedError | EnvelopeError):
                raise
            raise EnvelopeError(Refusal.CAMERA, error.message) from error

    def _lane(self, record: RecordingRecord, begun: Begun, offset: int) -> CameraLane:
        return CameraLane.open(record, begun.stream, self._detector, self._settings, self._digest, offset)

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
        self._pending.append(_Looked(share, lane, gated))
        self._looks += len(gated.looks)
        if self._looks >= self._settings.batch:
            self._flush()

    # Pictures

    def _flush(self) -> None:
        """Look at everything that is pending, in one call, and settle it in order."""
        pending, self._pending, self._looks = self._pending, [], 0
        if not pending:
            return
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
            self._stage(one.share, one.lane, closed, one.gated.frame.time_ns)
            self.settled += 1
            camera = one.lane.stream.camera
            self._telemetry.frames.labels(camera).inc()
            self._telemetry.detections.labels(camera).inc(sum(map(len, seen.values())))
            self._telemetry.saw(camera, one.gated.frame.time_ns)

    def _stage(self, share: Share, lane: CameraLane, closed: Sequence[Tracklet], due_ns: int) -> None:
        for tracklet in closed:
            with self._telemetry.timed("embed"):
                vectors = self._embedder.embed([one.crop for one in tracklet.sightings], tracklet.modality)
            content = pack_entry(
                tracklet_entry(tracklet, vectors, self._settings.jpeg_quality), self._embedder.model_id
            )
            camera, modality = tracklet.camera, str(tracklet.modality)
            share.batch.staged.append(Staged(TRACKLET, tracklet.id, camera, modality, due_ns, content))
            self._telemetry.tracklets.labels(camera, tracklet.close_reason).inc()

    def _end(self, share: Share, sequencer: Sequencer, over: Over) -> None:
        """Close what a recording leaves open at its end, and the recording."""
        self._flush()
        lane = share.lanes.pop(sequencer.camera, None)
        if lane is None:
            return
        self._stage(share, lane, lane.lane.tracker.close(CloseReason.END), lane.time_ns)
        status = RecordingStatus.COMPLETE if over.problem is None else RecordingStatus.PARTIAL
        frames = max(lane.lane.frames_done, over.frames)
        share.batch.checkpoints.append(lane.lane.checkpoint(frames, status, over.problem))
        share.done.add(over.recording)
        self._telemetry.over(sequencer.camera)
        if lane.stream.modality is Modality.INFRARED:
            camera, modality = lane.stream.camera, str(lane.stream.modality)
            share.batch.staged.append(Staged(END, over.recording, camera, modality, lane.time_ns))
        share.batch.streams.append(_progress(share, lane, sequencer, ended=True))

    def _close_idle(self) -> None:
        """Close what silent cameras leave open: nobody knows when they will be back."""
        limit = time.monotonic() - self._settings.limits.idle_seconds
        for share in [share for share in self._shares if share.alive and share.caught_up]:
            for camera in [camera for camera, heard in share.heard.items() if heard < limit]:
                del share.heard[camera]
                if camera in share.sequencers:
                    self._rest(share, share.sequencers[camera])

    def _rest(self, share: Share, sequencer: Sequencer) -> None:
        """Give up on what is missing of a camera, and leave its recording for anybody to go on with."""
        for step in sequencer.flush():
            self._step(share, sequencer, step, share.position)
        self._flush()
        lane = share.lanes.pop(sequencer.camera, None)
        if lane is None:
            return
        self._stage(share, lane, lane.lane.tracker.close(CloseReason.TIMEOUT), lane.time_ns)
        share.batch.checkpoints.append(lane.rest(sequencer.clock))
        share.batch.streams.append(_progress(share, lane, sequencer))
        self._commit()

    # Writing

    def _commit(self) -> None:
        """Write what was found and how far the shares have come, in one transaction."""
        self._committed, self._taken = time.monotonic(), 0
        while shares := [share for share in self._shares if share.alive and _changed(share)]:
            try:
                with self._telemetry.timed("write"):
                    batch = _batch_of(shares)
                    written = {(one.topic, one.number): one for one in batch.advances}
                    self._patience.until_done("database", lambda batch=batch: self._ledger.save(batch))  # type: ignore[misc]
            except FencedError as error:
                for share in shares:
                    if (share.hold.topic, share.hold.number) == (error.topic, error.number):
                        self._drop(share)
                continue
            for share in shares:
                advance = written[share.hold.topic, share.hold.number]
                share.saved, share.fresh = advance.next, False
                share.told_caught_up = advance.caught_up
                share.batch = Batch()
                for lane in share.lanes.values():
                    lane.checkpoint, lane.moved = None, False
            return


class _Oddities(Counter[str]):
    """Counts of a sequencer, told as they come."""

    def __init__(self, camera: str, telemetry: Telemetry) -> None:
        super().__init__()
        self._camera = camera
        self._telemetry = telemetry

    def __setitem__(self, kind: str, count: int) -> None:
        self._telemetry.oddities.labels(self._camera, kind).inc(count - self[kind])
        super().__setitem__(kind, count)


def _changed(share: Share) -> bool:
    batch = share.batch
    return bool(
        share.fresh
        or batch.staged
        or batch.checkpoints
        or batch.streams
        or share.resume != share.saved
        or share.caught_up != share.told_caught_up
        or any(lane.moved for lane in share.lanes.values())
    )


def _advance(share: Share) -> Advance:
    hold = share.hold
    return Advance(
        topic=hold.topic,
        number=hold.number,
        epoch=hold.epoch,
        expected=share.saved,
        next=share.resume,
        reached=share.reached,
        seen=share.caught_up or share.position > hold.next,
        caught_up=share.caught_up,
    )


def _progress(share: Share, lane: CameraLane, sequencer: Sequencer, ended: bool = False) -> StreamProgress:
    hold = share.hold
    return StreamProgress(sequencer.camera, hold.topic, hold.number, lane.time_ns, ended, sequencer.state)


def _batch_of(shares: Sequence[Share]) -> Batch:
    """Everything of these shares that is not written yet."""
    batch = Batch()
    for share in shares:
        batch.advances.append(_advance(share))
        batch.staged += share.batch.staged
        batch.checkpoints += share.batch.checkpoints
        batch.streams += share.batch.streams
        for camera, lane in share.lanes.items():
            if not lane.moved:
                continue
            if lane.checkpoint is not None:
                batch.checkpoints.append(lane.checkpoint)
            batch.streams.append(_progress(share, lane, share.sequencers[camera]))
    return batch

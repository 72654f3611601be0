"""A thread a camera: frames read, limited, numbered and given to the encoders, in order."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import tenacity

from reid_core.errors import NightreidError, SourceError
from reid_core.file_names import readable_text
from stream.footage.decoded import Shown
from stream.footage.folders import FolderSource
from stream.footage.live import LiveSource
from stream.footage.opening import open_source
from stream.footage.sources import Source, SourceFrame, recording_id
from stream.footage.video import VideoSource
from stream.kafka.envelope import Stream
from stream.publisher.accounts import Accounts, State
from stream.publisher.config import Plan, PublishSettings
from stream.publisher.encoding import Encoder, Still, read_stills
from stream.publisher.handoff import Handoff
from stream.publisher.limiting import RateLimit
from stream.publisher.outgoing import Cause, Policy, Record

_AHEAD_BYTES = 32 << 20
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Shot:
    """A numbered frame that is being encoded.

    Attributes:
        stream: whose number it has.
        seq: the number.
        time_ns: capture time, UTC nanoseconds.
        record: its record, once it is encoded.
        make: encodes it again.
    """

    stream: Stream
    seq: int
    time_ns: int
    record: "Future[Record]"
    make: Callable[[], Record]


@dataclass(frozen=True, slots=True)
class Last:
    """A stream is over.

    Attributes:
        stream: which.
        frames: how many numbers it had.
        time_ns: capture time of the last frame.
        problem: one sentence where it broke off.
    """

    stream: Stream
    frames: int
    time_ns: int
    problem: str | None = None


class CameraReader:
    """Reads one camera ahead of whoever sends.

    A recording waits for the encoders. A live camera does not, unless its policy says so: frames for
    which there is no room are dropped, after they were numbered, and counted.

    Attributes:
        plan: what is done with the camera.
        items: its frames and the ends of its streams.
    """

    def __init__(
        self,
        plan: Plan,
        settings: PublishSettings,
        source: Source | None,
        encoder: Encoder,
        pool: Executor,
        accounts: Accounts,
        note: Callable[[str], None],
        ending: threading.Event,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            plan: what is done with the camera.
            settings: of all cameras.
            source: an opened recording; ``None`` for a live camera, which is opened as often as it takes.
            encoder: makes the records.
            pool: where it does.
            accounts: told of every frame.
            note: told what a person should know.
            ending: set from outside to end early.
        """
        self.plan = plan
        self.items: Handoff[Shot | Last] = Handoff(settings.encoder_threads + 2, _AHEAD_BYTES)
        self._settings = settings
        self._source = source
        self._encoder = encoder
        self._pool = pool
        self._accounts = accounts
        self._note = note
        self._ending = ending
        self._thread = threading.Thread(target=self._run, name=f"read {plan.camera}", daemon=True)

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def _run(self) -> None:
        try:
            if self._source is not None:
                self._read_recording(self._source)
            else:
                self._read_live()
        except Exception as error:  # the other cameras go on
            self._stopped(State.BROKEN, f"The source {self.plan.camera} failed: {error}.")
        finally:
            self.items.close()

    def _read_recording(self, source: Source) -> None:
        for note in source.notes:
            self._note(note)
        last = self._read(source)
        # Interrupted, it has no end: published again, it is gone on with.
        if not self._ending.is_set():
            self.items.put(last)
            self._stopped(State.ENDED if last.problem is None else State.BROKEN, last.problem)

    def _read_live(self) -> None:
        """Stream after stream, for as long as the camera comes back."""
        live = self._settings.live
        half, most = live.first_seconds / 2, live.most_seconds / 2
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(SourceError),
            # Cameras behind one switch come back together, and are not to be asked together.
            wait=tenacity.wait_exponential(half, most) + tenacity.wait_random_exponential(half, most),
            stop=tenacity.stop_when_event_set(self._ending),
            sleep=tenacity.sleep_using_event(self._ending),
            before_sleep=self._refused,
            retry_error_callback=lambda _: None,
        )
        while self.plan.spec.live and not self._ending.is_set():
            tries(self._read_stream)

    def _read_stream(self) -> None:
        """Read a live camera until it is gone.

        Raises:
            SourceError: it does not answer, or with nothing.
        """
        if self._ending.is_set():
            return
        live = self._settings.live
        source = open_source(self.plan.spec, self._settings.folder_fps, live.open_seconds, live.gone_seconds)
        self.plan = replace(self.plan, spec=source.spec)
        if not source.spec.live:
            # Its server was away when publishing began, and nobody knew what it was.
            self.plan = replace(self.plan, policy=Policy.WAIT)
            self._accounts.recorded(self.plan.camera)
            self._read_recording(source)
            return
        last = self._read(source)
        if last.frames:
            self.items.put(last)
        if self._ending.is_set():
            self._stopped(State.ENDED, None)
        else:
            problem = last.problem or f"The camera {last.stream.source} sends nothing."
            if not last.frames:
                raise SourceError(problem)
            self._stopped(State.AWAY, f"{problem} Retrying until it answers.")

    def _refused(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        self._stopped(State.AWAY, f"{error} Retrying until it answers.")

    def _stopped(self, state: State, message: str | None) -> None:
        """Tell that a camera is read no more; a person is told once of one that stays away."""
        if self._accounts.stopped(self.plan.camera, state, message) and message is not None:
            self._note(f"{self.plan.camera}: {message}")

    def _read(self, source: Source) -> Last:
        """Read one stream to its end, or to the end of everything."""
        limit = RateLimit(self.plan.max_fps)
        stream = _stream(source, limit.rate(source.fps))
        last, limited, problem = Last(stream, 0, source.start_ns), 0, None
        try:
            for index, time_ns, picture, gathered in self._pictures(source):
                if last.frames == 0 and self._accounts.opened(self.plan.camera, source.total):
                    self._note(f"{self.plan.camera}: The camera is back.")
                wanted = limit.admits(time_ns)
                self._accounts.read(self.plan.camera, not wanted)
                if not wanted:
                    limited += 1
                    continue
                last = Last(stream, index - limited + 1, time_ns)
                self._submit(stream, index - limited, time_ns, picture, gathered)
            problem = readable_text(source.problem) if source.problem is not None else None
        except NightreidError as error:
            problem = error.message
        except Exception as error:  # a decoder may fail in ways of its own; the other cameras go on
            problem = f"The source {self.plan.camera} failed: {error}."
        return Last(stream, last.frames, last.time_ns, problem)

    def _pictures(self, source: Source) -> Iterator[tuple[int, int, SourceFrame | Still, bool]]:
        """Number, capture time and frame of everything that can be read, and whether it may wait."""
        if isinstance(source, FolderSource):
            for index, still in source.each(read_stills, self._ending):
                yield index, source.time_of(index), still, True
            return
        assert isinstance(source, VideoSource | LiveSource)
        known = 0
        for shown in source.shown(self._ending):
            if isinstance(source, LiveSource) and source.reopened > known:
                self._accounts.reopened(self.plan.camera, source.reopened - known)
                self._note(f"{self.plan.camera}: The camera was away for a moment and is back.")
                known = source.reopened
            yield shown.index, shown.time_ns, _still(shown), shown.gathered

    def _submit(
        self, stream: Stream, seq: int, time_ns: int, picture: SourceFrame | Still, gathered: bool
    ) -> None:
        """Give a frame to the encoders, in its turn."""
        size = picture.image.nbytes
        # What gathered while a camera was being connected to comes faster than it is encoded.
        patient = gathered or not stream.live or self.plan.policy is Policy.WAIT
        while not self.items.room(size, _POLL_SECONDS if patient else 0.0):
            if not patient:
                self._accounts.dropped(self.plan.camera, Cause.ENCODING)
                return
            if self._ending.is_set():
                return
        make = partial(self._encoder.frame, self.plan, stream, seq, time_ns, picture)
        self.items.put(Shot(stream, seq, time_ns, self._pool.submit(make), make), size)


def _still(shown: Shown) -> SourceFrame | Still:
    """A frame in colour as it is; raw counts are scaled by whoever sees all of the camera's."""
    if shown.image.ndim == 2:
        return Still(b"", None, shown.image)
    return SourceFrame(shown.index, shown.time_ns, np.asarray(shown.image, np.uint8))


def _stream(source: Source, fps: float) -> Stream:
    spec = source.spec
    return Stream(
        id=recording_id(source),
        camera=spec.camera,
        modality=spec.modality,
        spectrum=spec.spectrum,
        fps=fps,
        start_ns=source.start_ns,
        source=spec.shown,
        live=spec.live,
    )

"""From the cameras' readers into the buffer: recordings merged by capture time, live cameras as they come."""

import threading
import time
from collections.abc import Callable, Sequence

import tenacity

from reid_core.errors import StorageError
from stream.publisher.accounts import Accounts
from stream.publisher.encoding import TooLargeError, end
from stream.publisher.outgoing import Cause, Outgoing, Policy, Record
from stream.publisher.reading import CameraReader, Last, Shot

_POLL_SECONDS = 0.1
# How long a reader that hangs in a network read is waited for.
_HANGING_SECONDS = 1.0
_FIRST_SECONDS = 0.2
_MOST_SECONDS = 5.0


class Forwarder:
    """Takes what readers have, the earliest first, and puts it into the buffer, in a thread of its own.

    Args:
        readers: all recordings, or one live camera.
        outgoing: the buffer.
        realtime: whether frames are passed on as slowly as they were taken.
        accounts: told of every frame that is not passed on.
        note: told what a person should know.
        ending: set from outside to end early.
    """

    def __init__(
        self,
        readers: Sequence[CameraReader],
        outgoing: Outgoing,
        realtime: bool,
        accounts: Accounts,
        note: Callable[[str], None],
        ending: threading.Event,
    ) -> None:
        self._readers = list(readers)
        self._outgoing = outgoing
        self._realtime = realtime
        self._accounts = accounts
        self._note = note
        self._ending = ending
        self._heads: dict[CameraReader, Shot | Last] = {}
        self._open: dict[CameraReader, Last] = {}
        self._told: set[tuple[str, Cause | None]] = set()
        self._origin: tuple[float, int] | None = None
        self._failure: Exception | None = None
        names = ", ".join(reader.plan.camera for reader in self._readers)
        self._thread = threading.Thread(target=self._run, name=f"forward {names}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    @property
    def alive(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise what ended it, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while self._fill() and self._heads:
                reader = min(self._heads, key=lambda one: self._heads[one].time_ns)
                item = self._heads.pop(reader)
                if isinstance(item, Last):
                    self._end(reader, item)
                else:
                    self._pass_on(reader, item)
            self._leave()
        except Exception as error:
            self._failure = error

    def _fill(self) -> bool:
        """Have the next of every reader that has one; false where everything is to end."""
        for reader in list(self._readers):
            while reader not in self._heads and not reader.items.over:
                if self._ending.is_set():
                    return False
                item = reader.items.get(_POLL_SECONDS)
                if item is not None:
                    self._heads[reader] = item
            if reader not in self._heads:
                self._readers.remove(reader)
        return not self._ending.is_set()

    def _pass_on(self, reader: CameraReader, shot: Shot) -> None:
        self._open[reader] = Last(shot.stream, shot.seq + 1, shot.time_ns)
        self._wait_for(shot.time_ns)
        record = self._made(reader, shot)
        if record is not None:
            self._outgoing.put(record, self._ending)

    def _end(self, reader: CameraReader, last: Last) -> None:
        self._open.pop(reader, None)
        record = end(reader.plan, last.stream, last.frames, last.time_ns, last.problem)
        self._outgoing.put(record, self._ending)

    def _wait_for(self, time_ns: int) -> None:
        """Wait until a frame is due."""
        if not self._realtime:
            return
        now = time.monotonic()
        begun, first_ns = self._origin = self._origin or (now, time_ns)
        self._ending.wait(max(0.0, begun + (time_ns - first_ns) / 1e9 - now))

    def _made(self, reader: CameraReader, shot: Shot) -> Record | None:
        """The record of a frame; ``None`` where it had to be given up."""
        camera = reader.plan.camera
        try:
            try:
                return shot.record.result()
            except StorageError as error:
                if reader.plan.policy is not Policy.WAIT:
                    raise
                self._tell(camera, None, f"{error} Retrying until it succeeds.")
                return self._storing(shot.make)
        except TooLargeError as error:
            cause, problem = Cause.TOO_LARGE, str(error)
        except StorageError as error:
            cause, problem = Cause.STORAGE, str(error)
        except Exception as error:
            cause, problem = Cause.FAILED, f"A frame could not be encoded: {error}."
        self._tell(camera, cause, f"{problem} Such frames are dropped and counted.")
        self._accounts.dropped(camera, cause)
        return None

    def _storing(self, make: Callable[[], Record]) -> Record:
        """Make a record again and again, until the blob store takes its payload or everything is to end."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(StorageError),
            wait=tenacity.wait_exponential_jitter(
                multiplier=_FIRST_SECONDS, max=_MOST_SECONDS, jitter=_FIRST_SECONDS
            ),
            stop=tenacity.stop_when_event_set(self._ending),
            sleep=tenacity.sleep_using_event(self._ending),
            reraise=True,
        )
        return tries(make)

    def _tell(self, camera: str, cause: Cause | None, problem: str) -> None:
        """Tell a person what is wrong with a camera's frames; once."""
        if (camera, cause) not in self._told:
            self._told.add((camera, cause))
            self._note(f"{camera}: {problem}")

    def _leave(self) -> None:
        """End the streams of live cameras that are still open."""
        deadline = time.monotonic() + _HANGING_SECONDS
        for reader in self._readers:
            if not reader.plan.spec.live:
                continue
            head = self._heads.pop(reader, None)
            while head is not None or not reader.items.over:
                late = time.monotonic() > deadline
                if isinstance(head, Last):
                    self._end(reader, head)
                elif head is not None and not late:
                    self._pass_on(reader, head)
                elif head is not None:
                    self._open[reader] = Last(head.stream, head.seq + 1, head.time_ns)
                    self._accounts.dropped(reader.plan.camera, Cause.STOPPED)
                head = reader.items.get(0.0 if late else _POLL_SECONDS)
                if head is None and late:
                    break
            if reader in self._open:
                self._end(reader, self._open[reader])

"""The engine of a follower: brings it the events, once each and in order, and keeps its mark.

Only who holds the lease works, and every write makes sure of it in its own transaction: a worker that stood
still and wakes up writes nothing. After every failure the mark is read anew, because a commit may have been
kept although its answer was lost.

An event that a follower cannot handle must not hold up those behind it for ever. Where a batch fails for a
reason of its events, they are tried one by one. The one that fails alone is tried `ATTEMPTS` times, with a
pause; then it is set aside: an event of the kind ``event.set_aside`` says so in the outbox, written in the
transaction that moves the mark past it. Whatever is no event's fault, a database that is away or a topic that
is not there, is waited out.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from reid_core.errors import GalleryError, NightreidError, StorageError
from reid_core.gallery.database import Database
from reid_core.gallery.failures import database_errors
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.outbox import EVENT_SET_ASIDE, Event, Outbox, put_event
from stream.followers.follower import Follower, Mark, OutsideFollower, WorkT
from stream.service.telemetry import Telemetry

_LOG = logging.getLogger(__name__)
_TURN_SECONDS = 0.1
_AWAY_SECONDS = 2.0
_PASS_SECONDS = 600.0
_LONGEST_ERROR = 500

ATTEMPTS = 3
"""How often an event is tried by itself before it is set aside."""


class Following(Generic[WorkT]):
    """One follower at work, in a thread of its own, while the lease is held.

    Args:
        follower: what is done with the events.
        database: of the gallery.
        lease: says whether it may work, and keeps its mark; somebody else holds it.
        telemetry: told what happens.
        stop: ends it after what is in hand; what is not handled stays for the next one.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        follower: Follower[WorkT],
        database: Database,
        lease: Lease,
        telemetry: Telemetry,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._follower = follower
        self._outside = follower if isinstance(follower, OutsideFollower) else None
        self._database = database
        self._outbox = Outbox(database)
        self._lease = lease
        self._telemetry = telemetry
        self._clock = clock
        self._stop = stop
        self._epoch: int | None = None
        self._mark = Mark()
        self._seen = 0
        self._alone_to = 0
        self._tried = (0, 0)
        self._caught_up = self._passed_at = clock()
        telemetry.follower_lag_seconds.labels(follower.name).set_function(self.lag_seconds)
        self._thread = threading.Thread(target=self._run, name=follower.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._follower.start()
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Come back once it has ended, or after so many seconds."""
        self._thread.join(seconds)

    def lag_seconds(self) -> float:
        """Time since all was handled that is this worker's to handle."""
        return self._clock() - self._caught_up

    def turn(self) -> float:
        """Handle what there is.

        Returns:
            seconds to pass before the next turn.
        """
        name = self._follower.name
        try:
            self._follow()
        except LeaseLostError:
            _LOG.info("Another worker is the %s now.", name)
            self._let_go()
            return _TURN_SECONDS
        except _TriedInVainError:
            self._let_go()
            return _AWAY_SECONDS
        except Exception as error:
            # Whatever it was, nothing is lost: the events are in the outbox, and the mark is where it is.
            _LOG.warning("The %s waits: %s", name, error, exc_info=not isinstance(error, NightreidError))
            self._telemetry.follower_failures.labels(name).inc()
            self._telemetry.trouble(name, str(error) or type(error).__name__)
            self._let_go()
            return _AWAY_SECONDS
        self._telemetry.trouble(name, None)
        return _TURN_SECONDS

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.turn())
        self._let_go()

    def _let_go(self) -> None:
        self._epoch = None
        if self._outside is not None:
            self._outside.let_go()

    def _follow(self) -> None:
        epoch = self._lease.epoch
        if epoch is None:
            self._let_go()
            self._caught_up = self._clock()
            self._waiting(0)
            return
        if epoch != self._epoch:
            self._let_go()
            self._take_over()
            self._epoch = epoch
        while not self._stop.is_set() and self._handle_some():
            pass

    def _take_over(self) -> None:
        """Go on behind what is done."""
        # A database that was restored under us counts its events again from an earlier number.
        self._seen = 0
        state = self._lease.state()
        self._mark = Mark(int(state.pop("position", 0)), state)
        if self._outside is not None:
            self._mark = Mark(self._outside.recover(self._mark), self._mark.notes)

    def _handle_some(self) -> bool:
        """Handle the next events; returns whether there may be more."""
        now, end = self._clock(), self._outbox.end()
        if end <= self._seen:
            self._caught_up = now
            self._note_passed(end)
            return False
        kinds, begin = self._follower.kinds, max(self._mark.position, self._seen)
        most = self._follower.together if self._mark.position >= self._alone_to else 1
        events = self._outbox.after(begin, kinds, most)
        full = len(events) == most
        self._waiting(self._outbox.count_after(begin, kinds) if full else len(events))
        if events and not self._handle(events):
            return True
        if full:
            return True
        # What is behind is of other kinds, and need not be looked through again.
        self._seen, self._caught_up = end, now
        self._note_passed(end)
        self._waiting(0)
        return False

    def _note_passed(self, end: int) -> None:
        """Have the mark pass events of other kinds now and then: what is in front of it may be removed."""
        if end > self._mark.position and self._clock() >= self._passed_at + _PASS_SECONDS:
            self._passed_at = self._clock()
            mark = Mark(end, self._mark.notes)
            with self._database.write() as session:
                self._lease.guard(session, self._epoch)
                self._lease.put_state_in(session, _state(mark))
            self._mark = mark

    def _waiting(self, events: int) -> None:
        self._telemetry.follower_lag_events.labels(self._follower.name).set(events)
        self._follower.waits(events)

    def _handle(self, events: Sequence[Event]) -> bool:
        """Have events handled and move the mark; ``False`` where they are to be tried one by one."""
        last, outside = events[-1].id, self._outside
        try:
            work = self._follower.prepare(events)
            if outside is None:
                self._commit(Mark(last), work)
        except Exception as error:
            if not is_the_events(error):
                raise
            return self._blame(events, error)
        if outside is not None:
            self._commit(Mark(last, outside.deliver(work)), work)
        return True

    def _commit(self, mark: Mark, work: WorkT) -> None:
        with self._database.write() as session:
            # First, so that nobody is blamed for what another worker has written by now.
            self._lease.guard(session, self._epoch)
            self._follower.commit(session, work)
            self._lease.put_state_in(session, _state(mark))
        self._mark = mark

    def _blame(self, events: Sequence[Event], error: Exception) -> bool:
        """Find out which event it is; set it aside where it has been tried often enough."""
        name, event = self._follower.name, events[0]
        self._telemetry.follower_failures.labels(name).inc()
        if len(events) > 1:
            _LOG.warning("The %s fails at %d events, tries each: %s", name, len(events), _said(error))
            self._alone_to = events[-1].id
            return False
        before = self._tried[1] if self._tried[0] == event.id else 0
        self._tried = event.id, before + 1
        if before + 1 < ATTEMPTS:
            _LOG.warning("The %s fails at event %d: %s", name, event.id, _said(error))
            raise _TriedInVainError
        _LOG.error("The %s sets event %d aside: %s", name, event.id, _said(error), exc_info=error)
        self._set_aside(event, error)
        return True

    def _set_aside(self, event: Event, error: Exception) -> None:
        name, mark = self._follower.name, Mark(event.id, self._mark.notes)
        told = {"follower": name, "event": event.id, "kind": event.kind, "error": _said(error)}
        with self._database.write() as session:
            self._lease.guard(session, self._epoch)
            put_event(session, EVENT_SET_ASIDE, event.subject, told, event.created_ns)
            self._lease.put_state_in(session, _state(mark))
        self._mark = mark
        self._telemetry.follower_set_aside.labels(name).inc()


class _TriedInVainError(Exception):
    """An event failed and is to be tried again."""


def is_the_events(error: Exception) -> bool:
    """Whether an error is the events' fault, so that others would go well.

    It is not where it passes, where a disk or the database fails, or where the lease is lost. What the
    database says of the data themselves, that they contradict what is there, is.
    """
    if isinstance(error, LeaseLostError | StorageError) or getattr(error, "transient", False):
        return False
    cause = error.__cause__
    if isinstance(error, GalleryError) and isinstance(cause, database_errors()):
        unfit = isinstance(cause, StatementError) and not isinstance(cause, DBAPIError)
        return unfit or isinstance(cause, IntegrityError | DataError)
    return True


def _state(mark: Mark) -> Mapping[str, Any]:
    return {"position": mark.position, **mark.notes}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]

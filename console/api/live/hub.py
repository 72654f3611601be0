"""One reader of the outbox for all who follow it, in a thread of its own.

It reads what any process has written: a worker beside it, a run, the command line. The latest events are
kept, and who comes back (`Last-Event-ID`) is told what they missed, after a restart too; who was away for
longer than can be made up for is told so.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

from console.api.context import Context
from console.api.gate import who_asks
from console.api.live.events import KINDS, LiveEvent, live_events
from console.api.metrics import Metrics
from console.api.shown import Shown
from console.api.use import Use
from reid_core.access import Permission
from reid_core.access.errors import NotPermittedError, TooManyRequestsError
from reid_core.audit.event import AuditEvent
from reid_core.errors import NightreidError
from reid_core.gallery.outbox import Outbox

_LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.5
KEPT = 1000
"""Events that are kept for all, and that who comes back is told at most."""

AT_A_TIME = 32
"""Events that somebody is told between two looks at whether they still may."""

_TOGETHER = 256
_RETRY_SECONDS = 5.0


class Follower:
    """Somebody who follows what comes in.

    Attributes:
        use: who, and why.
        opened: number of the audit log's row that says so.
        after: number of the last event that they were told of, or may not see.
        waiting: what they missed before, oldest first.
        missed: whether there was more than can be made up for.
        sent: how many events of each kind they were told of.
        over: set where there is nothing more to be told.
        wake: called, from any thread, when there may be something.
    """

    def __init__(self, use: Use, after: int) -> None:
        self.use = use
        self.opened = 0
        self.after = after
        self.waiting: deque[LiveEvent] = deque()
        self.missed = False
        self.sent = {"tracklet": 0, "link": 0, "alert": 0}
        self.over = threading.Event()
        self.wake: Callable[[], None] = lambda: None


class Hub:
    """Reads the outbox for all who follow.

    Args:
        context: of the app.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._outbox = Outbox(context.gallery.database)
        self._limits = context.settings.live
        self._lock = threading.Lock()
        self._followers: set[Follower] = set()
        self._left: deque[Follower] = deque()
        self._kept: deque[LiveEvent] = deque()
        # Everything behind the floor, up to the position, is kept.
        self._position = self._floor = self._outbox.end()
        context.shared(Metrics).streams.set_function(lambda: self.followers)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    @property
    def followers(self) -> int:
        """How many follow."""
        with self._lock:
            return len(self._followers)

    def open(self, use: Use, last: int | None) -> Follower:
        """Let somebody follow; it is written down before they are told anything.

        Args:
            use: who, and why.
            last: number of the last event that they were told of before; ``None`` for what comes from now on.

        Raises:
            TooManyRequestsError: as many follow as may, in all or of this principal.
        """
        with self._lock:
            mine = sum(one.use.principal.id == use.principal.id for one in self._followers)
            if len(self._followers) >= self._limits.streams or mine >= self._limits.streams_each:
                raise TooManyRequestsError("As many follow what comes in as may.", _RETRY_SECONDS)
            # What comes meanwhile stands behind the position, and is kept.
            floor = self._floor
            begin = self._position if last is None else max(0, min(last, self._position))
            follower = Follower(use, max(begin, floor))
            self._followers.add(follower)
        try:
            if begin < floor:
                self._make_up(follower, begin, floor)
            follower.opened = use.record("live.open", details={"address": use.address})
        except BaseException:
            with self._lock:
                self._followers.discard(follower)
            raise
        return follower

    def leave(self, follower: Follower) -> None:
        """Let somebody follow no more; what they were told is counted in the audit log soon after."""
        with self._lock:
            if follower in self._followers:
                self._followers.discard(follower)
                self._left.append(follower)

    def next(self, follower: Follower) -> list[tuple[LiveEvent, str]]:
        """The next events that a follower is told of, as JSON; none where there is nothing by now.

        Whether they still may is seen each time.

        Raises:
            SignInNeededError: their session or token is over.
            NotPermittedError: what they may see has changed.
        """
        self._check(follower)
        while chosen := self._chosen(follower):
            told, shown = [], self._context.shared(Shown)
            answer, pictures = shown.name(), set[str]()
            with self._context.gallery.database.read() as session:
                for event in chosen:
                    said = event.told_to(follower.use, session, answer)
                    if said is not None:
                        told.append((event, said[0].model_dump_json()))
                        pictures |= said[1]
                        follower.sent[event.kind] += 1
            if told:
                shown.put(answer, follower.use.principal.id, pictures)
                return told
        return []

    def _chosen(self, follower: Follower) -> list[LiveEvent]:
        """The next events behind those that a follower is done with, which they are then."""
        if follower.waiting:
            return [follower.waiting.popleft() for _ in range(min(AT_A_TIME, len(follower.waiting)))]
        with self._lock:
            if follower.after < self._floor:
                follower.missed, follower.after = True, self._floor
            chosen = [one for one in self._kept if one.number > follower.after][:AT_A_TIME]
            follower.after = chosen[-1].number if chosen else self._position
        return chosen

    def close(self) -> None:
        """Let everybody go."""
        self._stop.set()
        self._thread.join(_RETRY_SECONDS)
        self._end_all()

    def _make_up(self, follower: Follower, begin: int, floor: int) -> None:
        """Find what happened before what is kept."""
        events = [one for one in self._outbox.after(begin, KINDS, KEPT + 1) if one.id <= floor]
        if len(events) > KEPT:
            follower.missed = True
            return
        with self._context.gallery.database.read() as session:
            follower.waiting.extend(live_events(session, events))

    def _check(self, follower: Follower) -> None:
        principal, _ = who_asks(self._context, follower.use.request)
        if principal != follower.use.principal or not principal.may(Permission.LIVE):
            raise NotPermittedError("What may be seen has changed.")

    def _run(self) -> None:
        while not self._stop.is_set() and not self._context.ending.is_set():
            pause = POLL_SECONDS
            try:
                self._read()
                self._write_down()
            except NightreidError as error:
                _LOG.warning("What comes in cannot be read: %s", error)
                pause = _RETRY_SECONDS
            except Exception:
                _LOG.exception("What comes in cannot be read.")
                pause = _RETRY_SECONDS
            # Either ends it; the one that a server sets when it is told to end is the one that hurries.
            self._context.ending.wait(pause)
        self._end_all()

    def _read(self) -> None:
        position, end = self._position, self._outbox.end()
        if end < position:
            # A database that was restored under us counts its events again from an earlier number.
            with self._lock:
                self._kept.clear()
                self._position = self._floor = end
            return
        while end > position and not self._stop.is_set():
            events = self._outbox.after(position, KINDS, _TOGETHER)
            full = len(events) == _TOGETHER and events[-1].id < end
            position = events[-1].id if full else end
            with self._context.gallery.database.read() as session:
                # What came since the end was looked for is read with what follows it, and told once.
                made = live_events(session, [one for one in events if one.id <= position])
            with self._lock:
                self._kept.extend(made)
                while len(self._kept) > KEPT:
                    self._floor = self._kept.popleft().number
                self._position = position
                followers = list(self._followers) if made else []
            for follower in followers:
                follower.wake()

    def _write_down(self) -> None:
        """Count what those were told who have left."""
        while self._left:
            follower = self._left[0]
            use = follower.use
            subject = {"opened": follower.opened, **follower.sent}
            said = AuditEvent("live.close", use.principal.actor, use.purpose, use.case, subject)
            self._context.trail.append(said)
            self._left.popleft()

    def _end_all(self) -> None:
        with self._lock:
            followers = list(self._followers)
        for follower in followers:
            follower.over.set()
            follower.wake()
            self.leave(follower)
        try:
            self._write_down()
        except NightreidError as error:
            _LOG.warning("Who has followed what comes in cannot be written down: %s", error)

"""Followers of the tests on a gallery of their own, one turn at a time, and what they did."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.lease import Lease
from reid_core.gallery.outbox import EVENT_SET_ASIDE, Event, Outbox, put_event
from reid_core.gallery.schema import OutboxRow
from stream.followers.follower import Follower, Mark, OutsideFollower
from stream.followers.following import Following
from stream.service.telemetry import Telemetry

KIND, WRITTEN = "test.happened", "test.written"
LEASE_SECONDS = 5.0


class Clock:
    """Seconds that go on when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scribe(Follower[list[str]]):
    """Writes the subject of each event back into the outbox, where one that came twice would be there twice.

    Attributes:
        batches: the subjects that it was given at a time.
        fails: what is raised, by subject or for any (``""``), in `prepare` or, of those named in ``late``, in
            `commit`.
        late: subjects that fail in `commit` only, once all is written.
        meanwhile: called once at the end of the next `prepare`.
    """

    name = "scribe"
    kinds = frozenset({KIND})
    together = 3

    def __init__(self) -> None:
        self.batches: list[str] = []
        self.fails: dict[str, Callable[[], Exception]] = {}
        self.late: set[str] = set()
        self.meanwhile: Callable[[], None] | None = None
        self.waited = 0

    def prepare(self, events: Sequence[Event]) -> list[str]:
        self.batches.append("".join(event.subject for event in events))
        self._fail([event.subject for event in events if event.subject not in self.late])
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return [event.subject for event in events]

    def commit(self, session: Session, work: list[str]) -> None:
        for subject in work:
            put_event(session, WRITTEN, subject, {}, 0)
        self._fail([subject for subject in work if subject in self.late])

    def waits(self, events: int) -> None:
        self.waited = events

    def _fail(self, subjects: Sequence[str]) -> None:
        for subject in ("", *subjects):
            if subject in self.fails:
                raise self.fails[subject]()


class Elsewhere:
    """What is told the subjects: all of a call or none, by who was heard of last, and it can be asked."""

    def __init__(self) -> None:
        self.has: list[tuple[int, str]] = []
        self.voice = 0


class Teller(OutsideFollower[list[tuple[int, str]]]):
    """Tells `Elsewhere`; notes how much is there.

    Attributes:
        fails: what is raised by `deliver`, before and after it has told.
        poison: subjects that cannot be prepared.
        marks: that it recovered from.
        voice: by which it is known there; ``None`` where it has let go.
    """

    name = "teller"
    kinds = frozenset({KIND})
    together = 2

    def __init__(self, elsewhere: Elsewhere) -> None:
        self.elsewhere = elsewhere
        self.fails: dict[str, Exception] = {}
        self.poison: set[str] = set()
        self.marks: list[Mark] = []
        self.voice: int | None = None
        self.committed: list[str] = []

    def recover(self, mark: Mark) -> int:
        self.marks.append(mark)
        self.elsewhere.voice += 1
        self.voice = self.elsewhere.voice
        return max([mark.position, *(number for number, _ in self.elsewhere.has)])

    def prepare(self, events: Sequence[Event]) -> list[tuple[int, str]]:
        if any(event.subject in self.poison for event in events):
            raise KeyError("poison")
        return [(event.id, event.subject) for event in events]

    def deliver(self, work: list[tuple[int, str]]) -> Mapping[str, Any]:
        if "before" in self.fails:
            raise self.fails["before"]
        if self.voice != self.elsewhere.voice:
            raise RuntimeError("another one speaks by now")
        self.elsewhere.has += work
        if "after" in self.fails:
            raise self.fails.pop("after")
        return {"there": len(self.elsewhere.has)}

    def commit(self, _session: Session, work: list[tuple[int, str]]) -> None:
        self.committed += [subject for _, subject in work]

    def let_go(self) -> None:
        self.voice = None


class Post:
    """A follower at work in one process: its lease, its clock, its turns."""

    def __init__(self, database: Database, follower: Any, holder: str) -> None:
        self.clock, self.telemetry, self.follower = Clock(), Telemetry(), follower
        name = follower.name
        self.lease = Lease(database, f"follower/{name}/night", holder, LEASE_SECONDS, self.clock)
        self.following = Following(follower, database, self.lease, self.telemetry, Flag(), self.clock)
        self.lease.hold()

    def turn(self) -> float:
        """One turn; seconds to pass before the next."""
        return self.following.turn()

    def takes_over(self) -> bool:
        """Look at the holder once, and again after it has been silent for long enough."""
        self.lease.hold()
        self.clock.now += LEASE_SECONDS + 1
        return self.lease.hold()

    def metric(self, name: str) -> float:
        found = self.telemetry.registry.get_sample_value(
            f"nightreid_worker_follower_{name}", {"follower": self.follower.name}
        )
        return found or 0.0


class Desk:
    """A gallery in which things happen."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def happen(self, subjects: str, kind: str = KIND) -> None:
        """An event for each letter, in order."""
        with self.database.write() as session:
            for subject in subjects:
                put_event(session, kind, subject, {}, 7)

    def scribe(self, holder: str = "one", scribe: Scribe | None = None) -> Post:
        return Post(self.database, scribe or Scribe(), holder)

    def teller(self, elsewhere: Elsewhere, holder: str = "one") -> Post:
        return Post(self.database, Teller(elsewhere), holder)

    @property
    def written(self) -> str:
        """The subjects that were written, in the order in which they were."""
        return "".join(one.subject for one in self._of(WRITTEN))

    @property
    def set_aside(self) -> list[dict[str, Any]]:
        """What the outbox says of events that were."""
        return [
            {**one.payload, "subject": one.subject, "at": one.created_ns} for one in self._of(EVENT_SET_ASIDE)
        ]

    def number(self, subject: str) -> int:
        """Of the event with this subject."""
        with self.database.read() as session:
            chosen = select(OutboxRow.id).where(OutboxRow.kind == KIND, OutboxRow.subject == subject)
            return session.scalars(chosen).one()

    def _of(self, kind: str) -> Sequence[Event]:
        return Outbox(self.database).after(0, {kind}, 1 << 20)

"""A follower of the tests: it writes down each event that it is given, in a table of its own."""

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import LINK_MADE, TRACKLET_CLOSED, Event, Outbox
from stream.followers.follower import Follower
from stream.followers.surroundings import Surroundings
from tests.support.shift import Post, work_beside

KINDS = (TRACKLET_CLOSED, LINK_MADE, RECORD_REFUSED)
# Nothing in it forbids that an event is there twice.
_TABLE = Table(
    "tallied",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("event", BigInteger),
    Column("kind", String(32)),
    Column("subject", String(64)),
    Column("process", Integer),
)


class Tally(Follower[list[dict[str, object]]]):
    """One row an event.

    Args:
        surroundings: of the worker.
    """

    name = "tally"
    kinds = KINDS
    together = 2

    def __init__(self, surroundings: Surroundings) -> None:
        with surroundings.gallery.database.write() as session:
            _TABLE.create(session.connection(), checkfirst=True)

    def prepare(self, events: Sequence[Event]) -> list[dict[str, object]]:
        return [self.row(event) for event in events]

    def row(self, event: Event) -> dict[str, object]:
        return {"event": event.id, "kind": event.kind, "subject": event.subject, "process": os.getpid()}

    def commit(self, session: Session, work: list[dict[str, object]]) -> None:
        session.execute(insert(_TABLE), work)


class SlowTally(Tally):
    """One that takes longer than a lease lasts, once it is told to go on."""

    begun = threading.Event()
    go_on = threading.Event()

    def prepare(self, events: Sequence[Event]) -> list[dict[str, object]]:
        self.begun.set()
        self.go_on.wait(20)
        return super().prepare(events)


def nobody(_surroundings: Surroundings) -> None:
    """A follower that has nothing to do."""


def tallied(database: Database) -> list[tuple[int, str, str, int]]:
    """Event, kind, subject and process of every row, in the order in which they were written."""
    chosen = select(_TABLE.c.event, _TABLE.c.kind, _TABLE.c.subject, _TABLE.c.process).order_by(
        _TABLE.c.number
    )
    with database.read() as session:
        return [tuple(row) for row in session.execute(chosen)]


def happened(database: Database) -> list[tuple[int, str, str]]:
    """What should be there: number, kind and subject of every event that it follows."""
    return [(one.id, one.kind, one.subject) for one in Outbox(database).after(0, KINDS, 1 << 20)]


def worker_with_tally(folder: Path) -> Callable[[Post], None]:
    """What a worker's process does where somebody has installed the tally.

    Args:
        folder: to install it in: what is written there is what an installer writes.
    """
    installed = folder / "installed"
    information = installed / "tally_of_the_tests-1.0.dist-info"
    information.mkdir(parents=True, exist_ok=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tally-of-the-tests\nVersion: 1.0\n")
    points = "[nightreid.followers]\ntally = tests.support.tally:Tally\n"
    (information / "entry_points.txt").write_text(points)
    return partial(work_beside, str(installed))

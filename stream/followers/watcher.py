"""Watches, in a worker: tracklets and links to alerts, each once."""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy.orm import Session

from reid_core.gallery.outbox import Event
from reid_core.watching.service import KINDS, Judged, Watching
from stream.followers.follower import Follower
from stream.followers.surroundings import Surroundings


def watcher(surroundings: Surroundings) -> "Watcher | None":
    """The watcher of a worker; ``None`` where nobody watches."""
    return Watcher(surroundings.watching) if surroundings.watching is not None else None


class Watcher(Follower[Judged]):
    """Raises the alerts of watches; its effect and the mark of the gallery are one transaction.

    Args:
        watching: who judges.
    """

    name: ClassVar[str] = "watcher"
    kinds = KINDS

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def prepare(self, events: Sequence[Event]) -> Judged:
        """Compare with all watches."""
        return self._watching.judge(events)

    def commit(self, session: Session, work: Judged) -> None:
        """Write the alerts."""
        self._watching.write(session, work)

"""The follower that has alerts delivered by webhook: each is queued once for each receiver.

What is queued is delivered by threads beside it (`stream.webhooks.sending`), so that a receiver that is slow
or away holds up neither this follower nor any other.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reid_core.gallery.outbox import ALERT_RAISED, Event, Outbox
from reid_core.watching.deliveries import known_since, queue
from stream.followers.follower import Follower
from stream.followers.surroundings import Surroundings
from stream.followers.told_before import digest
from stream.webhooks.sending import Sender


@dataclass(frozen=True, slots=True)
class _Told:
    """An alert for one webhook."""

    webhook: str
    alert: int
    message: str


def webhooks(surroundings: Surroundings) -> "WebhookFollower | None":
    """The follower of a worker; ``None`` where no webhook is configured.

    Raises:
        ConfigError: a secret or a file of authorities cannot be used.
    """
    return WebhookFollower(surroundings) if surroundings.webhooks else None


class WebhookFollower(Follower[list[_Told]]):
    """Queues each alert that is told, once for each webhook that is to hear of it.

    Args:
        surroundings: of the worker.
        now_ns: the time of day, UTC nanoseconds.

    Attributes:
        senders: who delivers what is queued.
    """

    name = "webhooks"
    kinds = frozenset({ALERT_RAISED})

    def __init__(self, surroundings: Surroundings, now_ns: Callable[[], int] = time.time_ns) -> None:
        database = surroundings.gallery.database
        self._settings = surroundings.webhooks
        self._outbox = Outbox(database)
        self._now_ns = now_ns
        self.senders = [
            Sender(name, one, database, surroundings.telemetry, surroundings.stop, now_ns)
            for name, one in self._settings.items()
        ]
        with database.write() as session:
            self._since = {name: known_since(session, name) for name in self._settings}

    def start(self) -> None:
        """Begin to deliver."""
        for sender in self.senders:
            sender.start()

    def prepare(self, events: Sequence[Event]) -> list[_Told]:
        """Find out who is to hear of which alert."""
        told = []
        for event in events:
            number = int(event.payload["alert"])
            alert = self._outbox.alert(number)
            for name, one in self._settings.items() if alert is not None else ():
                assert alert is not None
                heard = not one.cameras or alert["camera"] in one.cameras
                if heard and event.id > self._since[name]:
                    told.append(_Told(name, number, digest(event)))
        return told

    def commit(self, session: Session, work: list[_Told]) -> None:
        """Queue them."""
        now = self._now_ns()
        for one in work:
            queue(session, one.webhook, one.alert, one.message, now)

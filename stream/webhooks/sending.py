"""Whoever delivers to one webhook: a thread of its own, so that a slow receiver holds up nobody else.

Any number of workers may deliver to the same one: a delivery is put off by who tries it, in the database,
before it is tried.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable

import tenacity

from reid_core.errors import NightreidError
from reid_core.gallery.database import Database
from reid_core.gallery.outbox import Outbox
from reid_core.watching.deliveries import Delivery, DeliveryState, any_due, claim, settle, waiting
from stream.service.telemetry import Telemetry
from stream.webhooks.posting import Answer, post
from stream.webhooks.settings import WebhookSettings
from stream.webhooks.signing import signed

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_AWAY_SECONDS = 2.0
_NS = 1_000_000_000
# An attempt's own time, and as much again until it is written what came of it.
_BUSY = 2.0

SCHEMA = "nightreid.alert/1.0"
TYPE = "alert.raised"
"""What a delivery's body says it is."""


class Sender:
    """Delivers what is due to one webhook.

    Args:
        name: of the webhook.
        settings: of it.
        database: of the gallery.
        telemetry: told what happens.
        stop: ends it after the attempt in hand.
        now_ns: the time of day, UTC nanoseconds.

    Raises:
        ConfigError: its secret or the file of authorities cannot be used.
    """

    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        database: Database,
        telemetry: Telemetry,
        stop: threading.Event,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        section = f"webhooks.{name}"
        self.name = name
        self._settings = settings
        self._keys = settings.keys(section)
        self._tls = settings.tls(section)
        self._database = database
        self._outbox = Outbox(database)
        self._telemetry = telemetry
        self._stop = stop
        self._now_ns = now_ns
        self._delay = tenacity.wait_exponential(
            multiplier=settings.first_retry_seconds, max=settings.longest_retry_seconds
        )
        self._thread = threading.Thread(target=self._run, name=f"webhook {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def turn(self) -> float:
        """Deliver what is due.

        Returns:
            seconds to pass before the next turn.
        """
        what = f"The webhook {self.name}"
        try:
            while not self._stop.is_set() and self._deliver_one():
                pass
            with self._database.read() as session:
                left = waiting(session).get(self.name, 0)
        except NightreidError as error:
            # Whatever it was, the delivery is in the table and due again.
            _LOG.warning("%s waits: %s", what, error)
            self._telemetry.trouble(what, str(error))
            return _AWAY_SECONDS
        self._telemetry.webhook_waiting.labels(self.name).set(left)
        self._telemetry.trouble(what, None)
        return _POLL_SECONDS

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                pause = self.turn()
            except Exception:
                # One alert that cannot be told must not end the thread; it is due again later.
                _LOG.exception("The webhook %s fails.", self.name)
                pause = _AWAY_SECONDS
            self._stop.wait(pause)

    def _deliver_one(self) -> bool:
        """Try what is due next; ``False`` where nothing is."""
        now = self._now_ns()
        with self._database.read() as session:
            if not any_due(session, self.name, now):
                return False
        busy = round(self._settings.timeout_seconds * _BUSY * _NS)
        with self._database.write() as session:
            delivery = claim(session, self.name, now, busy)
        if delivery is None:
            return False
        alert = self._outbox.alert(delivery.alert)
        if alert is None:
            self._settle(delivery, DeliveryState.GONE, Answer(None, ""), now)
            return True
        said = {"type": TYPE, "schema": SCHEMA, "id": delivery.message, "data": alert}
        body = json.dumps(said, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "nightreid",
            **signed(self._keys, delivery.message, now // _NS, body),
        }
        url, seconds = self._settings.url.get_secret_value(), self._settings.timeout_seconds
        self._judge(delivery, post(url, headers, body, seconds, self._tls))
        return True

    def _judge(self, delivery: Delivery, answer: Answer) -> None:
        now = self._now_ns()
        if not answer.error:
            self._settle(delivery, DeliveryState.DELIVERED, answer, now)
            return
        due = now + round(self.delay(delivery.attempts) * _NS)
        until = delivery.queued_ns + round(self._settings.give_up_hours * 3600 * _NS)
        over = due > until
        if over:
            _LOG.error(
                "Alert %d is not delivered to the webhook %s: given up after %d attempts. %s",
                delivery.alert, self.name, delivery.attempts, answer.error,
            )  # fmt: skip
        elif delivery.attempts == 1:
            _LOG.warning("Alert %d, webhook %s: %s Retrying.", delivery.alert, self.name, answer.error)
        self._settle(delivery, DeliveryState.GIVEN_UP if over else DeliveryState.WAITING, answer, due)

    def delay(self, attempts: int) -> float:
        """Seconds from a failed attempt to the next one: twice as long each time, less up to a tenth.

        The tenth is chance, so that what failed together is not tried together.
        """
        state = tenacity.RetryCallState(None, None, (), {})  # type: ignore[arg-type]
        state.attempt_number = attempts
        return self._delay(state) * (1 - random.random() / 10)

    def _settle(self, delivery: Delivery, state: DeliveryState, answer: Answer, due_ns: int) -> None:
        with self._database.write() as session:
            settle(session, delivery, state, answer.status, answer.error, due_ns)
        outcome = "failed" if state is DeliveryState.WAITING else str(state).replace(" ", "_")
        self._telemetry.webhook_deliveries.labels(self.name, outcome).inc()

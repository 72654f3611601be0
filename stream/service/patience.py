"""Waiting for what is away: a database, a blob store, a broker."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

import tenacity

from reid_core.errors import NightreidError
from stream.service.telemetry import Telemetry

_LOG = logging.getLogger(__name__)
_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 5.0
T = TypeVar("T")


class Patience:
    """Tries again what failed for a while only, until it goes well or is to stop.

    Args:
        stop: ends the waiting; the last error is raised then.
        telemetry: told what is away.
    """

    def __init__(self, stop: threading.Event, telemetry: Telemetry) -> None:
        self._stop = stop
        self._telemetry = telemetry

    def until_done(self, what: str, call: Callable[[], T]) -> T:
        """The result of a call, however often it has to be tried.

        Args:
            what: is called, for the log and the readiness.
            call: changes nothing where it fails.

        Raises:
            NightreidError: it failed for good, or for a while and everything is to stop.
        """
        # Nearly every call goes well at once: the machinery is for the others.
        try:
            return call()
        except NightreidError as error:
            if not error.transient or self._stop.is_set():
                raise
        return self._again(what, call)

    def _again(self, what: str, call: Callable[[], T]) -> T:
        def told(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            if state.attempt_number == 1:
                _LOG.warning("%s: %s Retrying until it succeeds.", what, error)
            self._telemetry.retries.labels(what).inc()
            self._telemetry.trouble(what, str(error))
            # Waiting is not being stuck.
            self._telemetry.progress()

        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_exponential_jitter(_FIRST_SECONDS, _LONGEST_SECONDS, jitter=_FIRST_SECONDS),
            stop=tenacity.stop_when_event_set(self._stop),
            sleep=tenacity.sleep_using_event(self._stop),
            before_sleep=told,
            reraise=True,
        )
        result = tries(call)
        self._telemetry.trouble(what, None)
        return result


def _passes(error: BaseException) -> bool:
    return isinstance(error, NightreidError) and error.transient

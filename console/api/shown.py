"""What somebody was shown lately: the pictures of it need no entry of their own in the audit log.

An answer names itself, and its pictures' addresses name the answer. The answer's entry says which people it
showed; a picture that is asked for under it is part of it. Whatever is not in it is written down by itself.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from urllib.parse import quote

from console.api.context import Context
from console.api.permitted import API

_SECONDS = 3600.0
_ANSWERS = 4000


class Shown:
    """The answers of the last hour, as many as fit.

    Args:
        context: of the app.

    Attributes:
        draw: makes the name of an answer; nobody else's answer is opened by it, whatever it is.
    """

    def __init__(self, context: Context) -> None:
        del context
        self.draw: Callable[[], str] = lambda: secrets.token_urlsafe(12)
        self._answers: OrderedDict[str, tuple[str, float, frozenset[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def name(self) -> str:
        """The name of an answer to come."""
        return self.draw()

    def put(self, name: str, owner: str, sightings: Collection[str]) -> None:
        """Remember whose pictures an answer shows.

        Args:
            name: of the answer.
            owner: id of the account that it was given to.
            sightings: ids.
        """
        with self._lock:
            self._answers[name] = owner, time.monotonic() + _SECONDS, frozenset(sightings)
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)

    def has(self, name: str, owner: str, sighting: str) -> bool:
        """Whether an answer that this account was given showed the sighting."""
        with self._lock:
            mine, until, sightings = self._answers.get(name, ("", 0.0, frozenset[str]()))
        return mine == owner and time.monotonic() < until and sighting in sightings


def crop_address(sighting: str | None, answer: str) -> str | None:
    """Where a sighting's picture is; ``None`` for none."""
    if not sighting:
        return None
    return f"{API}/crops/{quote(sighting, safe='')}?search={answer}"

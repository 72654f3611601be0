"""The followers of a worker: made, started and stopped, each with its lease."""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from reid_core.errors import NightreidError, UsageError
from reid_core.gallery.lease import Lease
from stream.followers import FOLLOWERS
from stream.followers.following import Following
from stream.followers.surroundings import Surroundings

_LOG = logging.getLogger(__name__)


class Followers:
    """Every follower that there is something to do for, at work where this worker holds its lease.

    Args:
        surroundings: that they are made in.
        holder: name of this worker.
        seconds: how long a holder of a lease may be silent.
        leases: those that somebody else holds, by the name that `Follower.lease` says.

    Raises:
        UsageError: one cannot be made, or two of them go by the same lease.
    """

    def __init__(
        self, surroundings: Surroundings, holder: str, seconds: float, leases: Mapping[str, Lease]
    ) -> None:
        database, group = surroundings.gallery.database, surroundings.group
        self._surroundings = surroundings
        self._beat_seconds = seconds / 4
        self._done = threading.Event()
        self._own: dict[str, Lease] = {}
        self._following: dict[str, Following[Any]] = {}
        for name in FOLLOWERS.names:
            follower = FOLLOWERS.get(name)(surroundings)
            if follower is None:
                continue
            by = follower.lease or f"follower/{follower.name}"
            if by in self._following:
                raise UsageError(f"Two followers go by one lease, {by}; {follower.name} is the second.")
            if follower.lease is None:
                self._own[by] = Lease(database, f"{by}/{group}", holder, seconds)
            lease = self._own.get(by) or leases.get(by)
            if lease is None:
                raise UsageError(
                    f"The follower {follower.name} goes by a lease {by}, which nobody holds here."
                )
            self._following[by] = Following(
                follower, database, lease, surroundings.telemetry, surroundings.stop
            )
        self._thread = threading.Thread(target=self._hold, name="followers", daemon=True)

    def start(self) -> None:
        """Begin."""
        for following in self._following.values():
            following.start()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End; what is not handled stays for the next one.

        Args:
            seconds: how long that may take.
        """
        self._surroundings.stop.set()
        until = time.monotonic() + seconds
        for following in self._following.values():
            following.join(max(0.0, until - time.monotonic()))
        self._done.set()
        self._thread.join(seconds)

    def _hold(self) -> None:
        """Show that one is alive while events are prepared, however long that takes."""
        while not self._done.is_set():
            for name, lease in self._own.items():
                self._renew(name, lease)
            self._done.wait(self._beat_seconds)
        for lease in self._own.values():
            with suppress(NightreidError):
                lease.let_go()

    def _renew(self, name: str, lease: Lease) -> None:
        held = lease.epoch is not None
        try:
            lease.hold()
        except NightreidError as error:
            # Whatever is written makes sure of the lease itself, and the follower tells of what is away.
            _LOG.debug("The lease %s is not renewed: %s", name, error)
        else:
            if (lease.epoch is not None) != held:
                _LOG.info("This worker %s %s.", "holds no more" if held else "holds", name)

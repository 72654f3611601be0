"""Rate limits: of what one account, one address or one name may ask in a minute, in bounded memory."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from console.api.context import Context
from console.api.problems import problem_of
from reid_core.access.errors import TooManyRequestsError

_REMEMBERED = 20_000
_IPV6_NETWORK = 64


class Buckets:
    """Token buckets, one a key: a minute's worth may come at once, then as many as flow in again.

    Args:
        a_minute: how many.
        remembered: keys; the one that was used longest ago is forgotten for another.
        clock: seconds that only go up.
    """

    def __init__(
        self, a_minute: int, remembered: int = _REMEMBERED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = float(a_minute)
        self._remembered = remembered
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, count: float = 1.0) -> None:
        """Take so many; ``0`` only looks whether there is one.

        Raises:
            TooManyRequestsError: there is none.
        """
        now = self._clock()
        with self._lock:
            level, since = self._levels.pop(key, (self._most, now))
            level = min(self._most, level + (now - since) * self._most / 60.0)
            left = level - count if level >= 1.0 else level
            self._levels[key] = (left, now)
            if len(self._levels) > self._remembered:
                self._levels.popitem(last=False)
        if level < 1.0:
            raise TooManyRequestsError("That is too often.", (1.0 - level) * 60.0 / self._most)

    def __len__(self) -> int:
        return len(self._levels)


class Rates:
    """The limits of one process.

    Attributes:
        accounts: requests by account.
        addresses: requests by address.
        sign_ins: tries to sign in, by address.
        failures: tries that failed, by name: from many addresses, more than from one.
    """

    def __init__(self, context: Context) -> None:
        limits = context.settings.limits
        self.accounts = Buckets(limits.requests_a_minute)
        self.addresses = Buckets(limits.address_requests_a_minute)
        self.sign_ins = Buckets(limits.sign_ins_a_minute)
        self.failures = Buckets(5 * limits.sign_ins_a_minute)


class AddressLimit:
    """Answers nobody who asks too often, before anything is looked up.

    Args:
        app: that answers the others.
        context: of the app.
    """

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "http":
            try:
                self._context.shared(Rates).addresses.take(network_of(Request(scope)))
            except TooManyRequestsError as error:
                await problem_of(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def address_of(request: Request) -> str:
    """From which address is asked; empty where it has none."""
    return request.client.host if request.client is not None else ""


def network_of(request: Request) -> str:
    """The address, of IPv6 the network: whoever has one has all of it."""
    text = address_of(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return text
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))

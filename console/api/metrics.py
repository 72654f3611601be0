"""What the console tells Prometheus: counts and times, nobody's name."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.context import Context

ROUTE = "nightreid.route"
"""Where a request's route says its path, for `Measured`."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The process' metrics; every name begins with ``nightreid_console_``.

    Attributes:
        registry: to serve them from; others may add theirs.
    """

    def __init__(self, _context: Context) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "nightreid_console_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "nightreid_console_request_seconds",
            "Time from a request to the head of its answer.",
            ("method", "route"),
            registry=registry,
            buckets=_SECONDS,
        )
        self.open = Gauge("nightreid_console_open_requests", "Requests being answered.", registry=registry)
        self.searches = Counter(
            "nightreid_console_searches",
            "Searches answered, by what was asked with.",
            ("form",),
            registry=registry,
        )
        self.streams = Gauge("nightreid_console_streams", "Streams of live events open.", registry=registry)
        self.sign_ins = Counter(
            "nightreid_console_sign_ins", "Tries to sign in.", ("result",), registry=registry
        )


class Measured:
    """Counts every request and takes its time.

    Args:
        app: that answers.
        context: of the app.
    """

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics = self._context.shared(Metrics)
        begun = time.perf_counter()

        async def send_measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                # By its pattern: an address with an id in it would name somebody, and be a series of its own.
                method = scope["method"] if scope["method"] in _METHODS else "other"
                route = scope.get(ROUTE, "none")
                metrics.requests.labels(method, route, str(message["status"])).inc()
                metrics.seconds.labels(method, route).observe(time.perf_counter() - begun)
            await send(message)

        with metrics.open.track_inprogress():
            await self._app(scope, receive, send_measured)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

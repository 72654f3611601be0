"""A small HTTP server beside long work: its metrics, whether it is alive, and whether it is ready."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from reid_core.errors import UsageError
from reid_core.redaction import redact_text

_log = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
_JSON = "application/json"
# A client that connects and asks nothing must not keep a thread for ever.
_ASKING_SECONDS = 10.0
_POLL_SECONDS = 0.1


class StatusServer:
    """Serves ``/metrics``, ``/live`` and ``/ready`` from a thread of its own.

    The last two answer 200 or 503 with ``{"live": bool}`` and ``{"ready": bool, "reasons": [...]}``.

    Args:
        port: to listen at; 0 takes a free one, see `port`.
        registry: the metrics.
        live: whether the work goes on; where not, whoever watches restarts the process.
        ready: whether the work gets anywhere, and one sentence for each reason why not.
        host: address to listen at; what it tells needs no password, so others hear it only if they are to.

    Attributes:
        port: where it listens.

    Raises:
        UsageError: the port cannot be had.
    """

    def __init__(
        self,
        port: int,
        registry: CollectorRegistry,
        live: Callable[[], bool],
        ready: Callable[[], tuple[bool, list[str]]],
        host: str = LOOPBACK,
    ) -> None:
        handler = type("Handler", (_Handler,), {"answers": _Answers(registry, live, ready)})
        try:
            self._server = _Server((host, port), handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"The port {port} for metrics cannot be used: {reason}.",
                "Choose another port."
                if host == LOOPBACK
                else f"Choose another port; metrics_host ({host!r}) must be an address of this machine.",
            ) from None
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="status server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left before its answer is nothing to tell of; anything else is."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("The status server failed to answer.")


class _Answers:
    """What is answered to a path: status, content type and body."""

    def __init__(
        self,
        registry: CollectorRegistry,
        live: Callable[[], bool],
        ready: Callable[[], tuple[bool, list[str]]],
    ) -> None:
        self._registry = registry
        self._live = live
        self._ready = ready

    def to(self, path: str, accepted: str) -> tuple[int, str, bytes]:
        """The answer to a path, in a format that is accepted."""
        if path == "/metrics":
            encode, kind = choose_encoder(accepted)
            return 200, kind, encode(self._registry)
        if path == "/live":
            live = self._live()
            return _json(200 if live else 503, {"live": live})
        if path == "/ready":
            ready, reasons = self._ready()
            return _json(200 if ready else 503, {"ready": ready, "reasons": list(map(redact_text, reasons))})
        return _json(404, {"error": "There are /metrics, /live and /ready."})


def _json(status: int, value: object) -> tuple[int, str, bytes]:
    return status, _JSON, json.dumps(value).encode()


class _Handler(BaseHTTPRequestHandler):
    """Hands a request to the answers."""

    answers: _Answers
    timeout = _ASKING_SECONDS

    def do_GET(self) -> None:
        """Answer."""
        status, kind, body = self.answers.to(self.path.partition("?")[0], self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def version_string(self) -> str:
        """Says what answers and not which Python it is written in."""
        return "nightreid"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a probe every few seconds is no news."""

"""An HTTP server that takes webhooks, as well or as badly as it is told."""

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(b"a key of the tests, 32 bytes long").decode()


@dataclass
class Letter:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]

    def is_from(self, secret=SECRET):
        """Whether it is signed with a secret, worked out from what the specification says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        text = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.letters.append(Letter(self.path, headers, body))
        does = server.does.pop(0) if len(server.does) > 1 else server.does[0]
        with suppress(OSError):
            if does == "stalls":
                server.released.wait(20)
            elif does == "drips":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for number in range(400):
                    self.wfile.write(f"x-{number}: y\r\n".encode())
                    if server.released.wait(0.05):
                        break
            elif does == "breaks off":
                self.connection.close()
            elif does == "floods":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while not server.released.is_set():
                    server.flooded += self.wfile.write(b"x" * (1 << 16))
            else:
                self.send_response(does)
                for name, value in server.answers.items():
                    self.send_header(name, value)
                self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def receiver(*does, port=0, tls=None):
    """Take what is posted.

    Args:
        does: what is done with each request in turn, the last for all others: a status, ``stalls``,
            ``drips``, ``breaks off`` or ``floods``; 204 where nothing is said.
        port: to listen at; 0 for a free one.
        tls: context to serve with.
    """
    server = ThreadingHTTPServer(("127.0.0.1", port), _Taking)
    server.daemon_threads = True
    server.does, server.letters, server.answers, server.flooded = list(does or (204,)), [], {}, 0
    server.released = threading.Event()
    scheme = "http"
    if tls is not None:
        server.socket, scheme = tls.wrap_socket(server.socket, server_side=True), "https"
    server.url = f"{scheme}://127.0.0.1:{server.server_port}/alerts?token=Qzhush7Qzhush"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()


class Hands:
    """A clock that stands at the present and goes on when it is told to, in nanoseconds."""

    def __init__(self):
        self.now = time.time_ns()

    def __call__(self):
        return self.now

    def go(self, seconds):
        self.now += round(seconds * 1e9)

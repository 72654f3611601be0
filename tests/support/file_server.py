"""An HTTP server that gives files, as well or as badly as it is told."""

import base64
import re
import threading
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if not server.on:
            return self.answer(503, b"")
        if server.login and self.headers.get("Authorization") != server.login:
            return self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="files"'})
        data, status, headers = server.data, 200, {"Content-Type": server.kind}
        if server.written:
            headers["Last-Modified"] = formatdate(server.written, usegmt=True)
        first = 0
        if server.ranges and (wanted := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")):
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        return self.answer(status, data, headers, first)

    def answer(self, status, data, headers=(), first=0):
        server = self.server
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if server.length:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if server.ends_at is not None:
            data = data[: max(0, server.ends_at - first)]
        if server.hiccups and first:
            server.hiccups -= 1
            data = data[: len(data) // 2]
        with suppress(OSError):
            self.wfile.write(data)
        self.close_connection = not server.length or server.ends_at is not None or first > 0

    def log_message(self, *_):
        pass


@contextmanager
def files(data, ranges=True, length=True, kind="video/mp4", login=None, written=None, ends_at=None):
    """Serve bytes under any name.

    Args:
        ranges: whether parts of them can be asked for.
        length: whether their length is told.
        kind: their type, as the server calls it.
        login: ``user:password`` that is asked for.
        written: when they were written, Unix seconds.
        ends_at: from which byte on nothing is sent, whatever the length says.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.data, server.ranges, server.length, server.kind = data, ranges, length, kind
    server.login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
    server.written, server.ends_at, server.asked, server.on, server.hiccups = written, ends_at, [], True, 0
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    server.url = f"http://{f'{login}@' if login else ''}127.0.0.1:{server.server_port}/gate.mp4?token=hush"
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

"""A camera that refuses the login says so; one that gives nothing for another reason does not."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reid_core.errors import SourceError
from reid_core.types import Modality, Spectrum
from stream.footage.live import LiveSource
from stream.footage.logins import refusal
from stream.footage.naming import SourceSpec

RIGHT = "Basic am9lOnMzY3JldA=="  # joe:s3cret


@contextmanager
def http_camera(kind="Basic", otherwise=404):
    class Camera(BaseHTTPRequestHandler):
        def do_GET(self):
            right = self.headers.get("Authorization") == RIGHT
            self.send_response(otherwise if right else 401)
            self.send_header("WWW-Authenticate", f'{kind} realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def rtsp_camera(kind="Basic"):
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                asked, _ = listening.accept()
            except OSError:
                return
            with asked:
                right = RIGHT in asked.recv(4096).decode()
                status = "404 Not Found" if right else "401 Unauthorized"
                told = f'RTSP/1.0 {status}\r\nCSeq: 1\r\nWWW-Authenticate: {kind} realm="camera"\r\n\r\n'
                asked.sendall(told.encode())

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}/stream"
    finally:
        listening.close()


@pytest.mark.parametrize(("scheme", "served"), [("http", http_camera), ("rtsp", rtsp_camera)])
def test_a_wrong_login_or_none_is_said(scheme, served):
    with served() as place:
        wrong = refusal(f"{scheme}://joe:hush@{place}", 5)
        assert "refuses the login (401)" in wrong and "hush" not in wrong
        assert "asks for a login, and its address has none (401)" in refusal(f"{scheme}://{place}", 5)
        assert refusal(f"{scheme}://joe:s3cret@{place}", 5) is None
        assert refusal(f"{scheme}://joe:%733cret@{place}", 5) is None, "percent-encoded"
    with served(kind="Digest") as place:
        assert refusal(f"{scheme}://joe:hush@{place}", 5) is None, "it has not heard the password"
        assert "asks for a login" in refusal(f"{scheme}://{place}", 5)


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/x", "rtsp://127.0.0.1:1/x", "0", "udp://@:1", "http://["]
)
def test_what_cannot_be_asked_is_no_refusal(location):
    assert refusal(location, 1) is None


def test_the_source_says_so():
    with http_camera() as place:
        spec = SourceSpec("gate", f"http://joe:hush@{place}", Modality.VISIBLE, Spectrum.VISIBLE)
        with pytest.raises(SourceError, match=r"refuses the login \(401\)") as caught:
            LiveSource(spec, 2.0, 2.0)
        assert "hush" not in str(caught.value)

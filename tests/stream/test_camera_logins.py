"""A camera that refuses the login says so; one that gives nothing for another reason does not."""

import base64
import hashlib
import socket
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reid_core.errors import SourceError
from reid_core.types import Modality, Spectrum
from stream.footage import logins
from stream.footage.live import LiveSource
from stream.footage.logins import authorization, refusal
from stream.footage.naming import SourceSpec

NAME, PASSWORD = "joe", "s3crét"
ADDRESS = "joe:s3cr%C3%A9t"
BASIC = f"Basic {base64.b64encode(f'{NAME}:{PASSWORD}'.encode()).decode()}"
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
FORMS = {
    "basic": ('Basic realm="camera"',),
    "digest": (f'Digest realm="camera, gate", nonce="{NONCE}"',),
    "qop": (f'Digest realm="camera", nonce="{NONCE}", qop="auth,auth-int", opaque="5ccc", algorithm=MD5',),
    "session": (f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=MD5-sess',),
    "sha": (f'Digest realm="camera", nonce="{NONCE}", qop="auth", algorithm=SHA-256',),
    "both": (f'Digest realm="camera", nonce="{NONCE}", algorithm=SHA-512-256', 'Basic realm="camera"'),
}


def is_right(said, method):
    """Whether a login is the right one, as a camera finds out."""
    if not (said or "").startswith("Digest "):
        return said == BASIC
    told = urllib.request.parse_keqv_list(urllib.request.parse_http_list(said.removeprefix("Digest ")))
    kind = hashlib.sha256 if told.get("algorithm") == "SHA-256" else hashlib.md5

    def digest(text):
        return kind(text.encode()).hexdigest()

    who = digest(f"{NAME}:{told['realm']}:{PASSWORD}")
    if told.get("algorithm") == "MD5-sess":
        who = digest(f"{who}:{told['nonce']}:{told['cnonce']}")
    middle = f"{told['nc']}:{told['cnonce']}:{told['qop']}:" if "qop" in told else ""
    expected = digest(f"{who}:{told['nonce']}:{middle}{digest(f'{method}:' + told['uri'])}")
    return told["nonce"] == NONCE and told["response"] == expected


@contextmanager
def http_camera(kind="basic", otherwise=404):
    class Camera(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(otherwise if is_right(self.headers.get("Authorization"), "GET") else 401)
            for form in FORMS[kind]:
                self.send_header("WWW-Authenticate", form)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}/video?channel=1"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def rtsp_camera(kind="basic", closes=False):
    """A camera whose nonce counts on its connection only, unless it closes that behind every answer."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(camera, given):
        text = b""
        while b"\r\n\r\n" not in text:
            piece = camera.recv(64)
            if not piece:
                return False
            text += piece
        lines = text.decode("latin-1").split("\r\n")
        said = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        right = (given or closes) and is_right(said.get("authorization"), "DESCRIBE")
        status = "404 Not Found" if right else "401 Unauthorized"
        asks = "".join(f"WWW-Authenticate: {form}\r\n" for form in FORMS[kind])
        camera.sendall(f"RTSP/1.0 {status}\r\nCSeq: {said['cseq']}\r\n{asks}\r\n".encode())
        return not closes

    def serve():
        while True:
            try:
                camera, _ = listening.accept()
            except OSError:
                return
            with camera:
                given = False
                while answer(camera, given):
                    given = True

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}/stream"
    finally:
        listening.close()


SERVED = [("http", http_camera), ("rtsp", rtsp_camera)]


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize(("scheme", "served"), SERVED)
def test_a_wrong_login_or_none_is_said(scheme, served, kind):
    with served(kind) as place:
        wrong = refusal(f"{scheme}://joe:hush@{place}", 5)
        assert "refuses the login (401)" in wrong and "hush" not in wrong
        assert "asks for a login, and its address has none (401)" in refusal(f"{scheme}://{place}", 5)
        assert refusal(f"{scheme}://{ADDRESS}@{place}", 5) is None, "that is not why"


def test_a_camera_that_closes_behind_every_answer():
    with rtsp_camera("digest", closes=True) as place:
        assert "refuses the login" in refusal(f"rtsp://joe:hush@{place}", 5)
        assert refusal(f"rtsp://{ADDRESS}@{place}", 5) is None


def test_a_login_that_cannot_be_tried_is_not_called_wrong(monkeypatch):
    for form in ("Negotiate", 'Digest realm="x", nonce="1", algorithm=SHA-512-256', 'Digest qop="auth-int"'):
        monkeypatch.setitem(FORMS, "other", (form,))
        with http_camera("other") as place:
            assert refusal(f"http://{ADDRESS}@{place}", 5) is None


def test_a_login_whose_time_was_up_is_not_called_wrong(monkeypatch):
    monkeypatch.setitem(FORMS, "stale", (f'Digest realm="x", nonce="{NONCE[1:]}", stale="TRUE"',))
    with http_camera("stale") as place:
        assert refusal(f"http://{ADDRESS}@{place}", 5) is None


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(monkeypatch, algorithm, response):
    mine = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr(logins.secrets, "token_hex", lambda _: mine)
    form = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    said = authorization([form], "GET", "/dir/index.html", "Mufasa", "Circle of Life")
    assert f'response="{response}"' in said and 'uri="/dir/index.html"' in said


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/x", "rtsp://127.0.0.1:1/x", "0", "udp://@:1", "http://["]
)
def test_what_cannot_be_asked_is_no_refusal(location):
    assert refusal(location, 1) is None


@pytest.mark.parametrize("kind", ["basic", "digest"])
@pytest.mark.parametrize(("scheme", "served"), SERVED)
def test_the_source_says_so(scheme, served, kind):
    with served(kind) as place:
        spec = SourceSpec("gate", f"{scheme}://joe:hush@{place}", Modality.VISIBLE, Spectrum.VISIBLE)
        with pytest.raises(SourceError, match=r"refuses the login \(401\)") as caught:
            LiveSource(spec, 2.0, 2.0)
        assert "hush" not in str(caught.value)

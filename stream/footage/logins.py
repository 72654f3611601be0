"""Whether a camera that gives no pictures refuses the login: the decoder only says that there are none."""

import base64
import hashlib
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from reid_core.redaction import redact

_REFUSED = (401, 403)
_PORTS = {"rtsp": 554, "rtsps": 322}
_MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a camera answers: a status, and in which forms it wants a login."""

    status: int
    forms: Sequence[str] = ()


_Ask = Callable[[str | None], _Answer]
"""Asks a camera for pictures with an ``Authorization``, or without one."""


def refusal(location: str, seconds: float) -> str | None:
    """One sentence where a camera lets nobody in, or not with this login; ``None`` where that is not why.

    Args:
        location: its address.
        seconds: how long an answer is waited for.
    """
    try:
        parts = urlsplit(location)
        scheme = parts.scheme.lower()
        status = None
        if scheme in ("http", "https"):
            request = urllib.request.Request(_bare(location))
            status = _status(_http(request, seconds), "GET", request.selector, location)
        elif scheme in _PORTS:
            with _Rtsp(location, seconds) as camera:
                status = _status(camera.ask, "DESCRIBE", _bare(location), location)
    except (OSError, ValueError):
        return None
    if status not in _REFUSED:
        return None
    what = "refuses the login" if parts.username else "asks for a login, and its address has none"
    return f"The camera {redact(location)} {what} ({status})."


def _status(ask: _Ask, method: str, uri: str, location: str) -> int | None:
    """How a camera answers this login, or none where the address has none; ``None`` if that is not known."""
    answer, parts = ask(None), urlsplit(location)
    if answer.status not in _REFUSED or not parts.username:
        return answer.status
    login = authorization(answer.forms, method, uri, unquote(parts.username), unquote(parts.password or ""))
    if login is None:
        return None
    answer = ask(login)
    stale = any("stale=true" in form.lower().replace('"', "") for form in answer.forms)
    return None if stale else answer.status


def authorization(forms: Sequence[str], method: str, uri: str, user: str, password: str) -> str | None:
    """A login in the first known one of the forms that a server asks for; ``None`` where it knows others.

    Args:
        forms: each as a ``WWW-Authenticate`` says it; none for Basic.
        method: of the request.
        uri: of the request.
        user: of the login.
        password: of the login.
    """
    for form in forms or ("Basic",):
        kind, _, said = form.strip().partition(" ")
        if kind.lower() == "basic":
            return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        if kind.lower() == "digest":
            told = urllib.request.parse_keqv_list(urllib.request.parse_http_list(said))
            login = _digest({name.lower(): text for name, text in told.items()}, method, uri, user, password)
            if login is not None:
                return login
    return None


def _digest(told: dict[str, str], method: str, uri: str, user: str, password: str) -> str | None:
    """RFC 7616, 3.4: with MD5 or SHA-256, for a session or not; ``None`` where it is another form."""
    algorithm = told.get("algorithm", "MD5")
    name = {"MD5": "md5", "SHA-256": "sha256"}.get(algorithm.upper().removesuffix("-SESS"))
    ways = [one.strip() for one in told.get("qop", "").split(",") if one.strip()]
    if name is None or (ways and "auth" not in ways):
        return None
    nonce, mine = told.get("nonce", ""), secrets.token_hex(8)

    def digest(*texts: str) -> str:
        return hashlib.new(name, ":".join(texts).encode(), usedforsecurity=False).hexdigest()

    who = digest(user, told.get("realm", ""), password)
    if algorithm.upper().endswith("-SESS"):
        who = digest(who, nonce, mine)
    between = (nonce, "00000001", mine, "auth") if ways else (nonce,)
    said = {
        "username": user,
        "realm": told.get("realm", ""),
        "nonce": nonce,
        "uri": uri,
        "response": digest(who, *between, digest(method, uri)),
        **({"opaque": told["opaque"]} if "opaque" in told else {}),
        **({"cnonce": mine} if ways else {}),
    }
    plain = {"algorithm": algorithm} | ({"qop": "auth", "nc": "00000001"} if ways else {})
    return "Digest " + ", ".join(
        [f'{key}="{text}"' for key, text in said.items()] + [f"{key}={text}" for key, text in plain.items()]
    )


def _bare(location: str) -> str:
    parts = urlsplit(location)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _http(request: urllib.request.Request, seconds: float) -> _Ask:
    def ask(login: str | None) -> _Answer:
        if login is not None:
            request.add_unredirected_header("Authorization", login)
        # As the decoder does: a camera's certificate is seldom signed by anybody.
        context = ssl._create_unverified_context() if request.type == "https" else None
        try:
            with urllib.request.urlopen(request, timeout=seconds, context=context) as answer:
                return _Answer(int(answer.status))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.headers.get_all("WWW-Authenticate") or ())

    return ask


class _Rtsp:
    """A connection to a camera: what it asks for counts for this one only."""

    def __init__(self, location: str, seconds: float) -> None:
        parts = urlsplit(location)
        scheme = parts.scheme.lower()
        self._place = parts.hostname or "", parts.port or _PORTS[scheme]
        self._encrypted = scheme == "rtsps"
        self._seconds = seconds
        self._uri = _bare(location)
        self._asked = 0
        self._camera = self._connected()

    def __enter__(self) -> "_Rtsp":
        return self

    def __exit__(self, *_: object) -> None:
        self._camera.close()

    def ask(self, login: str | None) -> _Answer:
        """Ask it to describe its pictures; on another connection where it has closed this one.

        Raises:
            OSError: it does not answer.
            ValueError: it answers with something else.
        """
        self._asked += 1
        said = [f"DESCRIBE {self._uri} RTSP/1.0", f"CSeq: {self._asked}"]
        said += [f"Authorization: {login}"] if login is not None else []
        text = "\r\n".join([*said, "", ""]).encode()
        try:
            answer = self._answer(text)
        except ConnectionError:
            answer = b""
        if not answer:
            self._camera.close()
            self._camera = self._connected()
            answer = self._answer(text)
        first, *headers = answer.decode("latin-1").split("\r\n")
        version, status, *_ = [*first.split(), "", ""]
        if not version.startswith("RTSP/"):
            raise ValueError("no RTSP")
        pairs = [line.partition(":") for line in headers]
        forms = [text for name, _, text in pairs if name.strip().lower() == "www-authenticate"]
        return _Answer(int(status), forms)

    def _connected(self) -> socket.socket:
        plain = socket.create_connection(self._place, self._seconds)
        if not self._encrypted:
            return plain
        return ssl._create_unverified_context().wrap_socket(plain, server_hostname=self._place[0])

    def _answer(self, text: bytes) -> bytes:
        """What it says in front of an empty line; empty where it has closed the connection."""
        self._camera.sendall(text)
        got = b""
        while b"\r\n\r\n" not in got and len(got) < _MOST:
            piece = self._camera.recv(4096)
            if not piece:
                return b""
            got += piece
        return got.partition(b"\r\n\r\n")[0]

"""Whether a camera that gives no pictures refuses the login: the decoder only says that there are none."""

import base64
import socket
import ssl
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit

from reid_core.redaction import redact

_REFUSED = (401, 403)
_PORT = 554
_MOST = 4096


def refusal(location: str, seconds: float) -> str | None:
    """One sentence where a camera lets nobody in, or not with this login; ``None`` where that is not why.

    Args:
        location: its address.
        seconds: how long an answer is waited for.
    """
    try:
        parts = urlsplit(location)
        asked = {"http": _http, "https": _http, "rtsp": _rtsp}.get(parts.scheme.lower())
        status = asked(location, seconds) if asked is not None else None
    except (OSError, ValueError):
        return None
    if status not in _REFUSED:
        return None
    what = "refuses the login" if parts.username else "asks for a login, and its address has none"
    return f"The camera {redact(location)} {what} ({status})."


def _login(location: str) -> dict[str, str]:
    parts = urlsplit(location)
    if not parts.username:
        return {}
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def _bare(location: str) -> str:
    parts = urlsplit(location)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _http(location: str, seconds: float) -> int | None:
    request = urllib.request.Request(_bare(location), headers=_login(location))
    try:
        # As the decoder does: a camera's certificate is seldom signed by anybody.
        context = ssl._create_unverified_context() if location.lower().startswith("https") else None
        with urllib.request.urlopen(request, timeout=seconds, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            # One that asks for a digest has not heard the password: nobody knows whether it is right.
            asks = error.headers.get("WWW-Authenticate", "")
            known = "Authorization" not in request.headers or not asks.lower().startswith("digest")
            return error.code if known else None


def _rtsp(location: str, seconds: float) -> int | None:
    parts = urlsplit(location)
    login = _login(location)
    said = [
        f"DESCRIBE {_bare(location)} RTSP/1.0",
        "CSeq: 1",
        *(f"{name}: {text}" for name, text in login.items()),
    ]
    with socket.create_connection((parts.hostname or "", parts.port or _PORT), seconds) as camera:
        camera.sendall("\r\n".join([*said, "", ""]).encode())
        answer = camera.recv(_MOST).decode("latin-1")
    first, _, rest = answer.partition("\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith("RTSP/") or not words[1].isdigit():
        return None
    digest = "www-authenticate: digest" in rest.lower() and "basic" not in rest.lower()
    return None if login and digest else int(words[1])

"""Recordings on HTTP servers: files with a length, read from beginning to end like those of a disk.

A server that answers with ranges is read piece by piece, and asked again for what it left out. One that does
not is copied, once, into a temporary file without a name.
"""

import codecs
import io
import os
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import httpx

from reid_core.errors import SourceError
from reid_core.redaction import login_end, redact

_HEADERS = {"Accept-Encoding": "identity"}
_FIRST = 1024
# Longer than any recording: what endless streams say that have to say something.
_NO_LENGTH = 1 << 50
_SMALLEST, _LARGEST = 1 << 16, 4 << 20
# Answers in a row without a byte, behind which the rest is taken to be missing.
_TRIES = 3
_PAUSE_SECONDS = 1.0


class HttpFile:
    """A file on an HTTP server.

    Attributes:
        size: bytes; of a copy that broke off, those that came.
        modified_ns: when the server says that it was written, UTC nanoseconds, or ``None``.
        missing: whether bytes did not come since it was opened last.
    """

    def __init__(self, location: str, seconds: float, answer: httpx.Response) -> None:
        self._location = location
        self._seconds = seconds
        self._identity = _identity(answer)
        self._in_ranges = answer.status_code == httpx.codes.PARTIAL_CONTENT
        self._lock = threading.Lock()
        self._copied: IO[bytes] | None = None
        self._incomplete = False
        self.size = _length(answer) or 0
        self.modified_ns = _written(answer)
        self.missing = False

    def __str__(self) -> str:
        """Its address, without a login."""
        return redact(self._location)

    @property
    def shown(self) -> str:
        """As in sentences."""
        return str(self)

    @property
    def name(self) -> str:
        """The last part of its address, without a login."""
        return unquote(urlsplit(str(self)).path).rpartition("/")[2] or "recording"

    def reader(self) -> "HttpReader":
        """A reader at its beginning; what comes without ranges is copied first, once.

        Raises:
            SourceError: the server does not give it any more.
            OSError: there is no room for a copy.
        """
        with self._lock:
            if not self._in_ranges and self._copied is None:
                self._copied = self._copy()
        self.missing = self._incomplete
        return HttpReader(self, _client(self._location, self._seconds))

    @contextmanager
    def openable(self) -> Iterator["HttpReader"]:
        """What a decoder opens."""
        yield self.reader()

    def part(self, asked: httpx.Client, first: int, length: int) -> bytes:
        """Bytes of the file, from one on; fewer where the server breaks off.

        Raises:
            SourceError: it is another file by now.
        """
        if self._copied is not None:
            with self._lock:
                self._copied.seek(first)
                return self._copied.read(length)
        got = bytearray()
        wanted = {"Range": f"bytes={first}-{min(first + length, self.size) - 1}"}
        with suppress(httpx.HTTPError), asked.stream("GET", _bare(self._location), headers=wanted) as answer:
            if answer.status_code == httpx.codes.PARTIAL_CONTENT:
                if _identity(answer) != self._identity:
                    raise SourceError(f"The recording {self} was changed while it was read.")
                for part in answer.iter_raw():
                    got += part
        return bytes(got[:length])

    def _copy(self) -> IO[bytes]:
        with ExitStack() as closing:
            copied = closing.enter_context(tempfile.TemporaryFile(prefix="nightreid-"))
            with (
                suppress(httpx.HTTPError),
                _client(self._location, self._seconds) as asked,
                asked.stream("GET", _bare(self._location)) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise SourceError(f"The recording {self} is not given any more ({answer.status_code}).")
                for part in answer.iter_raw():
                    copied.write(part)
            came = copied.seek(0, os.SEEK_END)
            closing.pop_all()
        self._incomplete = came < self.size
        self.size = came
        return copied


class HttpReader(io.RawIOBase):
    """Reads a file of an HTTP server from any place.

    Attributes:
        name: of the file; its ending tells some forms of video.
    """

    def __init__(self, file: HttpFile, asked: httpx.Client) -> None:
        self.name = file.name
        self._file = file
        self._asked = asked
        self._place = self._begins = 0
        self._window = b""
        self._most = _SMALLEST

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where it reads next."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Read elsewhere next; nothing is asked for yet."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise ValueError(f"there is nothing at {base + offset}")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """As many bytes as are there at once; none at the end."""
        if not self._begins <= self._place < self._begins + len(self._window):
            self._fetch()
        start = self._place - self._begins
        found = self._window[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def close(self) -> None:
        """Leave the server."""
        self._asked.close()
        super().close()

    def _fetch(self) -> None:
        """Have what begins at this place; the longer it goes on in order, the more at once."""
        in_order = self._place == self._begins + len(self._window)
        self._most = min(2 * self._most, _LARGEST) if in_order else _SMALLEST
        self._begins, self._window = self._place, b""
        for attempt in range(_TRIES):
            if self._place >= self._file.size:
                return
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            self._window = self._file.part(self._asked, self._place, self._most)
            if self._window:
                return
        self._file.missing = True


def http_file(location: str, seconds: float) -> HttpFile | None:
    """The recording behind an address; ``None`` where it is none, but a camera.

    A recording has a length and does not begin as text: lists of other addresses do, and pictures that a
    camera sends one by one.

    Args:
        location: the address, ``http`` or ``https``.
        seconds: how long an answer is waited for.

    Raises:
        ConnectionError: nobody answers, or with a refusal.
    """
    try:
        with _client(location, seconds) as asked:
            first = {"Range": f"bytes=0-{_FIRST - 1}"}
            with asked.stream("GET", _bare(location), headers=first) as answer:
                if answer.is_error:
                    raise ConnectionError(f"{redact(location)}: {answer.status_code}")
                kind = answer.headers.get("Content-Type", "").lower()
                if not _length(answer) or kind.startswith(("multipart/", "image/")):
                    return None
                begins = next(answer.iter_raw(_FIRST), b"")
                return None if _is_text(begins) else HttpFile(location, seconds, answer)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ConnectionError(f"{redact(location)} does not answer") from error


def _client(location: str, seconds: float) -> httpx.Client:
    """Who asks the server of an address, with the address's login."""
    # As for cameras: their certificates are seldom signed by anybody.
    return httpx.Client(
        auth=_login(location), headers=_HEADERS, timeout=seconds, verify=False, follow_redirects=True
    )


def _bare(location: str) -> str:
    """An address without its login."""
    scheme, _, rest = location.partition("://")
    return f"{scheme}://{location[login_end(location) + 1 :] if login_end(location) else rest}"


def _login(location: str) -> "_Login | None":
    end = login_end(location)
    user, _, password = location[:end].partition("://")[2].partition(":")
    return _Login(unquote(user), unquote(password)) if end else None


class _Login(httpx.Auth):
    """Says user and password once it is asked for them, in the form that is asked for."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._known: httpx.Auth | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """What is asked, and asked again."""
        if self._known is None:
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return
            digest = "digest" in answer.headers.get("WWW-Authenticate", "").lower()
            kind = httpx.DigestAuth if digest else httpx.BasicAuth
            self._known = kind(self._user, self._password)
        yield from self._known.auth_flow(request)


def _length(answer: httpx.Response) -> int | None:
    """Bytes of the whole file, by an answer's head."""
    if answer.status_code == httpx.codes.PARTIAL_CONTENT:
        told = answer.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        told = answer.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() and int(told) < _NO_LENGTH else None


def _identity(answer: httpx.Response) -> tuple[int | None, str]:
    """What is the same in all answers about one file."""
    return _length(answer), answer.headers.get("ETag", "")


def _written(answer: httpx.Response) -> int | None:
    try:
        return int(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp()) * 10**9
    except (TypeError, ValueError):
        return None


def _is_text(begins: bytes) -> bool:
    """Whether it begins as text, in UTF-8."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begins)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)

"""How footage is named: cameras, locations, and what of an address may be shown."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reid_core.errors import UsageError
from reid_core.file_names import readable_path
from reid_core.redaction import ENCODE_LOGIN, HIDDEN, redact, without_login
from reid_core.types import Modality, Spectrum

_LIVE_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
# What cameras without a name are not told apart by. The names of those in galleries hang on it: leave it be.
_NOT_ITS_OWN = re.compile(
    r"((?:user|usr|login|pass|pwd|token|auth|secret|sig|key)\w*=)[^&;/?#]*", re.IGNORECASE
)
_SERVERS = ("http", "https")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:/")
_CAMERA_NAME = re.compile(r"[\w][\w.\- ]*")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One camera as the user named it.

    Attributes:
        camera: its id.
        location: path, address or number of a webcam.
        modality: how its images are compared.
        spectrum: the light it records.
        start_ns: capture time of its first frame, if the user said so.
        recorded: whether an address is that of a recording; ``None`` where its server was not asked yet, or
            has not answered.
    """

    camera: str
    location: str = field(repr=False)
    modality: Modality
    spectrum: Spectrum
    start_ns: int | None = None
    recorded: bool | None = None

    @property
    def live(self) -> bool:
        """Whether it is a camera rather than a recording; so is what a server was not asked about."""
        return is_live(self.location) and not self.recorded

    @property
    def to_be_asked(self) -> bool:
        """Whether only a server can tell what it is."""
        return self.recorded is None and may_be_recorded(self.location)

    @property
    def shown(self) -> str:
        """The location as outputs name it: readable, without a login."""
        return redact(readable_path(self.location))


def is_live(location: str) -> bool:
    """Whether a location names a camera: a stream's address, a webcam's number or device.

    A number that is the name of a file or folder too is that.
    """
    scheme = location.partition("://")[0].lower() if "://" in location else ""
    if location.isdecimal():
        return not Path(location).exists()
    return location.startswith("/dev/video") or scheme in _LIVE_SCHEMES


def may_be_recorded(location: str) -> bool:
    """Whether an address may be that of a recording."""
    return location.partition("://")[0].lower() in _SERVERS


def place_of(location: str) -> str:
    """What of a location says which camera it is: the same whoever logs in. Not to be shown; see `redact`."""
    return _NOT_ITS_OWN.sub(rf"\1{HIDDEN}", without_login(location)) if "://" in location else location


def parse_source(text: str, modality: Modality, spectrum: Spectrum | None = None) -> SourceSpec:
    """Read ``[CAMERA=]LOCATION``; the camera is named after the file, folder or host otherwise.

    Args:
        text: as on the command line.
        modality: of the camera.
        spectrum: of the camera; thermal for infrared ones unless said otherwise.

    Raises:
        UsageError: the camera's name or the location is empty or odd.
    """
    name, separator, location = text.partition("=")
    if not separator or Path(text).exists() or not _CAMERA_NAME.fullmatch(name):
        name, location = "", text
    if not location:
        raise UsageError(f"The source {redact(text)!r} names no file, folder or camera.")
    if spectrum is None:
        spectrum = Spectrum.VISIBLE if modality is Modality.VISIBLE else Spectrum.THERMAL
    return SourceSpec(name or _default_name(location), location, modality, spectrum)


def _default_name(location: str) -> str:
    if is_live(location) and "://" not in location:
        return f"webcam{location.removeprefix('/dev/video')}"
    if not _ADDRESS.match(location) or Path(location).exists():
        return readable_path(Path(location).resolve().stem) or "camera"
    shown = redact(location)
    try:
        host = urlsplit(shown).hostname
    except ValueError:
        raise UsageError(f"The address {shown} is not valid.", ENCODE_LOGIN) from None
    if host is None or HIDDEN in host:
        host = "camera"
    # A host may have several cameras. The password is no part of which one it is.
    number = int.from_bytes(hashlib.sha256(place_of(location).encode()).digest()[:4], "big") % 10000
    return f"{host}-{number:04d}"


def check_distinct(cameras: Sequence[str]) -> None:
    """Make sure that no two sources claim to be the same camera.

    Raises:
        UsageError: two do.
    """
    for camera, count in Counter(cameras).items():
        if count > 1:
            raise UsageError(
                f"{count} sources are called '{camera}'.",
                "Name each: NAME=PATH OTHER=PATH.",
            )

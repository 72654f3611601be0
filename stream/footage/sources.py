"""Where frames come from: what video files, folders of images and live cameras have in common."""

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from reid_core.errors import SourceError
from reid_core.types import Image, Modality
from stream.footage.file_dates import Dated
from stream.footage.naming import SourceSpec

_SMALLEST_SIDE = 32
_MOST_PIXELS = 100_000_000
_SAMPLE = 1 << 16
_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One decoded frame, not yet a `reid_core.types.Frame`: most show nothing new and never become one.

    Attributes:
        index: its number in the recording.
        time_ns: capture time, UTC nanoseconds.
        image: uint8 ``H x W x 3`` RGB, or grey ``H x W``.
    """

    index: int
    time_ns: int
    image: Image

    def rgb(self) -> Image:
        """The frame as ``H x W x 3`` RGB, not to be written to."""
        if self.image.ndim == 2:
            # The same points three times over: whoever needs them side by side copies the part it needs.
            return np.broadcast_to(self.image[:, :, None], (*self.image.shape, 3))
        return self.image


class Reader(Protocol):
    """What bytes are read from, at any place."""

    def read(self, size: int = ..., /) -> bytes | None:
        """At most so many bytes; none at the end."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Read elsewhere next."""


class Source(ABC):
    """One camera's frames.

    Attributes:
        spec: what the user asked for.
        fps: frames per second.
        width: of a frame, pixels.
        height: of a frame, pixels.
        total: number of frames, as far as the container knows, or ``None``.
        start_ns: capture time of frame 0, UTC nanoseconds.
        digest: of the content; recordings with the same digest are the same recording.
        start_told: whether it says itself when it began, so that its file's date does not count.
        written_ns: date of its file, by which alone its times are known, UTC nanoseconds; ``None`` where
            something else tells them.
        notes: one sentence each on how it is read, known once it is opened.
        problem: one sentence, once reading ended before the end.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.fps = 0.0
        self.width = 0
        self.height = 0
        self.total: int | None = None
        self.start_ns = 0
        self.digest = ""
        self.start_told = False
        self.written_ns: int | None = None
        self.notes: list[str] = []
        self.problem: str | None = None

    @abstractmethod
    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """The frames from number ``first`` on, until the end or until ``stop`` is set."""

    def time_of(self, index: int) -> int:
        """Capture time of a recording's frame, UTC nanoseconds."""
        return self.start_ns + round(index * 1e9 / self.fps)


def dated(sources: Iterable[Source]) -> list[Dated]:
    """Those of the sources whose times are known from their files' dates alone."""
    return [
        Dated(one.spec.camera, one.spec.modality, one.start_ns, one.written_ns)
        for one in sources
        if one.written_ns is not None
    ]


def recording_id(source: Source) -> str:
    """Id of what a source shows, in the gallery and in Kafka: of the same footage it is always the same."""
    return named_by(source.digest, source.spec.camera, source.spec.modality)


def named_by(digest: str, camera: str, modality: Modality) -> str:
    """As `recording_id`, of a source's digest and what it was read as."""
    return hashlib.sha256(f"{digest}/{camera}/{modality}".encode()).hexdigest()[:36]


def sampled_digest(path: Path) -> str:
    """As `digest_of`, of a file of a disk."""
    with path.open("rb") as file:
        return digest_of(file, path.stat().st_size)


def digest_of(file: Reader, size: int) -> str:
    """SHA-256 over a file's size and its bytes: all of them up to 4 MiB, 64 even samples beyond."""
    total = hashlib.sha256(str(size).encode())
    if size <= _SAMPLE * _SAMPLES:
        total.update(_read(file, size))
    else:
        for i in range(_SAMPLES):
            file.seek(i * (size - _SAMPLE) // (_SAMPLES - 1))
            total.update(_read(file, _SAMPLE))
    return total.hexdigest()


def _read(file: Reader, length: int) -> bytes:
    """So many bytes, or those that there are: what comes from a network comes in parts."""
    parts = []
    while length > 0 and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def check_size(width: int, height: int, name: str) -> None:
    """Refuse frames that show nobody or fill the memory.

    Raises:
        SourceError: a side is shorter than 32 pixels, or there are more than 100 megapixels.
    """
    if min(width, height) < _SMALLEST_SIDE:
        raise SourceError(f"The frames of {name} are {width} x {height} pixels: too small to show a person.")
    if width * height > _MOST_PIXELS:
        raise SourceError(f"The frames of {name} are {width} x {height} pixels: more than 100 megapixels.")

"""Folders of images, and single ones."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from detectors.thermal import RawScaler
from reid_core.errors import SourceError
from reid_core.images import as_rgb, count_pictures, list_images, read_pictures
from reid_core.types import Image
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, sampled_digest

ReadT = TypeVar("ReadT")


class FolderSource(Source):
    """A folder of images, in order of their names, or one; 16-bit and float ones are raw thermal counts.

    A file of several pictures, such as a TIFF of many pages, is as many frames.
    """

    def __init__(self, spec: SourceSpec, path: Path, fps: float) -> None:
        super().__init__(spec)
        found = list_images(path, recursive=False) if path.is_dir() else [path]
        self._files = sorted(found, key=natural_order)
        if not self._files:
            raise SourceError(f"The folder {path} holds no images.")
        total = hashlib.sha256()
        for file in self._files:
            total.update(f"{file.name}:{sampled_digest(file)};".encode())
        self.digest = total.hexdigest()
        self.fps = fps
        self._pictures = [count_pictures(file) for file in self._files]
        self.total = sum(self._pictures)
        length = int(self.total / fps * 1e9)
        modified = max(file.stat().st_mtime_ns for file in self._files)
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - length
        unreadable: SourceError | None = None
        for file in self._files:
            try:
                image = next(_read_checked(file))
                break
            except SourceError as error:
                unreadable = unreadable or error
        else:
            assert unreadable is not None
            raise unreadable
        self.height, self.width = image.shape[:2]

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`; one that cannot be read is left out, its number with it."""
        scaler = RawScaler()
        # Frames before ``first`` are read as well: the scaler remembers them.
        for index, image in self.each(lambda file: _read_checked(file, scaler), stop):
            if index >= first:
                yield SourceFrame(index, self.time_of(index), image, False)

    def each(
        self, read: Callable[[Path], Iterable[ReadT]], stop: threading.Event
    ) -> Iterator[tuple[int, ReadT]]:
        """Every picture's number and what a reader makes of it, until the end or until ``stop`` is set.

        Args:
            read: gives what it makes of each picture of a file; where it raises `SourceError`, what is left
                of the file is left out, its numbers with it.
            stop: ends it early.
        """
        bad: list[str] = []
        first = 0
        for file, pictures in zip(self._files, self._pictures, strict=True):
            try:
                # No more than were counted: the next file's numbers begin there.
                for number, made in zip(range(first, first + pictures), read(file), strict=False):
                    if stop.is_set():
                        return
                    yield number, made
            except SourceError as error:
                bad.append(error.message)
            first += pictures
        if bad:
            more = f" ({len(bad) - 1} more like it)" if len(bad) > 1 else ""
            self.problem = f"{bad[0]}{more}"


def _read_checked(file: Path, scaler: RawScaler | None = None) -> Iterator[Image]:
    for pixels in read_pictures(file):
        check_size(pixels.shape[1], pixels.shape[0], str(file))
        yield as_rgb(pixels, scaler)


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that puts ``frame10`` behind ``frame9``."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]

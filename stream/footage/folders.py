"""Folders of images, and single ones."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from reid_core.counts import Counts
from reid_core.errors import SourceError
from reid_core.file_names import readable_path
from reid_core.images import count_pictures, read_pictures
from reid_core.listing import list_images
from reid_core.types import Image
from stream.footage.decoded import Shown, eight_bits
from stream.footage.name_times import times_of_names
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, sampled_digest

ReadT = TypeVar("ReadT")


class FolderSource(Source):
    """A folder of images, in order of their names, or one; 16-bit and float ones are raw thermal counts.

    A file of several pictures, such as a TIFF of many pages, is as many frames.
    Names that are times, such as ``1763625600.2.jpg``, are the capture times.
    """

    def __init__(self, spec: SourceSpec, path: Path, fps: float) -> None:
        super().__init__(spec)
        self._files = list_images(path, recursive=False) if path.is_dir() else [path]
        self._say_what_lies_below(path)
        total = hashlib.sha256()
        for file in self._files:
            total.update(os.fsencode(file.name) + f":{_digest(file)};".encode())
        self.digest = total.hexdigest()
        self.fps = fps
        self._pictures = [count_pictures(file) for file in self._files]
        self.total = sum(self._pictures)
        # Of pages, a file's name tells nothing.
        named = times_of_names(self._files) if self.total == len(self._files) else None
        if named is None:
            self._behind_start = None
            self.written_ns = max(map(_modified, self._files))
            self.start_ns = self.written_ns - int(self.total / fps * 1e9)
        else:
            self._behind_start = [time - named.times[0] for time in named.times]
            self.fps = named.fps or fps
            self.start_ns = named.times[0]
            self.start_told = True
            self.notes.append(named.note(spec.camera, given=spec.start_ns is not None))
        if spec.start_ns is not None:
            self.start_ns, self.written_ns = spec.start_ns, None
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
        shown = (Shown(index, self.time_of(index), made) for index, made in self.each(_read_checked, stop))
        return eight_bits(shown, first)

    def time_of(self, index: int) -> int:
        """As `Source.time_of`; where names are times, by the name."""
        if self._behind_start is None:
            return super().time_of(index)
        return self.start_ns + self._behind_start[index]

    def _say_what_lies_below(self, path: Path) -> None:
        """A camera's images lie in one folder: those in folders inside of it are told, not read.

        Raises:
            SourceError: there are no others.
        """
        below = len(list_images(path)) - len(self._files) if path.is_dir() else 0
        images = f"{below} image{'s' * (below != 1)}"
        if not self._files:
            hint = f"There are {images} in the folders inside of it: name each as a source." if below else ""
            raise SourceError(f"The folder {path} holds no images.", hint)
        if below:
            self.notes.append(
                f"{self.spec.camera}: {images} in the folders inside of {readable_path(path)} "
                f"{'is' if below == 1 else 'are'} not read: name each folder as a source."
            )

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


def _read_checked(file: Path) -> Iterator[Image | Counts]:
    for pixels in read_pictures(file):
        check_size(pixels.shape[1], pixels.shape[0], str(file))
        yield pixels


def _digest(file: Path) -> str:
    """Of the content; of a file that cannot be read, nothing: it is told of when its turn comes."""
    try:
        return sampled_digest(file)
    except OSError:
        return ""


def _modified(file: Path) -> int:
    """When a file was last written, Unix nanoseconds; 0 where nobody can tell."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0

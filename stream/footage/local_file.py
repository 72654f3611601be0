"""Recordings on this machine's disks."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from reid_core.errors import SourceError
from reid_core.file_names import openable, readable_path


class LocalFile:
    """A file of a disk.

    Attributes:
        size: bytes.
        modified_ns: when it was last written, UTC nanoseconds.
        missing: whether bytes of it could not be had: never.
    """

    def __init__(self, path: Path) -> None:
        """Look at it.

        Raises:
            SourceError: it cannot be read.
        """
        self._path = path
        try:
            found = path.stat()
        except OSError as error:
            raise SourceError(f"The video {path} cannot be read: {error.strerror}.") from None
        self.size = found.st_size
        self.modified_ns: int | None = found.st_mtime_ns
        self.missing = False

    def __str__(self) -> str:
        """Its path."""
        return str(self._path)

    @property
    def shown(self) -> str:
        """Its path, readable."""
        return readable_path(self._path)

    @property
    def name(self) -> str:
        """Of the file alone, readable."""
        return readable_path(self._path.name)

    def reader(self) -> BinaryIO:
        """A reader at its beginning."""
        return self._path.open("rb")

    def openable(self) -> AbstractContextManager[str]:
        """What a decoder opens."""
        return openable(self._path)

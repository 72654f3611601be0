"""Where payloads too large for a record are left: a claim check's store, content-addressed.

A folder by default, and through fsspec anything it knows (``s3://bucket/prefix`` with the extra ``s3``).
A blob is written whole before the record that names it is sent, and is named by its digest, so that writing
it again changes nothing.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, ClassVar

import fsspec

from reid_core.errors import ConfigError, MissingDependencyError, NightreidError, StorageError
from reid_core.redaction import ENCODE_LOGIN, login_is_odd, redact_text
from reid_core.sealing import Purpose, SealingKeyError, key_ring, opened
from reid_core.sealing.ring import check_class
from reid_core.sealing.sealed import MOST_OVERHEAD
from stream.kafka.blob_notes import FOLDER, Shown, notes_of, parsed_note
from stream.kafka.envelope import EnvelopeError, Refusal, blob_digest, check_digest

_NAME_LENGTH = 64


class BlobStoreAwayError(StorageError):
    """The blob store cannot be reached or written just now."""

    transient: ClassVar[bool] = True


class BlobStore:
    """Payloads by their SHA-256.

    Args:
        location: a folder's path, or an address that fsspec knows.
        key_class: of the key that blobs are encrypted with; ``None``: they are not.

    Raises:
        ConfigError: the address is of no known kind.
        SealingKeyError: there is no key of the class.
        MissingDependencyError: its driver is not installed.
    """

    def __init__(self, location: str, key_class: str | None = None) -> None:
        if key_class is not None:
            key_ring().current(check_class(key_class))
        self._key_class = key_class
        if not location.strip():
            raise ConfigError("The blob store has no address.", "Give a folder, or s3://…")
        if login_is_odd(location):
            raise ConfigError("The blob store's address cannot be told from its login.", ENCODE_LOGIN)
        try:
            # Others write as well: what a driver had listed once would hide what has come since.
            self._files, self._root = fsspec.core.url_to_fs(location, use_listings_cache=False)
        except ValueError:
            raise ConfigError(
                "The blob store's address is not valid, or of no known kind.",
                f"Give a folder, or s3://…. {ENCODE_LOGIN}",
            ) from None
        except ImportError as error:
            raise MissingDependencyError(
                f"The blob store needs {error.name or 'a driver'}, which is not installed.",
                "For s3:// install it: pip install 'nightreid[s3]'",
            ) from None

    def put(self, payload: bytes, shown: Shown | None = None) -> tuple[str, str]:
        """Leave a payload; left again, it is as young as a new one.

        Args:
            payload: what is left.
            shown: what it shows, so that it can be erased by that.

        Returns:
            its address in the store, and its digest.

        Raises:
            BlobStoreAwayError: it cannot be written.
        """
        digest = blob_digest(payload)
        name = digest.partition(":")[2]
        with _translated("written"):
            stored = payload
            if self._key_class is not None:
                stored = key_ring().seal(payload, self._key_class, Purpose.BLOB)
            if shown is not None:
                # Before the blob: none is there of which nobody knows what it shows.
                self._write_whole(f"{self._root}/{shown.note(name)}", b"")
            self._write_whole(self._path(name), stored)
        return name, digest

    def get(self, name: str, digest: str, most_bytes: int) -> bytes:
        """Fetch a payload and make sure that it is the one.

        Raises:
            EnvelopeError: there is no such blob, it is too large, or it is another.
            BlobStoreAwayError: the store cannot be reached, or the blob's key is not there.
        """
        # The name comes out of a record: nothing but a digest may become part of a path.
        if len(name) != _NAME_LENGTH or not set(name) <= set("0123456789abcdef"):
            raise EnvelopeError(Refusal.BLOB, "The record's blob is not named by a digest.")
        with _translated("read"):
            try:
                path = self._path(name)
                size = self._files.size(path)
                if size is not None and size > most_bytes + MOST_OVERHEAD:
                    raise _too_large(size, most_bytes)
                stored: bytes = self._files.cat_file(path)
            except FileNotFoundError:
                if self._is_folder and not self._files.isdir(self._root):
                    raise  # not one blob is missing: the disk is not mounted
                raise EnvelopeError(
                    Refusal.BLOB, f"The blob {name} is not in the store (any more)."
                ) from None
        payload = _opened(stored)
        if len(payload) > most_bytes:
            raise _too_large(len(payload), most_bytes)
        check_digest(digest, payload)
        return payload

    def remove_older(self, seconds: float) -> int:
        """Remove what was left longer ago than the topics keep their records; returns how many.

        Raises:
            BlobStoreAwayError: the store cannot be reached or written.
        """
        limit, removed = time.time() - seconds, 0
        notes = f"/{FOLDER}/"
        with _translated("tidied"):
            for path, details in self._listing(self._root):
                if _written(details) < limit and self._removed(path):
                    removed += notes not in path.removeprefix(self._root)
        return removed

    def remove_shown(self, camera: str, start_ns: int, end_ns: int) -> int:
        """Remove what shows a camera in a stretch of time, by the notes that `put` left.

        Args:
            camera: its id.
            start_ns: capture time, UTC nanoseconds, included.
            end_ns: capture time, UTC nanoseconds, included.

        Returns:
            how many blobs were there.

        Raises:
            BlobStoreAwayError: the store cannot be reached or written.
        """
        removed = 0
        with _translated("erased from"):
            if self._is_folder and not self._files.isdir(self._root):
                raise FileNotFoundError("its folder is not there")
            for path, _ in self._listing(f"{self._root}/{notes_of(camera)}"):
                noted = parsed_note(path.rpartition("/")[2])
                if noted is not None and start_ns <= noted[0] <= end_ns:
                    removed += self._removed(self._path(noted[1]))
                    # Last: whoever is killed in between finds it again.
                    self._removed(path)
        return removed

    def _removed(self, path: str) -> bool:
        """Remove a file; returns whether it was there: somebody else tidies up as well."""
        with suppress(FileNotFoundError):
            self._files.rm_file(path)
            return True
        return False

    def _listing(self, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self._files.invalidate_cache()
        if self._files.exists(folder):
            yield from self._files.find(folder, detail=True).items()

    @property
    def _is_folder(self) -> bool:
        protocols = self._files.protocol
        return "file" in ((protocols,) if isinstance(protocols, str) else protocols)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"

    def _write_whole(self, path: str, payload: bytes) -> None:
        self._files.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        if not self._is_folder:
            self._files.pipe_file(path, payload)  # an object store shows an object when it is whole
            return
        with suppress(FileNotFoundError):
            os.utime(path)
            return
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            with open(temporary, "wb") as file:  # noqa: PTH123
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise


def _opened(stored: bytes) -> bytes:
    """A blob, decrypted where it is encrypted. A missing key is waited for: without it nothing is lost."""
    try:
        return opened(stored, Purpose.BLOB)
    except SealingKeyError as error:
        raise BlobStoreAwayError(error.message, error.hint) from error


def _too_large(size: int, most_bytes: int) -> EnvelopeError:
    return EnvelopeError(Refusal.SIZE, f"The blob is of {size} bytes: more than {most_bytes}.")


@contextmanager
def _translated(done: str) -> Iterator[None]:
    """Whatever a store raises inside comes out as `BlobStoreAwayError`; each has errors of its own."""
    try:
        yield
    except NightreidError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BlobStoreAwayError(f"The blob store cannot be {done}: {redact_text(reason)}.") from error


def _written(details: Mapping[str, Any]) -> float:
    """When a blob was written, seconds since 1970; now, where a store does not tell."""
    # A folder, S3, Google's, memory.
    told = (details.get(name) for name in ("mtime", "LastModified", "updated", "created"))
    moment = next((one for one in told if one is not None), None)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if moment is not None else time.time()

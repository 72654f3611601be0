"""The erasures of a gallery outside its database: one JSON line each, behind the backups of all else.

A backup from before an erasure holds who was erased; this file does not go back with it, so that opening the
gallery finds out. It holds keyed fingerprints; their key lies beside it, in a file of its own that nobody
else may read. Where both are restored from a backup together with the database, nothing can be found out.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid_core.errors import GalleryError, StorageError
from reid_core.gallery.database import Database
from reid_core.gallery.erased import Erased

VARIABLE = "NIGHTREID_ERASURE_LEDGER"
"""Environment variable that names the file."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ErasureEntry:
    """One erasure.

    Attributes:
        name: of the erasure, random.
        time_ns: the time of day, UTC nanoseconds.
        actor: who erased.
        audit: number of the audit row, if there is one.
        prints: fingerprints by what they are of, sorted.
    """

    name: str
    time_ns: int
    actor: str
    audit: int | None
    prints: dict[Erased, list[str]]


def erasures_file(database: Database) -> Path | None:
    """Where a gallery's erasures are kept: as the environment says, else beside an SQLite file."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    file = database.file
    return file.with_name(f"{file.name}.erasures") if file is not None else None


def read_erasures(file: Path) -> list[ErasureEntry]:
    """The erasures of a file, in order; none where there is no file.

    Raises:
        GalleryError: a line is damaged.
        StorageError: it cannot be read.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"The erasures in {file} cannot be read: {error.strerror}.") from None
    # A line without an end was being written when the machine stopped: nothing of it was done.
    return [_parsed(line, file) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def append_erasures(file: Path, entries: Sequence[ErasureEntry]) -> None:
    """Write erasures behind those that are there, durably.

    Raises:
        StorageError: they cannot be written.
    """
    lines = b"".join(json.dumps(_packed(one), separators=(",", ":")).encode() + b"\n" for one in entries)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a+b") as out:
            _cut_unfinished(out)
            out.write(lines)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise StorageError(f"The erasure cannot be noted in {file}: {error.strerror}.") from None


def key_beside(file: Path, given: bytes | None) -> bytes:
    """The key of a file's fingerprints, kept beside it; the one given, or a new one, where there is none.

    Raises:
        GalleryError: there are erasures and their key is gone, or it is another one than the gallery's.
        StorageError: it cannot be read or written.
    """
    place = file.with_name(f"{file.name}.key")
    try:
        if place.exists():
            key = bytes.fromhex(place.read_text("ascii").strip())
            if given is not None and key != given:
                raise GalleryError(
                    f"The erasures in {file} have another key than this gallery.",
                    f"Name the gallery's own file in {VARIABLE}.",
                )
            return key
        if given is None and read_erasures(file):
            raise GalleryError(
                f"The key of the erasures in {file} is gone ({place.name}).",
                "Restore it: without it nobody can tell who was erased.",
            )
        key = given if given is not None else secrets.token_bytes(32)
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(f"{key.hex()}\n")
            out.flush()
            os.fsync(out.fileno())
    except (OSError, ValueError) as error:
        raise StorageError(f"The key of the erasures in {file} cannot be used: {error}.") from None
    return key


def _cut_unfinished(file: Any) -> None:
    """Remove what was being written when a machine stopped."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)
    file.seek(0, os.SEEK_END)


def _packed(entry: ErasureEntry) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "erasure": entry.name,
        "time_ns": entry.time_ns,
        "actor": entry.actor,
        "audit": entry.audit,
        "prints": {str(kind): entry.prints[kind] for kind in Erased if entry.prints.get(kind)},
    }


def _parsed(line: bytes, file: Path) -> ErasureEntry:
    try:
        said = json.loads(line)
        if said["format"] != _FORMAT:
            raise ValueError("it is of a newer version")
        prints = {Erased(kind): list(found) for kind, found in said["prints"].items()}
        return ErasureEntry(said["erasure"], int(said["time_ns"]), said["actor"], said["audit"], prints)
    except (ValueError, KeyError, TypeError) as error:
        raise GalleryError(
            f"The erasures in {file} are damaged: {error}.",
            "Restore the file; without it, who was erased may come back with a backup.",
        ) from None

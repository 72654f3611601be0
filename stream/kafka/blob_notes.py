"""Which blobs show a camera at a moment: empty files in the store, whose names say so.

A blob is named by its content, and only a record of a topic says of what it is. So that somebody can be
erased, a note is left first: ``shown/DIGEST OF CAMERA/CAPTURE NANOSECONDS.BLOB``. Notes are as old as their
blobs.
"""

import hashlib
from dataclasses import dataclass

FOLDER = "shown"
"""Folder of the notes in a blob store."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a blob shows: a camera at a capture time, UTC nanoseconds."""

    camera: str
    capture_ns: int

    def note(self, blob: str) -> str:
        """The path of its note, below the store's root."""
        return f"{notes_of(self.camera)}/{self.capture_ns}.{blob}"


def notes_of(camera: str) -> str:
    """The folder of a camera's notes, below the store's root; a name may hold what no path may."""
    name = hashlib.sha256(camera.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{FOLDER}/{name}"


def parsed_note(name: str) -> tuple[int, str] | None:
    """Capture time and blob of a note, by its file's name; ``None`` where it is something else."""
    time_ns, _, blob = name.partition(".")
    return (int(time_ns), blob) if time_ns.isascii() and time_ns.isdigit() and blob.isalnum() else None

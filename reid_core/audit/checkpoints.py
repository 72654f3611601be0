"""Signed notes of where the audit log ended, kept elsewhere: a tail that was cut off shows by them."""

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reid_core.audit.errors import AuditError
from reid_core.audit.sealing import checkpoint_signature, same
from reid_core.errors import StorageError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a log ended.

    Attributes:
        chain: the log's own name.
        era: how often it had been sealed anew.
        number: of its last row; 0 where it was empty.
        hash: of that row.
        time_ns: when the note was made, UTC nanoseconds.
        signature: keyed digest of the rest.
    """

    chain: str
    era: int
    number: int
    hash: str
    time_ns: int
    signature: str

    def is_signed_by(self, key: bytes) -> bool:
        """Whether whoever made it had the key."""
        made = checkpoint_signature(key, self.chain, self.era, self.number, self.time_ns, self.hash)
        return same(made, self.signature)

    def as_json(self) -> dict[str, Any]:
        """It for a line of a file, or a record of a topic."""
        return asdict(self)


def read_checkpoint(values: Any) -> Checkpoint:
    """A checkpoint as `Checkpoint.as_json` wrote it.

    Raises:
        AuditError: it is none.
    """
    names = Checkpoint.__dataclass_fields__
    kinds = {"chain": str, "era": int, "number": int, "hash": str, "time_ns": int, "signature": str}
    if not isinstance(values, dict) or any(type(values.get(name)) is not kinds[name] for name in names):
        raise AuditError("This is no checkpoint of an audit log.")
    return Checkpoint(**{name: values[name] for name in names})


class CheckpointFile:
    """A file of checkpoints, one a line.

    Args:
        path: of the file, best on a disk that those who can write to the database cannot write to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, checkpoint: Checkpoint) -> None:
        """Add one, on the disk when this returns.

        Raises:
            StorageError: the file cannot be written.
        """
        line = f"{json.dumps(checkpoint.as_json(), sort_keys=True)}\n".encode()
        if self._is_cut_short():
            # A line of its own. It is not taken back: best the file only takes what is appended.
            line = b"\n" + line
        try:
            # One write of a line in append mode: lines of several processes do not mix.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(
                f"The checkpoint file {self.path} cannot be written: {error.strerror}."
            ) from None

    def read(self) -> tuple[Checkpoint, ...]:
        """All of them; none where there is no file.

        Raises:
            AuditError: a line is none. One that a crash cut short does not count.
            StorageError: the file cannot be read.
        """
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StorageError(f"The checkpoint file {self.path} cannot be read: {error.strerror}.") from None
        return tuple(_read_lines(self.path, lines))

    def _is_cut_short(self) -> bool:
        """Whether the last line has no end; of a file that may not be read it is not known."""
        try:
            with self.path.open("rb") as opened:
                opened.seek(-1, os.SEEK_END)
                return opened.read() != b"\n"
        except OSError:
            return False


def _read_lines(path: Path, lines: list[bytes]) -> Iterable[Checkpoint]:
    for number, line in enumerate(lines, start=1):
        try:
            yield read_checkpoint(json.loads(line))
        except (ValueError, AuditError):
            if not _is_begun_alone(line.strip()):
                raise AuditError(f"Line {number} of {path} is no checkpoint of an audit log.") from None


def _is_begun_alone(line: bytes) -> bool:
    """Whether a line is the beginning of a checkpoint's, whose only closing bracket is its end."""
    return not line or (line.startswith(b"{") and b"}" not in line)

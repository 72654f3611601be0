"""The key of an audit log: from the environment or a file, made on first use; never shown.

Whoever has it can write a log that verifies: it belongs where those who can write to the database cannot read
it. Beside the gallery, where it is made by default, it guards against accidents and against whoever has the
database alone.
"""

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from reid_core.audit.errors import AuditKeyError
from reid_core.audit.sealing import KEY_BYTES
from reid_core.errors import StorageError
from reid_core.gallery.database import Database

KEY_VARIABLE = "NIGHTREID_AUDIT_KEY"
FILE_VARIABLE = "NIGHTREID_AUDIT_KEY_FILE"
_MAKE = "Make one: openssl rand -hex 32."


def audit_key(
    database: Database, file: Path | None = None, environment: Mapping[str, str] | None = None
) -> bytes:
    """The key of a gallery's audit log.

    The first of: ``NIGHTREID_AUDIT_KEY``, ``file``, ``NIGHTREID_AUDIT_KEY_FILE``, the file beside the
    gallery. A file that is not there is made. A database in memory has a key in memory.

    Args:
        database: of the gallery.
        file: that holds the key, as settings name it.
        environment: the process' own by default.

    Returns:
        32 bytes or more.

    Raises:
        AuditKeyError: it is no key, others may read the file, or a database without a file needs one named.
        StorageError: the file cannot be read or made.
    """
    values = os.environ if environment is None else environment
    if values.get(KEY_VARIABLE):
        return _decoded(values[KEY_VARIABLE], f"the variable {KEY_VARIABLE}")
    if file is None and values.get(FILE_VARIABLE):
        file = Path(values[FILE_VARIABLE])
    if file is None:
        if database.in_memory:
            return _key_in_memory()
        file = _beside(database)
    return _from_file(file)


def _beside(database: Database) -> Path:
    if database.file is None:
        raise AuditKeyError(
            f"The audit log of {database.name} needs a key, and a server has no folder to keep it in.",
            f"Name a file by {FILE_VARIABLE} (it is made where it is missing), or set {KEY_VARIABLE}; "
            "every machine needs the same key.",
        )
    return database.file.with_name(f"{database.file.name}.audit-key")


@cache
def _key_in_memory() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _from_file(file: Path) -> bytes:
    try:
        _made(file)
        if os.name == "posix" and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
            raise AuditKeyError(f"Others may use the key file {file}.", f"Close it to them: chmod 600 {file}")
        content = file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be used: {error.strerror or error}.") from None
    return _decoded(content, f"the file {file}")


def _made(file: Path) -> None:
    """Make a key where there is none: whole, and one alone however many processes do so at once."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{secrets.token_hex(KEY_BYTES)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        # Unlike a rename, it fails where another process was faster.
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()


def _decoded(text: str, where: str) -> bytes:
    text = "".join(text.split())
    try:
        key = (
            bytes.fromhex(text)
            if re.fullmatch("[0-9a-fA-F]*", text)
            else base64.b64decode(text, validate=True)
        )
    except (ValueError, binascii.Error):
        # What is there is not repeated.
        raise AuditKeyError(f"What {where} holds is no key: neither hexadecimal nor Base64.", _MAKE) from None
    if len(key) < KEY_BYTES:
        raise AuditKeyError(f"The key in {where} is shorter than {KEY_BYTES} bytes.", _MAKE)
    return key

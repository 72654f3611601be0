"""The key of an audit log: from the environment or a file, made on first use; never shown.

Whoever has it can write a log that verifies: it belongs where those who can write to the database cannot read
it. Beside the gallery, where it is made by default, it guards against accidents and against whoever has the
database alone.
"""

import os
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from reid_core.audit.errors import AuditKeyError
from reid_core.gallery.database import Database
from reid_core.key_files import KEY_BYTES, key_from_file, key_from_text

KEY_VARIABLE = "NIGHTREID_AUDIT_KEY"
FILE_VARIABLE = "NIGHTREID_AUDIT_KEY_FILE"


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
        return key_from_text(values[KEY_VARIABLE], f"the variable {KEY_VARIABLE}", AuditKeyError)
    if file is None and values.get(FILE_VARIABLE):
        file = Path(values[FILE_VARIABLE])
    if file is None:
        if database.in_memory:
            return _key_in_memory()
        file = _beside(database)
    return key_from_file(file, AuditKeyError, make=True)


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

"""What a database says when it fails, turned into one sentence a person can act on."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from reid_core.errors import (
    DatabaseAwayError,
    DatabaseBusyError,
    DiskFullError,
    GalleryError,
    NightreidError,
    StorageError,
)
from reid_core.redaction import redact_text

# Class, sentence, hint.
_Meaning = tuple[type[NightreidError], str, str]

_FULL: _Meaning = (
    DiskFullError,
    "There is no space left for the database {name}.",
    "What was written before is kept; free some space and start again.",
)
_DAMAGED: _Meaning = (
    GalleryError,
    "The database {name} is damaged.",
    "Restore it from a backup, or move it away and run again.",
)
_BUSY: _Meaning = (
    DatabaseBusyError,
    "The database {name} is in use by another program that holds a lock.",
    "Wait for it to finish, or stop it.",
)
_LOST: _Meaning = (
    DatabaseAwayError,
    "The connection to the database {name} broke: {said}.",
    "What was written before is kept; start again once the server is back.",
)
_UNREACHABLE: _Meaning = (
    DatabaseAwayError,
    "The database {name} cannot be reached: {said}.",
    "Check the address, and that the server runs and can be reached from here.",
)
_SHUT_OUT: _Meaning = (
    GalleryError,
    "The database {name} refuses this user: {said}.",
    "Check user and password; a password may also come from PGPASSWORD or ~/.pgpass.",
)
_NO_DATABASE: _Meaning = (
    GalleryError,
    "There is no database {name}.",
    "Create it (createdb), or check the name.",
)
_OTHER: _Meaning = (GalleryError, "The database {name} cannot be used: {said}.", "")

# What SQLite says; the first that fits is told.
_PHRASES: tuple[tuple[str, _Meaning], ...] = (
    ("database or disk is full", _FULL),
    (
        "readonly database",
        (StorageError, "The database {name} cannot be written: its file, folder or disk is read-only.", ""),
    ),
    (
        "unable to open database file",
        (
            StorageError,
            "The database {name} cannot be opened or created.",
            "Check that its folder exists and may be written.",
        ),
    ),
    (
        "disk i/o error",
        (
            # A full disk says so too, where the file that SQLite's processes share cannot grow.
            DiskFullError,
            "The disk failed while the database {name} was used.",
            "What was written before is kept; check the disk's space and health.",
        ),
    ),
    ("file is not a database", (GalleryError, "{name} is not a gallery database.", "")),
    ("malformed", _DAMAGED),
    ("database is locked", _BUSY),
)

# What a server's SQLSTATE means: the whole of it, or the class that its first two characters are.
_STATES: dict[str, _Meaning] = {
    "08": _LOST,
    "25006": (
        StorageError,
        "The database {name} cannot be written: the server is read-only.",
        "Name the primary server, not a standby.",
    ),
    "25P03": _LOST,
    "28": _SHUT_OUT,
    "3D000": _NO_DATABASE,
    "40": _BUSY,
    "42501": (
        GalleryError,
        "The user may not do this in the database {name}: {said}.",
        "Have an administrator grant it; the gallery's tables belong to the user who first opened it.",
    ),
    "53": (
        DatabaseBusyError,
        "The server of the database {name} is out of resources: {said}.",
        "Close other connections, or give the server more memory.",
    ),
    "53100": _FULL,
    "55P03": _BUSY,
    "57014": (
        DatabaseBusyError,
        "The server of the database {name} exceeded its own time limit: {said}.",
        "",
    ),
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": _UNREACHABLE,
    "57P05": _LOST,
    "58": (
        StorageError,
        "The disk failed under the database {name}: {said}.",
        "Check the server's disk; its log says more.",
    ),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}

# Why a connection was refused for good: the client library gives no SQLSTATE then, only the server's words.
_REFUSALS: tuple[tuple[str, _Meaning], ...] = (
    (r"authentication failed|no password supplied|pg_hba\.conf|role \".*\" does not exist", _SHUT_OUT),
    (r"database \".*\" does not exist", _NO_DATABASE),
    (r"SSL was required|certificate", _OTHER),
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn every database error raised inside into one of ours, whose ``transient`` says if waiting helps.

    Args:
        name: the database as a person knows it, credentials removed.
    """
    try:
        yield
    except database_errors() as error:
        raise _explained(error, name) from error


def database_errors() -> tuple[type[Exception], ...]:
    """What a database or its driver raises."""
    # The drivers' own come through where a connection is set up outside of SQLAlchemy's statements.
    driver = sys.modules.get("psycopg")
    return (SQLAlchemyError, sqlite3.Error, *((driver.Error,) if driver is not None else ()))


def _explained(error: Exception, name: str) -> NightreidError:
    """The error a person reads; never shows statements or values."""
    if isinstance(error, NoConnectionFreeError):
        return _BUSY[0](f"All connections to the database {name} are in use.", "Try again later.")
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    said = lines[0].rstrip(".: ") if lines else type(cause).__name__
    broke = isinstance(error, DBAPIError) and error.connection_invalidated
    kind, sentence, hint = _meaning(cause, said, broke)
    # Whom it was connecting to is told by the name.
    said = said.rpartition(" failed: ")[2].removeprefix("FATAL:").strip()
    return kind(sentence.format(name=name, said=redact_text(said)), hint)


def _meaning(cause: BaseException, said: str, broke: bool) -> _Meaning:
    if not hasattr(cause, "sqlstate"):
        return next((meaning for phrase, meaning in _PHRASES if phrase in said.lower()), _OTHER)
    state = cause.sqlstate
    if state is not None:
        return _STATES.get(state) or _STATES.get(state[:2]) or _OTHER
    from psycopg import OperationalError

    if broke:
        return _LOST
    if not isinstance(cause, OperationalError):
        return _OTHER
    return next((meaning for phrase, meaning in _REFUSALS if re.search(phrase, said)), _UNREACHABLE)

"""What a database says when it fails, turned into one sentence a person can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reid_core.errors import GalleryError, NightreidError, StorageError

# (what the driver says, class, sentence, hint); the first that fits is told.
_KNOWN: tuple[tuple[str, type[NightreidError], str, str], ...] = (
    (
        "database or disk is full",
        StorageError,
        "There is no space left for the database {name}.",
        "What was written before is kept; free some space and start again.",
    ),
    (
        "readonly database",
        StorageError,
        "The database {name} cannot be written: its file, folder or disk is read-only.",
        "",
    ),
    (
        "unable to open database file",
        StorageError,
        "The database {name} cannot be opened or created.",
        "Check that its folder exists and may be written.",
    ),
    (
        "disk i/o error",
        StorageError,
        "The disk failed while the database {name} was used.",
        "What was written before is kept; check the disk's space and health.",
    ),
    ("file is not a database", GalleryError, "{name} is not a gallery database.", ""),
    (
        "malformed",
        GalleryError,
        "The database {name} is damaged.",
        "Restore it from a backup, or move it away and run again.",
    ),
    (
        "database is locked",
        GalleryError,
        "The database {name} is in use by another program that does not let go of it.",
        "Wait for it to finish, or end it.",
    ),
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn every database error raised inside into a `GalleryError` or `StorageError`.

    Args:
        name: the database as a person knows it, credentials removed.
    """
    try:
        yield
    # SQLite's own come through where a connection is set up outside of SQLAlchemy's statements.
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _explained(error, name) from error


def _explained(error: Exception, name: str) -> NightreidError:
    """The error a person reads; never shows statements or values."""
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    for phrase, kind, sentence, hint in _KNOWN:
        if phrase in said.lower():
            return kind(sentence.format(name=name), hint)
    first = said.strip().splitlines()[0].rstrip(".") if said.strip() else type(error).__name__
    return GalleryError(f"The database {name} cannot be used: {first}.")

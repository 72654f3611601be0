"""Errors as a person reads them: one sentence, a hint, and a status that is not zero."""

import errno
import os
import sys
import traceback

from reid_core.errors import MissingDependencyError, NightreidError, StorageError

_LIBRARIES = {
    "libGL.so": "Debian and Ubuntu: apt-get install libgl1. Fedora: dnf install mesa-libGL.",
    "libgthread": "Debian and Ubuntu: apt-get install libglib2.0-0. Fedora: dnf install glib2.",
    "libglib": "Debian and Ubuntu: apt-get install libglib2.0-0. Fedora: dnf install glib2.",
}


def explain(error: BaseException) -> int:
    """Print an error and return the exit status.

    ``NIGHTREID_DEBUG=1`` (or ``--debug``) prints the traceback as well.
    """
    if os.environ.get("NIGHTREID_DEBUG"):
        traceback.print_exception(error)
    known = readable(error)
    if known is None:
        name = type(error).__name__
        print(f"error[internal]: {name}: {error}", file=sys.stderr)
        print("This is a defect of nightreid. --debug shows where; please report it.", file=sys.stderr)
        return 70
    print(f"error[{known.code}]: {known.message}", file=sys.stderr)
    if known.hint:
        print(f"  {known.hint}", file=sys.stderr)
    return known.exit_code


def readable(error: BaseException) -> NightreidError | None:
    """The error in our own words, or ``None`` where it is nobody's but ours."""
    import click

    if isinstance(error, NightreidError):
        return error
    if isinstance(error, click.ClickException):
        from reid_core.errors import UsageError

        return UsageError(error.format_message())
    if isinstance(error, ImportError):
        return _missing(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("The disk is full.", "What was written before is kept. Free some space and run again.")
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return StorageError(f"The disk is read-only: {error.filename}.")
    if isinstance(error, OSError) and error.filename:
        return StorageError(f"{error.filename}: {(error.strerror or 'cannot be used').lower()}.")
    if isinstance(error, MemoryError):
        return StorageError("There is not enough memory.", "Smaller pictures or a smaller batch need less.")
    return None


def _missing(error: ImportError) -> MissingDependencyError:
    text = str(error)
    for library, hint in _LIBRARIES.items():
        if library in text:
            return MissingDependencyError(f"OpenCV needs the system library {text.split(':')[0]}.", hint)
    name = error.name or text
    return MissingDependencyError(f"The package {name} is not installed or cannot be loaded: {text}.")

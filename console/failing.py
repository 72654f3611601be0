"""Errors as a person reads them: one sentence, a hint, and a status that is not zero."""

import errno
import os
import sys
import tempfile
import traceback
from pathlib import Path

from reid_core.errors import MissingDependencyError, NightreidError, StorageError, UsageError
from reid_core.redaction import redact_text

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
        print(redact_text("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    known = readable(error)
    if known is not None and known.message.startswith("Usage:"):
        # Nothing at all was asked for: no error, but the help.
        print(known.message, file=sys.stderr)
        return known.exit_code
    if known is None:
        name = type(error).__name__
        print(f"error[internal]: {name}: {redact_text(str(error))}", file=sys.stderr)
        print("This is a defect of nightreid. --debug shows where; please report it.", file=sys.stderr)
        return 70
    # Usage errors and the system's repeat what they were given: an address, perhaps.
    print(f"error[{known.code}]: {redact_text(known.message)}", file=sys.stderr)
    if known.hint:
        print(f"  {redact_text(known.hint)}", file=sys.stderr)
    return known.exit_code


def check_writable(path: Path, folder: bool = False) -> None:
    """Find out before the work, not after it, that its result has nowhere to go; makes missing folders.

    Args:
        path: what is to be written.
        folder: whether it is a folder for several files.

    Raises:
        UsageError: there is a folder where a file is to be written.
        StorageError: no file can be made there.
    """
    if path.is_dir() and not folder:
        raise UsageError(f"{path} is a folder; a file name is needed.")
    place = path.resolve() if folder else path.resolve().parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        if folder or not path.exists():
            with tempfile.TemporaryFile(dir=place):
                return
    except OSError as error:
        # Something in the way of a folder is no folder, whichever part of the path it is.
        reason = os.strerror(errno.ENOTDIR) if isinstance(error, FileExistsError) else error.strerror
        raise StorageError(
            f"{path} cannot be written: {(reason or str(error)).lower()}.",
            "Choose a folder that can be written to.",
        ) from None


def readable(error: BaseException) -> NightreidError | None:
    """The error in our own words, or ``None`` where it is nobody's but ours."""
    if isinstance(error, NightreidError):
        return error
    # Typer brings its own copy of click, or uses the one that is there: a usage error is known by its form.
    formatted = getattr(error, "format_message", None)
    if formatted is not None:
        return UsageError(_sentence(formatted()), "nightreid COMMAND --help lists the options.")
    if isinstance(error, ImportError):
        return _missing(error)
    if isinstance(error, OSError):
        return _storage(error)
    if isinstance(error, MemoryError):
        return StorageError("There is not enough memory.", "Smaller frames or a smaller batch need less.")
    return None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _storage(error: OSError) -> StorageError | None:
    kept = "What was written before is kept. Free some space and run again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("The disk is full.", kept)
    if error.errno == errno.EFBIG:
        return StorageError("A file would become larger than is allowed here.", kept)
    if error.errno == errno.EROFS:
        return StorageError(f"The disk is read-only: {error.filename}.")
    if error.filename:
        return StorageError(f"{error.filename}: {(error.strerror or 'cannot be used').lower()}.")
    return None


def _missing(error: ImportError) -> MissingDependencyError:
    text = str(error)
    for library, hint in _LIBRARIES.items():
        if library in text:
            name = text.partition(":")[0]
            return MissingDependencyError(f"OpenCV needs the system library {name}, which is missing.", hint)
    package = error.name or text
    return MissingDependencyError(f"The package {package} is not installed or cannot be loaded: {text}.")

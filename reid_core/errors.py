"""Errors a person reads: a class, a stable code, one sentence and a hint.

The command line prints ``error[code]: sentence`` and the hint without a traceback and exits with
``exit_code``; a worker routes by class.
"""

from typing import ClassVar


class NightreidError(Exception):
    """Something the user can understand and act on.

    Args:
        message: one sentence that says what is wrong, naming the thing.
        hint: what to do about it, or empty.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(NightreidError):
    """The command or call was given something it cannot work with."""

    code = "usage"
    exit_code = 2


class ConfigError(NightreidError):
    """A configuration file or override is not valid."""

    code = "config"
    exit_code = 2


class SourceError(NightreidError):
    """A video, image folder or camera cannot be read."""

    code = "source"


class ModelError(NightreidError):
    """A checkpoint is missing, damaged or not what it says it is."""

    code = "model"


class ModelMismatchError(ModelError):
    """Vectors of one model would be compared with vectors of another."""

    code = "model-mismatch"


class GalleryError(NightreidError):
    """The gallery's database cannot be used."""

    code = "gallery"


class SchemaTooNewError(GalleryError):
    """The database was written by a newer version."""

    code = "gallery-newer"


class StorageError(NightreidError):
    """A disk is full, read-only or gone."""

    code = "storage"


class MissingDependencyError(NightreidError):
    """A system library or an optional package is not installed."""

    code = "dependency"

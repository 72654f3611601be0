"""Errors a person reads: a class, a stable code, one sentence and a hint.

The command line prints ``error[code]: sentence`` and the hint without a traceback and exits with
``exit_code``; a worker routes by class.
"""

from typing import ClassVar

from reid_core.file_names import readable_text


class NightreidError(Exception):
    """Something the user can understand and act on.

    Args:
        message: one sentence that says what is wrong, naming the thing.
        hint: what to do about it, or empty.

    Attributes:
        code: stable name of the class.
        exit_code: what a command that failed with it exits with.
        transient: whether the same call may go well later, unchanged: a worker waits and tries again.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        # What names a file may hold bytes that no output takes.
        self.message, self.hint = readable_text(message), readable_text(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(NightreidError):
    """The command or call was given something it cannot work with."""

    code = "usage"
    exit_code = 2


class StaleError(UsageError):
    """What was to be changed is not what it was when whoever asks looked at it."""

    code = "stale"


class SecondPersonError(UsageError):
    """Something that two people have to agree on was to be decided by one."""

    code = "second-person"


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


class GalleryInUseError(GalleryError):
    """The database must be migrated, and a worker of an older version is at work on it."""

    code = "gallery-in-use"


class DatabaseAwayError(GalleryError):
    """The gallery's database server cannot be reached, or the connection to it broke."""

    code = "gallery-away"
    transient = True


class DatabaseBusyError(GalleryError):
    """Somebody else holds the gallery's database, or all its connections are taken."""

    code = "gallery-busy"
    transient = True


class StorageError(NightreidError):
    """A disk is full, read-only or gone."""

    code = "storage"


class DiskFullError(StorageError):
    """A disk has no space left, or did not take what was written; its code is that of `StorageError`."""

    transient = True


class MissingDependencyError(NightreidError):
    """A system library or an optional package is not installed."""

    code = "dependency"

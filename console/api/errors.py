"""What only a server can say."""

from typing import ClassVar

from reid_core.errors import NightreidError, UsageError


class OverloadedError(NightreidError):
    """More is asked than can be answered in good time."""

    code: ClassVar[str] = "overloaded"
    transient: ClassVar[bool] = True


class TooLargeError(UsageError):
    """What was sent is larger than the settings allow."""

    code: ClassVar[str] = "too-large"


class NoFootageError(NightreidError):
    """The footage that a clip would be cut from is not at hand."""

    code: ClassVar[str] = "no-footage"

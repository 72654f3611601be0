"""What keeps somebody out."""

from typing import ClassVar

from reid_core.errors import NightreidError


class AccessError(NightreidError):
    """Somebody may not do what they ask."""

    code: ClassVar[str] = "access"


class SignInNeededError(AccessError):
    """Nobody is signed in, or the session or token is not valid (any more)."""

    code: ClassVar[str] = "sign-in-needed"


class SignInFailedError(AccessError):
    """Name and password do not belong together, or the user is disabled: which of it is not told."""

    code: ClassVar[str] = "sign-in-failed"


class NotPermittedError(AccessError):
    """The role does not allow this."""

    code: ClassVar[str] = "not-permitted"


class ForgedRequestError(AccessError):
    """A request that changes something does not come from the console's own page."""

    code: ClassVar[str] = "forged-request"


class NotFoundError(AccessError):
    """It is not there, or outside of the asker's scope: which of it is not told."""

    code: ClassVar[str] = "not-found"


class TooManyRequestsError(AccessError):
    """The rate limit is used up.

    Args:
        message: one sentence.
        seconds: until it is worth trying again.
    """

    code: ClassVar[str] = "too-many-requests"
    transient: ClassVar[bool] = True

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        super().__init__(message, f"Try again in {self.seconds} s.")


class PurposeNeededError(AccessError):
    """The policy asks for a purpose, or a case reference, and none is stated."""

    code: ClassVar[str] = "purpose-needed"

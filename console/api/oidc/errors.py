"""What goes wrong when somebody signs in elsewhere."""

from typing import ClassVar

from reid_core.access.errors import AccessError


class ProviderRefusalError(AccessError):
    """Somebody is not signed in: why is written down, and not told to whoever tried.

    Args:
        reason: a few words for the audit log.
        subject: as whom the provider vouched for them, where it did.
    """

    code: ClassVar[str] = "sign-in-refused"

    def __init__(self, reason: str, subject: str | None = None) -> None:
        self.reason = reason[:200]
        self.subject = subject
        super().__init__(f"The sign-in was refused: {self.reason}.")


class ProviderAwayError(AccessError):
    """The provider does not answer, or not as a provider does."""

    code: ClassVar[str] = "provider-away"
    transient: ClassVar[bool] = True

"""What keeps retention from being enforced."""

from typing import ClassVar

from reid_core.errors import NightreidError


class RetentionBusyError(NightreidError):
    """Somebody else enforces it now."""

    code: ClassVar[str] = "retention-busy"
    transient: ClassVar[bool] = True

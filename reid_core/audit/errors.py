"""What can be wrong with the audit log and its key."""

from typing import ClassVar

from reid_core.errors import NightreidError


class AuditKeyError(NightreidError):
    """The key of the audit log is missing, not a key, or another one."""

    code: ClassVar[str] = "audit-key"


class AuditError(NightreidError):
    """The audit log cannot be used as it is asked to be."""

    code: ClassVar[str] = "audit"

"""What may be done, and which role may do it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """One thing that a principal may be allowed to do; every route of the console declares one."""

    SESSION = "session"
    """See and end the own session, state its purpose, change the own password."""
    TOKENS = "tokens"
    """Make, list and revoke the own API tokens."""
    STATUS = "status"
    """See the state of the gallery, the models and the index: numbers, nobody."""
    METRICS = "metrics"
    """Read the metrics of the process."""
    CAMERAS = "cameras.read"
    """List the cameras of the own scope."""
    VIEW = "view"
    """Look at tracklets, identities, links and their pictures."""
    LIVE = "live"
    """Follow what comes in."""
    ALERTS = "alerts.read"
    """Read alerts."""
    SEARCH = "search"
    """Look for a person, by words, picture or tracklet."""
    EXPORT = "export"
    """Take clips and lists out of the console."""
    WATCH = "watch"
    """Add, change and remove watches."""
    REVIEW = "review"
    """Confirm or reject a link."""
    CORRECT = "correct"
    """Merge and split identities, move tracklets."""
    APPROVE = "approve"
    """Agree to, or decline, what another person proposed."""
    WEBHOOKS = "webhooks.manage"
    """Say where alerts are sent."""
    ERASE = "erase"
    """Erase a person."""
    ERASURES_READ = "erasures.read"
    """Read which erasures and legal holds there are."""
    HOLD = "hold.manage"
    """Put data under legal hold and release it."""
    RETENTION_READ = "retention.read"
    """Read how long what is kept, and the report that proves it."""
    RETENTION_MANAGE = "retention.manage"
    """Say how long what is kept."""
    AUDIT_READ = "audit.read"
    """Read and verify the audit log."""
    AUDIT_EXPORT = "audit.export"
    """Take the audit log out."""
    USERS_READ = "users.read"
    """List users, sessions and tokens."""
    USERS_MANAGE = "users.manage"
    """Add, change and disable users; revoke sessions and tokens of others."""


class Role(StrEnum):
    """What somebody is here for; ``PERMISSIONS`` says what that allows."""

    VIEWER = "viewer"
    INVESTIGATOR = "investigator"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMIN = "admin"


_EVERYBODY = frozenset(
    {Permission.SESSION, Permission.TOKENS, Permission.STATUS, Permission.METRICS, Permission.CAMERAS}
)
_LOOKS = _EVERYBODY | {Permission.VIEW, Permission.LIVE, Permission.ALERTS}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: _LOOKS,
        Role.INVESTIGATOR: _LOOKS
        | {Permission.SEARCH, Permission.EXPORT, Permission.WATCH, Permission.REVIEW},
        Role.REVIEWER: _LOOKS
        | {Permission.SEARCH, Permission.REVIEW, Permission.CORRECT, Permission.APPROVE},
        # Who answers for the use of others looks at nobody.
        Role.AUDITOR: _EVERYBODY
        | {
            Permission.AUDIT_READ,
            Permission.AUDIT_EXPORT,
            Permission.ERASURES_READ,
            Permission.RETENTION_READ,
            Permission.USERS_READ,
        },
        # Who gives rights away reads no audit log and searches for nobody, but sees whom an erasure means.
        Role.ADMIN: _EVERYBODY
        | {
            Permission.VIEW,
            Permission.WEBHOOKS,
            Permission.ERASE,
            Permission.ERASURES_READ,
            Permission.HOLD,
            Permission.RETENTION_READ,
            Permission.RETENTION_MANAGE,
            Permission.USERS_READ,
            Permission.USERS_MANAGE,
        },
    }
)
"""What each role may do: nothing but this."""

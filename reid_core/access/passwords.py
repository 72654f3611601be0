"""Passwords, kept as argon2 hashes."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from reid_core.errors import UsageError

SHORTEST = 12
LONGEST = 256
# A hash takes 64 MiB: many at once would take the memory of whatever else runs.
_AT_ONCE = threading.BoundedSemaphore(2)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _of_nobody() -> str:
    return _hasher().hash("of nobody")


def hashed(password: str) -> str:
    """The hash to keep.

    Raises:
        UsageError: the password is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"A password has {SHORTEST} to {LONGEST} characters.")
    with _AT_ONCE:
        return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether a password is the one of a hash; of no hash, which takes as long, never."""
    if len(password) > LONGEST:
        return False
    with _AT_ONCE:
        try:
            _hasher().verify(kept or _of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(kept)

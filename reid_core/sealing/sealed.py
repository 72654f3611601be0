"""How encrypted bytes lie: ``NRK1``, the key's id, a nonce, then AES-256-GCM's ciphertext and tag.

The id and what the bytes are (`Purpose`) are authenticated: no crop can stand for a staged tracklet. What
does not begin so is plain. AES-GCM: NIST SP 800-38D, whose limit is 2^32 messages of one key.
"""

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from reid_core.errors import MissingDependencyError
from reid_core.sealing.errors import SealingKeyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"NRK1"
MOST_OVERHEAD = 256
"""Encrypted bytes are longer than plain ones by no more."""

_NONCE_BYTES = 12
_TAG_BYTES = 16


class Purpose(StrEnum):
    """What encrypted bytes are."""

    CROP = "crop"
    STAGED = "staged tracklet"
    LETTER = "dead letter"
    BLOB = "blob"


def overhead(key: str) -> int:
    """By how many bytes what is encrypted with a key is longer than it was."""
    return len(_head(key)) + _NONCE_BYTES + _TAG_BYTES


def key_of(content: bytes) -> str | None:
    """The id of the key that bytes are encrypted with, by their beginning; ``None`` where they are plain."""
    if not content.startswith(MAGIC) or len(content) <= len(MAGIC):
        return None
    start = len(MAGIC) + 1
    return content[start : start + content[len(MAGIC)]].decode("ascii", "replace")


def seal(content: bytes, key: str, secret: bytes, purpose: Purpose) -> bytes:
    """Encrypt bytes.

    Args:
        content: plain bytes.
        key: id of the key.
        secret: the key, 32 bytes.
        purpose: what they are.

    Raises:
        MissingDependencyError: the library is not installed.
    """
    head, nonce = _head(key), os.urandom(_NONCE_BYTES)
    return head + nonce + _cipher(secret).encrypt(nonce, content, head + purpose.encode())


def unseal(content: bytes, key: str, secret: bytes, purpose: Purpose) -> bytes:
    """The plain bytes of what `seal` made; arguments as there.

    Raises:
        SealingKeyError: the key is another one, the bytes were changed, or are those of another purpose.
        MissingDependencyError: the library is not installed.
    """
    cipher, head = _cipher(secret), _head(key)
    from cryptography.exceptions import InvalidTag

    nonce, rest = content[len(head) : len(head) + _NONCE_BYTES], content[len(head) + _NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, rest, head + purpose.encode())
    except (InvalidTag, ValueError):
        raise SealingKeyError(
            f"A {purpose} cannot be decrypted: the key {key} is another one, or the bytes were changed.",
            "Put the key back under which it was written.",
        ) from None


def _head(key: str) -> bytes:
    name = key.encode("ascii", "replace")
    return MAGIC + bytes([len(name)]) + name


def _cipher(secret: bytes) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MissingDependencyError(
            "The library cryptography is not installed, which encrypts crops.",
            "Install it: pip install 'nightreid[encryption]'",
        ) from None
    return AESGCM(secret)

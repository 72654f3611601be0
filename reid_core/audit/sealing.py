"""How rows of the audit log are digested: canonical JSON, salted digests of what is personal, keyed of rows.

Every digest is over one JSON list whose first item says what is digested, so that no digest of one kind can
stand for one of another.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from reid_core.errors import UsageError
from reid_core.key_files import KEY_BYTES

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sealed:
    """The fields of a row that its hash is over, as in `AuditRow`."""

    number: int
    time_ns: int
    action: str
    actor: str
    subject: str
    purpose_digest: str
    details_digest: str
    previous: str


def canonical(values: Mapping[str, object]) -> str:
    """The one JSON text of some values: sorted keys, no spaces, ASCII alone.

    Raises:
        UsageError: a value is no JSON value.
    """
    try:
        return json.dumps(
            dict(values), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"What is written to the audit log is no JSON: {error}.") from None


def row_hash(key: bytes, row: Sealed, number: int | None = None) -> str:
    """The keyed digest of a row, hexadecimal; under another number where one is given."""
    return _keyed(
        key,
        "row",
        row.number if number is None else number,
        row.time_ns,
        row.action,
        row.actor,
        row.subject,
        row.purpose_digest,
        row.details_digest,
        row.previous,
    )


def commitment(salt: bytes, content: str) -> str:
    """The salted digest of what is personal: without the salt it can be compared with nothing."""
    return hashlib.sha256(salt + content.encode("ascii")).hexdigest()


def new_salt() -> bytes:
    """A salt that nobody can guess."""
    return secrets.token_bytes(SALT_BYTES)


def new_chain() -> str:
    """A name for a chain that no other one has."""
    return secrets.token_hex(KEY_BYTES)


def key_name(key: bytes) -> str:
    """What a key is told from others by, and cannot be learned from."""
    return _keyed(key, "key")


def checkpoint_signature(key: bytes, chain: str, era: int, number: int, time_ns: int, row: str) -> str:
    """The keyed digest of what a checkpoint says."""
    return _keyed(key, "checkpoint", chain, era, number, time_ns, row)


def same(one: str, other: str) -> bool:
    """Whether two digests are one, in time that does not depend on them."""
    return hmac.compare_digest(one.encode(), other.encode())


def _keyed(key: bytes, *items: object) -> str:
    content = json.dumps(["nightreid audit 1", *items], separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, content.encode("ascii"), hashlib.sha256).hexdigest()

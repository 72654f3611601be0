"""What was erased may not come again: it is known by fingerprints that tell nothing without their key.

Ids of tracklets are derived from the recording, so whoever processes it again, or restores a backup, comes
with the same ones. The crops themselves are known too: the same footage under another camera's name has
other ids, and the same crops.
"""

import hmac
import secrets
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.erasure_rows import ErasedRow
from reid_core.gallery.schema import MetaRow, table_of

ERASURE_KEY = "erasure_key"
"""Key of the fingerprints' key in the gallery's table of values; there once somebody was erased."""

_KEY_BYTES = 32
_PAGE = 4096
_META, _ERASED = table_of(MetaRow), table_of(ErasedRow)
_THE_KEY = select(_META.c.value).where(_META.c.key == ERASURE_KEY)


class Erased(StrEnum):
    """Of what a fingerprint is."""

    TRACKLET = "tracklet"
    IDENTITY = "identity"
    CROP = "crop"


def fingerprint(key: bytes, kind: Erased, value: str | bytes) -> str:
    """HMAC-SHA256 of an id, or of a crop's file, in hexadecimal digits."""
    content = value.encode() if isinstance(value, str) else value
    return hmac.digest(key, kind.encode() + b"\0" + content, "sha256").hex()


def erasure_key(session: Session) -> bytes | None:
    """The key of this gallery's fingerprints; ``None`` where nobody was ever erased."""
    text: str | None = session.scalar(_THE_KEY)
    return bytes.fromhex(text) if text is not None else None


def keep_key(session: Session, key: bytes | None = None) -> bytes:
    """The key, given or made where there is none; inside a writing transaction."""
    there = erasure_key(session)
    if there is not None:
        return there
    made = key if key is not None else secrets.token_bytes(_KEY_BYTES)
    session.add(MetaRow(key=ERASURE_KEY, value=made.hex()))
    session.flush()
    return made


def was_erased(session: Session, tracklet: str, crops: Sequence[bytes] = ()) -> bool:
    """Whether a tracklet was erased: by its id, or because every crop of it was.

    Args:
        session: of a transaction.
        tracklet: its id.
        crops: its files; without any, the id alone counts.
    """
    key = erasure_key(session)
    if key is None:
        return False
    prints = [fingerprint(key, Erased.TRACKLET, tracklet)]
    if known(session, Erased.TRACKLET, prints):
        return True
    files = {fingerprint(key, Erased.CROP, one) for one in crops if one}
    return bool(files) and known(session, Erased.CROP, files) == files


def known(session: Session, kind: Erased, prints: Collection[str]) -> set[str]:
    """Which of some fingerprints are of something that was erased."""
    names, found = sorted(prints), set[str]()
    for start in range(0, len(names), _PAGE):
        chosen = select(_ERASED.c.fingerprint).where(
            _ERASED.c.kind == str(kind), _ERASED.c.fingerprint.in_(names[start : start + _PAGE])
        )
        found.update(session.scalars(chosen))
    return found


def recognised(session: Session, kind: Erased, values: Iterable[str]) -> set[str]:
    """Which of some ids were erased."""
    key = erasure_key(session)
    if key is None:
        return set()
    by_print = {fingerprint(key, kind, value): value for value in values}
    return {by_print[one] for one in known(session, kind, by_print)}

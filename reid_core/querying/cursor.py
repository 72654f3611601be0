"""Where the next page of an answer begins, as one opaque word."""

import base64
import binascii
import hashlib
from dataclasses import astuple

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from reid_core.errors import UsageError
from reid_core.gallery.index import SearchFilter
from reid_core.querying.query import Query


class Cursor(BaseModel):
    """The end of a page.

    Attributes:
        query: digest of what was asked.
        newest: the newest vector there was when the first page was asked for.
        searched: how many identities were compared with.
        given: how many identities the pages so far hold.
        score: that the last of them is ranked by.
        identity: id of the last of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    query: str
    newest: int
    searched: int
    given: int
    score: float
    identity: str

    def packed(self) -> str:
        """As one word of letters, digits, ``-`` and ``_``."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @classmethod
    def unpacked(cls, word: str, query: str) -> "Cursor":
        """What `packed` gave.

        Raises:
            UsageError: it is none, or of another query.
        """
        try:
            text = base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True)
            cursor = cls.model_validate_json(text)
        except (ValueError, binascii.Error, ValidationError):
            raise UsageError("The cursor is damaged.", "Ask for the first page without one.") from None
        if cursor.query != query:
            raise UsageError("The cursor is of another query.", "Ask for the first page without one.")
        return cursor


def query_digest(query: Query, where: SearchFilter, space: str, encoder: str | None) -> str:
    """What a page's cursor holds for: what was asked, not the last bits of what a network made of it."""
    filtered = [sorted(one) if isinstance(one, frozenset) else one for one in astuple(where)]
    how = str(query.form), *(one.id for one in (query.mix, query.joint) if one is not None)
    asked = query.text, filtered, str(query.kind), space, encoder, how, sorted(query.without)
    digest = hashlib.sha256(repr(asked).encode())
    for vector in (query.vector, query.raw):
        digest.update(b"" if vector is None else np.asarray(vector, "<f4").tobytes())
    return digest.hexdigest()[:16]

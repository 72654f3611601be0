"""Text out of whatever it is wrapped in: tags, links, entities, control characters, odd letters."""

import re
import unicodedata
from html import unescape

__all__ = ["without_markup"]

_TAG = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|</?[a-z][^<>]*>", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|https?://\S+")
_MARKS = re.compile(r"[*_`#~|\\^={}]+|[^\S ]+")
# What Unicode has more than one character for, and its normal form keeps apart or takes apart.
_ALIKE = str.maketrans("\u2010\u2011\u2032\u2033\u00b4", "--'\"'")


def without_markup(text: str) -> str:
    """The text alone: no tags, no entities, no control characters; of a link its words.

    Letters come in their normal form (NFKC), and nothing unseen stands within a word: a word list finds
    "Asian" in whichever characters it is written.
    """
    plain = _plain_letters(text)
    # Of an escaped tag is first made a tag, however often it was escaped.
    while (bare := unescape(plain)) != plain:
        plain = _plain_letters(bare)
    bare = _LINK.sub(lambda match: match[1] or " ", _TAG.sub(" ", plain))
    # What stands where bytes were no text says nothing.
    bare = bare.replace("\ufffd", " ")
    if not bare.isprintable():
        bare = "".join(one if one.isprintable() else " " for one in bare)
    return _MARKS.sub(" ", bare)


def _plain_letters(text: str) -> str:
    if text.isascii():
        return text
    normal = unicodedata.normalize("NFKC", text.translate(_ALIKE))
    # Soft hyphens, joiners, marks of direction.
    return "".join(one for one in normal if unicodedata.category(one) != "Cf")

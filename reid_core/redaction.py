"""What of an address may be shown: never a login, a key or a token.

Whatever stands between ``://`` and the last ``@`` may be a login, also where it holds characters that should
be percent-encoded there: rather a host too many is hidden than a password shown.
"""

import re
from itertools import pairwise

HIDDEN = "***"

ENCODE_LOGIN = "In user and password, write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and % as %25."
"""What to do about an address whose login cannot be told from the rest."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:/{1,2}")
_DONE = f"://{HIDDEN}@"
_TELLING = re.compile(
    r"(?:user|usr|login|pass|pwd|psw|token|auth|secret|sig|key|cred|jwt|session|ticket)\w*=", re.IGNORECASE
)
_ALREADY = re.compile(rf"{re.escape(HIDDEN)}(?=[&;/?#\s]|$)")
_SEGMENT = re.compile(r"[^/?#&;=,'\"()<>]+")
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d([T_-]?[\d:.\-]+Z?)?")
# What a word is made of: Capitalised, CAPITALS or a number.
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_HEXADECIMAL = re.compile("(?=.*[a-fA-F])(?=.*[0-9])[0-9a-fA-F-]+")
_LONGER_THAN_A_WORD = 16
_LONGEST_PIECE = 20


def redact(location: str) -> str:
    """An address without user name, password, keys and tokens, fit for logs and databases.

    Paths are as they were. What it was done to once, it leaves alone.
    """
    scheme = _SCHEME.search(location)
    if scheme is None:
        return location
    rest = location[scheme.end() :]
    spans = [(0, login_end(location) - scheme.end()), *_secret_values(rest)]
    return location[: scheme.end()] + _without_tokens(_hide(rest, spans))


def redact_text(text: str) -> str:
    """A sentence, or several lines, without the secrets of the addresses in it."""
    return "\n".join(_DONE.join(map(redact, line.split(_DONE))) for line in text.split("\n"))


def without_login(location: str) -> str:
    """An address without user name and password, and with all else: which place it is, whoever asks."""
    end = login_end(location)
    scheme = _SCHEME.search(location)
    return location if scheme is None or not end else location[: scheme.end()] + HIDDEN + location[end:]


def login_end(location: str) -> int:
    """Where the ``@`` behind an address's login stands; 0 where it has none."""
    scheme = _SCHEME.search(location)
    if scheme is None:
        return 0
    end = location.rfind("@", scheme.end())
    # With a colon before the @ it may be a password; without, the @ of a path is no login's.
    before = location[scheme.end() : max(end, scheme.end())]
    return end if end >= 0 and (":" in before or not re.search("[/?#]", before)) else 0


def login_is_odd(location: str) -> bool:
    """Whether a login may hold characters that end it for everybody else who reads the address."""
    scheme, end = _SCHEME.search(location), login_end(location)
    return scheme is not None and re.search("[/?#@]", location[scheme.end() : end]) is not None


def is_telling(name: str) -> bool:
    """Whether a parameter of that name holds a secret."""
    return _TELLING.search(f"{name}=") is not None


def _secret_values(rest: str) -> list[tuple[int, int]]:
    """Where the values behind telling names are."""
    return [
        (name.end(), _value_end(rest, name.start(), name.end()))
        for name in _TELLING.finditer(rest)
        if not _ALREADY.match(rest, name.end())
    ]


def _value_end(rest: str, name: int, start: int) -> int:
    ampersand, query = rest.find("&", start), rest.find("?", start)
    # Between ampersands a value may hold anything. A path may have names and values too, and then goes on.
    among_others = max(rest.rfind("?", 0, name), rest.rfind("&", 0, name)) >= 0
    if among_others or (ampersand >= 0 and not 0 <= query < ampersand):
        return ampersand if ampersand >= 0 else len(rest)
    end = re.compile("[;/?#]").search(rest, start)
    return end.start() if end is not None else len(rest)


def _hide(text: str, spans: list[tuple[int, int]]) -> str:
    """A text with what lies in spans, which may overlap, hidden."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    kept = pairwise([0, *(place for span in merged for place in span), len(text)])
    return HIDDEN.join(text[start:end] for start, end in list(kept)[::2])


def _without_tokens(rest: str) -> str:
    """Path and query without what looks like a key; a file's path, which has no host before it, as it is."""
    tail = re.search(r"[/?#]", rest)
    if tail is None or tail.start() == 0:
        return rest
    # In a sentence the address ends where a word does.
    address, space, others = rest.partition(" ")
    start = min(tail.start(), len(address))
    shown = _SEGMENT.sub(lambda each: HIDDEN if _is_token(each[0]) else each[0], address[start:])
    return address[:start] + shown + space + others


def _is_token(segment: str) -> bool:
    """Whether it is longer than a word and not made of words: what follows what changes all the time."""
    if len(segment) < _LONGER_THAN_A_WORD or _DATE.fullmatch(segment):
        return False
    if _HEXADECIMAL.fullmatch(segment):
        return True
    pieces = _PIECE.findall(segment)
    letters, numbers = sum(map(len, pieces)), sum(piece.isdigit() for piece in pieces)
    longest = max(map(len, pieces), default=0)
    one_run = letters == len(segment)
    mixed = one_run and letters >= _LONGEST_PIECE and numbers > 1
    return mixed or longest >= _LONGEST_PIECE or letters < (4.0 if one_run else 3.2) * len(pieces)

"""What the command writes to the terminal, or to whatever reads it."""

import codecs
import io
import sys

from reid_core.file_names import readable_text

_HANDLER = "nightreid.readable"


def shown(text: str) -> str:
    r"""Text from outside, on one line of a terminal: what would steer it comes as ``\x1b`` or ``\u202e``."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def take_every_name() -> None:
    r"""Let the two outputs take names of files that are no UTF-8: their bytes are written as ``\xe9``."""
    codecs.register_error(_HANDLER, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _readable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    odd = readable_text(error.object[error.start : error.end])
    # The encoding may be a smaller one than UTF-8.
    return odd.encode("ascii", "backslashreplace").decode("ascii"), error.end

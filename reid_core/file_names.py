r"""Names of files: shown so that everybody can read them, and opened by whatever library.

A file system keeps names as bytes. Where those are no UTF-8, Python hands out characters that no terminal,
JSON, HTML or database takes. They are shown as ``entr\xe9e.mp4``, one ``\x`` and two digits a byte, which
`path_of` turns back into the name: no two names look the same.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
# A backslash that would be read as the beginning of a byte, and what must not reach a terminal.
_TO_BE_HIDDEN = re.compile(rb"\\(?=x[0-9a-f]{2})|[\x00-\x1f\x7f]")


def readable_path(path: Path | str) -> str:
    r"""A path as text that is valid everywhere; one of plain characters is as it was.

    Bytes that are no UTF-8 and control characters become ``\xe9``, and so does a backslash that stands where
    it would look like the beginning of one.
    """
    raw = _TO_BE_HIDDEN.sub(lambda found: rf"\x{found[0][0]:02x}".encode(), os.fsencode(path))
    return raw.decode("utf-8", "backslashreplace")


def path_of(readable: str) -> str:
    """The path that `readable_path` shows so."""
    raw = readable.encode("utf-8", "surrogateescape")
    return os.fsdecode(_BYTE.sub(lambda found: bytes([int(found[1], 16)]), raw))


def readable_text(text: str) -> str:
    r"""A sentence that names files, with bytes that are no UTF-8 as ``\xe9``."""
    return _NO_CHARACTER.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    """A byte that Python keeps as half a character, or half a character of another origin."""
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


@contextmanager
def openable(path: Path | str) -> Iterator[str]:
    """A name of a file for decoders that take names for more than names, while one of them opens it.

    FFmpeg takes what stands before a colon for a protocol: an absolute path has none. OpenCV ends the process
    over a name that is no UTF-8: such a file is opened by a link with a plain name and the same ending.
    Once it is open, the name is no longer needed.

    Args:
        path: of the file.

    Yields:
        An absolute path.
    """
    whole = Path(path).absolute()
    if readable_text(str(whole)) == str(whole):
        yield str(whole)
        return
    ending = whole.suffix if whole.suffix.isascii() else ""
    with tempfile.TemporaryDirectory(prefix="nightreid-") as folder:
        link = Path(folder, f"recording{ending}")
        link.symlink_to(whole)
        yield str(link)

"""Keys as text and in files that nobody else may read; never shown in an error."""

import base64
import binascii
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from reid_core.errors import NightreidError, StorageError

KEY_BYTES = 32
_MAKE = "Make one: openssl rand -hex 32."


def key_from_file(file: Path, failure: type[NightreidError], make: bool = False) -> bytes:
    """The key that a file holds.

    Args:
        file: that holds it.
        failure: is raised where it holds none.
        make: one where there is no file.

    Returns:
        32 bytes or more.

    Raises:
        NightreidError: of the class ``failure``: it is no key, or others may read the file.
        StorageError: the file cannot be read or made.
    """
    try:
        if make and not file.exists():
            make_key_file(file)
        if os.name == "posix" and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
            raise failure(f"Others may use the key file {file}.", f"Close it to them: chmod 600 {file}")
        content = file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise StorageError(f"The key file {file} cannot be used: {error.strerror or error}.") from None
    return key_from_text(content, f"the file {file}", failure)


def make_key_file(file: Path) -> bool:
    """Make a key in a file: whole, and one alone however many processes do so at once.

    Returns:
        whether it was this one; ``False`` where the file is there.

    Raises:
        OSError: it cannot be made.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{secrets.token_hex(KEY_BYTES)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        # Unlike a rename, it fails where another process was faster.
        with suppress(FileExistsError):
            os.link(draft, file)
            return True
        return False
    finally:
        draft.unlink()


def key_from_text(text: str, where: str, failure: type[NightreidError]) -> bytes:
    """A key that is written in hexadecimal or Base64.

    Args:
        text: the key, with spaces or without.
        where: it stands, as an error names it.
        failure: is raised where it is none.

    Returns:
        32 bytes or more.

    Raises:
        NightreidError: of the class ``failure``: it is no key, or too short.
    """
    text = "".join(text.split())
    try:
        key = (
            bytes.fromhex(text)
            if re.fullmatch("[0-9a-fA-F]*", text)
            else base64.b64decode(text, validate=True)
        )
    except (ValueError, binascii.Error):
        # What is there is not repeated.
        raise failure(f"What {where} holds is no key: neither hexadecimal nor Base64.", _MAKE) from None
    if len(key) < KEY_BYTES:
        raise failure(f"The key in {where} is shorter than {KEY_BYTES} bytes.", _MAKE)
    return key

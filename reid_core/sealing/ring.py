"""The keys of crops: of each class one that is written with, and older ones that are still read with.

A key is called after its class and counted: ``default.1``, ``default.2``. Of a class the highest one is
written with. Keys come from the environment or from a folder of files, and are shown nowhere.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from reid_core.errors import StorageError, UsageError
from reid_core.key_files import KEY_BYTES, key_from_file, key_from_text, make_key_file
from reid_core.sealing.errors import SealingKeyError
from reid_core.sealing.sealed import Purpose, key_of, seal, unseal

KEYS_VARIABLE = "NIGHTREID_CROP_KEYS"
"""Environment variable with keys: ``default.1=HEX gate.1=HEX``."""

FOLDER_VARIABLE = "NIGHTREID_CROP_KEY_FOLDER"
"""Environment variable that names a folder with a file for each key: ``default.1.key``."""

_SUFFIX = ".key"
_CLASS = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_ID = re.compile(rf"({_CLASS.pattern})\.([1-9][0-9]{{0,5}})")


def check_class(name: str) -> str:
    """The name of a class, found fit.

    Raises:
        UsageError: it is none.
    """
    if not _CLASS.fullmatch(name):
        raise UsageError(
            f"{name!r} is no class of crops: lower-case letters, digits and hyphens, at most 48."
        )
    return name


def class_of(key: str) -> str:
    """The class of a key, by its id."""
    return key.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by their ids; what they are is in no text of it."""

    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def current(self, name: str) -> str:
        """The id of the key that a class is written with: the highest.

        Raises:
            SealingKeyError: there is none of this class.
        """
        found = [key for key in self.secrets if class_of(key) == name]
        if not found:
            raise SealingKeyError(f"There is no key of the class {name} to encrypt crops with.", _PUT_BACK)
        return max(found, key=lambda key: int(key.rpartition(".")[2]))

    def secret(self, key: str, purpose: Purpose) -> bytes:
        """A key, 32 bytes.

        Raises:
            SealingKeyError: it is not there.
        """
        found = self.secrets.get(key)
        if found is None:
            raise SealingKeyError(
                f"A {purpose} is encrypted with the key {key}, which is not there.",
                f"{_PUT_BACK} If it was destroyed: nightreid crops forget {key}",
            )
        return found

    def opened(self, content: bytes, purpose: Purpose) -> bytes:
        """The plain bytes of what is stored; those that are plain come back as they are.

        Raises:
            SealingKeyError: their key is missing or another one, or they were changed.
        """
        key = key_of(content)
        return content if key is None else unseal(content, key, self.secret(key, purpose), purpose)

    def seal(self, content: bytes, name: str, purpose: Purpose) -> bytes:
        """Encrypt bytes with the key of a class; nothing stays nothing.

        Raises:
            SealingKeyError: there is no key of this class.
        """
        if not content:
            return content
        key = self.current(name)
        return seal(content, key, self.secrets[key], purpose)


def key_ring(environment: Mapping[str, str] | None = None) -> KeyRing:
    """The keys that this process has; read anew when the environment or the folder has changed.

    Args:
        environment: the process' own by default.

    Raises:
        SealingKeyError: one is no key, others may read its file, or two have the same id.
        StorageError: the folder or a file cannot be read.
    """
    values = os.environ if environment is None else environment
    folder = values.get(FOLDER_VARIABLE, "")
    return _ring(values.get(KEYS_VARIABLE, ""), folder, _changed_ns(folder))


def opened(content: bytes, purpose: Purpose) -> bytes:
    """`KeyRing.opened` with the keys of this process, which only what is encrypted needs."""
    return content if key_of(content) is None else key_ring().opened(content, purpose)


def make_key(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Make the next key of a class in the folder, which is written with from then on; returns its id.

    Raises:
        UsageError: no folder is named, or the class is none.
        StorageError: the folder cannot be written.
    """
    values = os.environ if environment is None else environment
    folder = values.get(FOLDER_VARIABLE, "")
    if not folder:
        raise UsageError("A key is made in a folder, and none is named.", f"Name it in {FOLDER_VARIABLE}.")
    check_class(name)
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(key.rpartition(".")[2]) for key in key_ring(values).secrets if class_of(key) == name]
        number = max(numbers, default=0) + 1
        while not make_key_file(Path(folder) / f"{name}.{number}{_SUFFIX}"):
            number += 1
    except OSError as error:
        raise StorageError(f"No key can be made in {folder}: {error.strerror or error}.") from None
    return f"{name}.{number}"


_PUT_BACK = f"Give it by {KEYS_VARIABLE} or {FOLDER_VARIABLE}."


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns if folder else 0
    except OSError as error:
        raise StorageError(
            f"The folder of keys {folder} cannot be read: {error.strerror or error}."
        ) from None


# One alone: a key that was taken away is not kept in memory behind its back.
@lru_cache(maxsize=1)
def _ring(literal: str, folder: str, _changed: int) -> KeyRing:
    found: dict[str, bytes] = {}
    for one in filter(None, re.split(r"[\s,]+", literal)):
        name, _, text = one.partition("=")
        _put(found, name, key_from_text(text, f"the variable {KEYS_VARIABLE}", SealingKeyError))
    for file in sorted(Path(folder).glob(f"*{_SUFFIX}")) if folder else ():
        _put(found, file.name.removesuffix(_SUFFIX), key_from_file(file, SealingKeyError))
    return KeyRing(found)


def _put(found: dict[str, bytes], name: str, secret: bytes) -> None:
    if not _ID.fullmatch(name):
        # A variable that is written wrongly may hold the key where its id should be.
        raise SealingKeyError(
            "A key of crops has no id such as default.1.", f"See {KEYS_VARIABLE} and {FOLDER_VARIABLE}."
        )
    if len(secret) != KEY_BYTES:
        raise SealingKeyError(
            f"The key {name} is not of {KEY_BYTES} bytes.", "Make one: openssl rand -hex 32."
        )
    if found.setdefault(name, secret) != secret:
        raise SealingKeyError(f"There are two keys {name}, and they differ.")

"""Crops at rest, encrypted: a key for each class of cameras, from the environment or files."""

from reid_core.sealing.errors import SealingKeyError
from reid_core.sealing.ring import FOLDER_VARIABLE, KEYS_VARIABLE, KeyRing, key_ring, make_key, opened
from reid_core.sealing.sealed import Purpose, key_of

__all__ = [
    "FOLDER_VARIABLE",
    "KEYS_VARIABLE",
    "KeyRing",
    "Purpose",
    "SealingKeyError",
    "key_of",
    "key_ring",
    "make_key",
    "opened",
]

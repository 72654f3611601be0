"""Memory that large, short-lived blocks come from."""

import ctypes
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Threads that each have memory of their own keep as much each.
_ARENAS = 2
# The largest that the C library takes, and several of the largest blocks that come at once.
_MOST_KEPT, _LARGEST_KEPT = 256 << 20, 32 << 20


def keep_large_blocks() -> bool:
    """Have the C library use freed blocks of megabytes again, not fetch each anew from the system.

    What Kafka sends comes in pieces of megabytes that are copied several times on their way. Each copy would
    be fetched from the system page by page and given back at once: half of what receiving costs. At most
    256 MiB of what is free is kept instead.

    Returns:
        whether it was told so; only glibc can be.
    """
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        wanted = {_ARENA_MAX: _ARENAS, _MMAP_THRESHOLD: _LARGEST_KEPT, _TRIM_THRESHOLD: _MOST_KEPT}
        return all(library.mallopt(setting, value) for setting, value in wanted.items())
    return False

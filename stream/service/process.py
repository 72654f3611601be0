"""What a process that receives many frames asks of its interpreter and of its C library."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Threads that each have memory of their own keep as much each.
_ARENAS = 2
# The largest that the C library takes, and several of the largest blocks that come at once.
_MOST_KEPT, _LARGEST_KEPT = 256 << 20, 32 << 20
_TURN_SECONDS = 0.0005


def suit_to_receiving() -> bool:
    """Have large blocks of memory used again, and threads give the interpreter to each other sooner.

    What Kafka sends comes in pieces of megabytes that are copied several times on their way. Each copy would
    be fetched from the system page by page and given back at once: half of what receiving costs. Receiving,
    decoding and looking hand the interpreter on many times a frame, and whoever wants it back from one that
    computes waits for the length of a turn.

    Returns:
        whether blocks are used again; only glibc can be told to.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    return keep_large_blocks()


def keep_large_blocks() -> bool:
    """Have large blocks of memory used again: at most 256 MiB of what is free is kept for that.

    A decoded frame is a block that is fetched from the system page by page and given back at once otherwise,
    which takes longer than to make its colours.

    Returns:
        whether they are; only glibc can be told to.
    """
    library = _c_library()
    wanted = {_ARENA_MAX: _ARENAS, _MMAP_THRESHOLD: _LARGEST_KEPT, _TRIM_THRESHOLD: _MOST_KEPT}
    return library is not None and all(library.mallopt(*each) for each in wanted.items())


def return_memory() -> bool:
    """Give free memory back to the system, whatever lies above it: what a burst took stays taken otherwise.

    Takes milliseconds, and what is needed again is fetched again. To be done once a minute, not more often.

    Returns:
        whether there was any; only glibc can be asked.
    """
    library = _c_library()
    return library is not None and bool(library.malloc_trim(0))


def _c_library() -> ctypes.CDLL | None:
    """The C library if it is one that can be told how to keep memory."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None

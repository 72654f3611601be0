"""Compiled loops whose import touches no file: numba's cache on disk is looked for at their first use."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from numba import njit

T = TypeVar("T")

_waiting: list[Any] = []


def compiled(inline: Literal["never", "always"] = "never") -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Compile a function of numbers and arrays; ``inline="always"`` for short ones inside loops.

    numba's own ``cache=True`` writes to disk as soon as the module is imported, so it is left to
    `keep_compiled`, which whoever starts work on the world calls.
    """

    def decorated(function: Callable[..., T]) -> Callable[..., T]:
        dispatcher: Any = njit(inline=inline)(function)
        _waiting.append(dispatcher)
        return dispatcher  # type: ignore[no-any-return]

    return decorated


def keep_compiled() -> None:
    """Let what is compiled from now on be read from, and written to, the cache on disk."""
    while _waiting:
        _waiting.pop().enable_caching()

"""How much memory something takes: this process's own, as the kernel counts it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def resident(pid: int | str = "self", peak: bool = False) -> int:
    """Bytes of a process that are in memory, or the most that ever were."""
    name = "VmHWM:" if peak else "VmRSS:"
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(name))


@contextmanager
def peak_growth() -> Iterator[Callable[[], int]]:
    """Call what it yields afterwards: by how many bytes the process grew at most inside the block."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("needs Linux, where a process may forget the most memory it ever had")
    before, grown = resident(), [0]
    try:
        yield lambda: grown[0]
    finally:
        grown[0] = resident(peak=True) - before

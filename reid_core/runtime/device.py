"""What computes: the CPU, or a GPU where there is one."""

import os
import re
import sys
from pathlib import Path

from reid_core.errors import UsageError

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Of NVIDIA, of NVIDIA under WSL, of AMD."""


def find_device(wanted: str) -> str:
    """What was asked for, as torch calls it.

    Args:
        wanted: ``cpu``, ``cuda``, ``cuda:1`` (torch's numbers), or ``auto``: the first GPU, else the CPU.

    Raises:
        UsageError: there is no such device, or none of that name.
    """
    if wanted == "cpu":
        return "cpu"
    if wanted == "auto":
        return "cuda:0" if gpu_count() else "cpu"
    named = re.fullmatch(r"cuda(?::(\d+))?", wanted)
    if named is None:
        raise UsageError(f"There is no device {wanted!r}.", "Use 'auto', 'cpu', 'cuda' or 'cuda:1'.")
    number, count = int(named[1] or 0), gpu_count()
    if number >= count:
        seen = f"only {count} of them, counted from 0" if count else "no GPU"
        raise UsageError(f"There is no device {wanted!r} here: torch sees {seen}.")
    return f"cuda:{number}"


def gpu_count() -> int:
    """How many GPUs torch can use; torch is not loaded where the machine has no driver of one."""
    if "torch" not in sys.modules and not _has_driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _has_driver() -> bool:
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").is_file()
    return any(Path(driver).exists() for driver in _DRIVERS)

"""What a figure was measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("numpy", "torch", "openvino", "ultralytics", "opencv-python", "sqlalchemy")
# The same library under two names: which one is installed depends on the platform.
_FAISS = ("faiss-gpu", "faiss-cpu")


def describe_machine() -> dict[str, object]:
    """Processor, cores, system, Python and the versions of the libraries that do the work."""
    packages = {name: found for name in (*_PACKAGES, *_FAISS) if (found := _version(name)) is not None}
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": packages,
    }


def resident_bytes() -> int:
    """Memory of this process now; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def free_memory_bytes() -> int | None:
    """Memory that could be used now; ``None`` where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    said = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(said[0]) if said else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

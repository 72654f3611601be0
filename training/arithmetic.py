"""How numbers are computed in a run: on which device, in which precision, and the same way every time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch

from reid_core.errors import UsageError


def choose_device(wanted: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: a GPU is asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("The recipe needs a GPU, and torch finds none here.", "Set device=auto.")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def autocast_type(device: str) -> torch.dtype | None:
    """Half precision for a device, or ``None`` where full precision is faster (CPUs)."""
    if device != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


@contextmanager
def reproducible(seed: int, device: str, threads: int) -> Iterator[None]:
    """Fixed threads, deterministic algorithms and a seeded torch; everything is put back afterwards.

    On a GPU an algorithm that exists in no deterministic form is used with torch's warning.
    """
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        cv2.getNumThreads(),
    )
    # Read by cuBLAS when its first handle is made.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        try:
            torch.manual_seed(seed)
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
            torch.backends.cudnn.benchmark = False
            # Crops are too small to share among threads.
            cv2.setNumThreads(1)
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1], warn_only=before[2])
            torch.backends.cudnn.benchmark = before[3]
            cv2.setNumThreads(before[4])

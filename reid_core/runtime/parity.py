"""How far two ways of computing the same model lie apart."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reid_core.runtime.embedder import Embedder
from reid_core.types import Floats, Image, Modality

PARITY = 1e-4
"""Largest cosine distance between runtimes whose vectors count as the same model's."""


def cosine_distance(left: Floats, right: Floats) -> float:
    """The largest ``1 - cosine`` over rows of unit vectors."""
    if len(left) == 0:
        return 0.0
    products = np.einsum("nd,nd->n", left.astype(np.float64), right.astype(np.float64))
    return float(max(0.0, 1.0 - products.min()))


def probe_crops(count: int = 6) -> list[Image]:
    """Images to compare runtimes on: smooth colours under fine grain, the same ones each time."""
    import cv2

    random = np.random.default_rng(20)
    crops = []
    for _ in range(count):
        coarse = random.integers(0, 256, (8, 4, 3), np.uint8)
        smooth = cv2.resize(coarse, (96, 192), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grain = random.normal(0.0, 8.0, smooth.shape)
        crops.append(np.clip(smooth + grain, 0, 255).astype(np.uint8))
    return crops


def measured_parity(reference: Embedder, candidate: Embedder, crops: list[Image] | None = None) -> float:
    """The largest cosine distance of both modalities and all features, over batches of several sizes."""
    crops = probe_crops() if crops is None else crops
    return max(
        _furthest(reference.features(crops, modality, size), candidate.features(crops, modality, size))
        for modality in Modality
        for size in (1, 4)
    )


def _furthest(left: Mapping[str, Floats], right: Mapping[str, Floats]) -> float:
    pairs = ((left[name], right[name]) for name in left)
    return max(cosine_distance(*(each.reshape(-1, each.shape[-1]) for each in pair)) for pair in pairs)


def has_bf16() -> bool:
    """Whether this CPU computes in bfloat16 (Linux on x86-64; elsewhere nobody asks it)."""
    if sys.platform != "linux":
        return False
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags

"""An image's vector and a text's made one query: a strategy that whoever asks may choose."""

from typing import Protocol

import numpy as np

from reid_core.models.language import PairingEncoder, TextEncoder
from reid_core.types import Floats


class Fusion(Protocol):
    """Makes one query of two vectors of one space."""

    def __call__(self, vector: Floats, text: Floats) -> Floats:
        """``(D,)`` float32, L2-normalised, of two such vectors."""


def normalised_mean(vector: Floats, text: Floats) -> Floats:
    """Half image, half text: their mean, of length 1; the image where they cancel each other out."""
    mean = vector.astype(np.float64) + text.astype(np.float64)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if length > 1e-6 else vector


def fusion_of(encoder: TextEncoder | None) -> Fusion:
    """The fusion that an encoder was calibrated with; `normalised_mean` for those that say nothing."""
    return encoder.fuse if isinstance(encoder, PairingEncoder) else normalised_mean

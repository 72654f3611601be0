"""A linear map behind a model's vectors: what a gallery's own cameras taught."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from reid_core.errors import GalleryError, UsageError
from reid_core.standardising import Doubles
from reid_core.types import Floats

# Always so many rows at a time: sums of another shape may be added in another order, and a vector would
# depend on what it came with.
_ROWS = 8


@dataclass(frozen=True, slots=True)
class Head:
    """``f W``, of length one again.

    Attributes:
        matrix: ``W``, ``(D, D)`` float64, of float32 numbers.
    """

    matrix: Doubles

    @classmethod
    def of(cls, matrix: Doubles) -> Self:
        """The one that is kept of a matrix: as exact as float32."""
        return cls(np.asarray(matrix, np.float32).astype(np.float64))

    def apply(self, vectors: Floats) -> Floats:
        """Vectors as the head turns them, each the same whatever it comes with.

        Args:
            vectors: ``(N, D)`` float32.

        Returns:
            ``(N, D)`` float32, L2-normalised; one that nothing is left of stays as it was.

        Raises:
            UsageError: they are of another length than the head.
        """
        if vectors.shape[1:] != self.matrix.shape[:1]:
            raise UsageError(f"The vectors have {vectors.shape[-1]} dimensions, the head {len(self.matrix)}.")
        found = np.array(vectors, np.float32)
        block = np.zeros((_ROWS, len(self.matrix)))
        for start in range(0, len(vectors), _ROWS):
            some = vectors[start : start + _ROWS]
            block[: len(some)] = some
            turned = (block @ self.matrix)[: len(some)]
            lengths = np.linalg.norm(turned, axis=1)
            there = lengths > 1e-9
            found[start : start + len(some)][there] = turned[there] / lengths[there, None]
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of `to_bytes`, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """``D * D`` little-endian float32, row by row."""
        return self.matrix.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            GalleryError: the bytes are no square matrix of finite numbers.
        """
        numbers = np.frombuffer(data, "<f4") if len(data) % 4 == 0 else np.empty(0)
        side = round(len(numbers) ** 0.5)
        if not side or side * side != len(numbers) or not np.isfinite(numbers).all():
            raise GalleryError("The head that the gallery keeps is damaged.", "Take it back: adapt --undo.")
        return cls(numbers.reshape(side, side).astype(np.float64))

"""What every runtime is to its callers: crops in, unit vectors out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import ModelError, UsageError
from reid_core.models.manifest import ModelManifest, PairKind
from reid_core.preprocess import as_rgb
from reid_core.types import Floats, Image, Modality

Runtime = Literal["torch", "onnx", "openvino"]
Precision = Literal["fp32", "bf16", "int8"]

BATCH_SIZE = 16


class Embedder(ABC):
    """A loaded model. One instance may be called from several threads; calls take turns.

    Attributes:
        manifest: what the checkpoint says of itself.
        model_id: what its vectors belong to; vectors of different ids are never compared.
        runtime: what computes them.
        precision: in which numbers.
    """

    runtime: Runtime
    precision: Precision

    def __init__(self, manifest: ModelManifest, model_id: str) -> None:
        self.manifest = manifest
        self.model_id = model_id

    @property
    def name(self) -> str:
        """The model's name, for people."""
        return self.manifest.name

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.manifest.embedding

    def calibration(self, pair: PairKind) -> Calibration | None:
        """How scores of a kind of pair become probabilities; ``None`` where nobody measured it."""
        return self.manifest.calibration.get(pair)

    def embed(
        self,
        crops: Sequence[Image],
        modality: Modality | str,
        batch_size: int = BATCH_SIZE,
        *,
        mirror: bool | None = None,
    ) -> Floats:
        """Turn crops of people into vectors whose dot product is their likeness.

        Args:
            crops: ``uint8`` ``h x w x 3`` RGB of any sizes; grey ``h x w`` counts as three equal
                channels. Infrared crops are reduced to their one channel first.
            modality: ``visible`` or ``infrared``.
            batch_size: how many go through the network at once.
            mirror: with mirror images or without, for evaluation under a protocol that says so; by default
                as the model was made for, and only such vectors are the model's.

        Returns:
            ``(N, D)`` float32, L2-normalised; ``(0, D)`` for no crops.

        Raises:
            UsageError: a crop is no picture, there is no such modality, or the batch size is below 1.
            ModelError: the network answered with something that is no vector.
        """
        modality = _modality(modality)
        if batch_size < 1:
            raise UsageError(f"The batch size must be at least 1, not {batch_size}.")
        vectors = np.empty((len(crops), self.dim), np.float32)
        for start in range(0, len(crops), batch_size):
            chunk = crops[start : start + batch_size]
            if modality is Modality.INFRARED:
                chunk = [_grey(as_rgb(crop, start + index)) for index, crop in enumerate(chunk)]
            batch = self.manifest.preprocess(chunk)
            found = self._checked(batch, modality)
            if self.manifest.preprocess.mirror if mirror is None else mirror:
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                found = normalised(found + self._checked(mirrored, modality))
            vectors[start : start + len(chunk)] = found
        return vectors

    def _checked(self, batch: Floats, modality: Modality) -> Floats:
        raw = np.asarray(self._infer(batch, modality), np.float32)
        if raw.ndim > 2 and all(side == 1 for side in raw.shape[2:]):
            raw = raw.reshape(raw.shape[:2])
        if raw.shape != (len(batch), self.dim):
            raise ModelError(
                f"The model {self.name!r} answered with shape {raw.shape} to {len(batch)} crops, "
                f"not ({len(batch)}, {self.dim}).",
                "Check 'embedding' and 'output' in its model.json.",
            )
        if not np.isfinite(raw).all():
            raise ModelError(f"The model {self.name!r} answered with numbers that are not finite.")
        return normalised(raw)

    @abstractmethod
    def _infer(self, batch: Floats, modality: Modality) -> Floats:
        """One forward pass: ``(n, 3, H, W)`` to ``(n, D)`` or ``(n, D, 1, 1)``, not yet normalised."""


def normalised(vectors: Floats) -> Floats:
    """Rows of length one; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _modality(modality: Modality | str) -> Modality:
    try:
        return Modality(modality)
    except ValueError:
        raise UsageError(f"There is no modality {modality!r}.", "Use 'visible' or 'infrared'.") from None


def _grey(crop: Image) -> Image:
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[:, :, None], 3, axis=2)

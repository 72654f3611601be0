"""What every runtime is to its callers: crops in, unit vectors out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import ModelError, UsageError
from reid_core.models.manifest import ModelManifest, PairKind
from reid_core.preprocess import as_rgb, grey
from reid_core.types import EMBEDDING, Floats, Image, Modality

Runtime = Literal["torch", "onnx", "openvino"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]

BATCH_SIZE = 16


class Embedder(ABC):
    """A loaded model. One instance may be called from several threads; calls take turns.

    Attributes:
        manifest: what the checkpoint says of itself.
        model_id: what its vectors were made by.
        local_features: names and shapes ``(P, d)`` of what it sees in parts of a crop; empty for most.
        runtime: what computes them.
        precision: in which numbers.
        device: ``cpu``, or the GPU by torch's name.
    """

    runtime: Runtime
    precision: Precision
    device: str = "cpu"

    def __init__(self, manifest: ModelManifest, model_id: str) -> None:
        self.manifest = manifest
        self.model_id = model_id
        self.local_features: Mapping[str, tuple[int, int]] = dict(manifest.local_shapes)

    @property
    def space(self) -> str:
        """What its vectors are compared in; vectors of different spaces never are."""
        return self.model_id

    @property
    def name(self) -> str:
        """The model's name, for people."""
        return self.manifest.name

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.manifest.embedding

    def calibration(self, pair: PairKind, form: str | None = None) -> Calibration | None:
        """How scores of a kind of pair become probabilities; ``None`` where nobody measured it.

        Args:
            pair: the kind.
            form: how the vectors are standardised (`reid_core.standardising.parse_form`); by default not at
                all.
        """
        return self.manifest.calibrations(form).get(pair)

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
            UsageError: a crop is no image, there is no such modality, or the batch size is below 1.
            ModelError: the network answered with something that is no vector.
        """
        return self._features(crops, modality, batch_size, mirror, ())[EMBEDDING]

    def features(
        self,
        crops: Sequence[Image],
        modality: Modality | str,
        batch_size: int = BATCH_SIZE,
        *,
        mirror: bool | None = None,
    ) -> Mapping[str, Floats]:
        """The vectors of `embed`, and the local features beside them.

        Args:
            crops: as for `embed`.
            modality: of all of them.
            batch_size: how many go through the network at once.
            mirror: of the vectors, as for `embed`. Local features are always those of the crop alone: in a
                mirror image the parts lie elsewhere.

        Returns:
            ``embedding``: ``(N, D)``; each of `local_features`: ``(N, P, d)``. All float32, and each row
            of length one, whatever length the network gave it.

        Raises:
            UsageError: as for `embed`.
            ModelError: the network answered with something else than its manifest says.
        """
        return self._features(crops, modality, batch_size, mirror, tuple(self.local_features))

    def _features(
        self,
        crops: Sequence[Image],
        modality: Modality | str,
        batch_size: int,
        mirror: bool | None,
        local: tuple[str, ...],
    ) -> dict[str, Floats]:
        modality = _modality(modality)
        if batch_size < 1:
            raise UsageError(f"The batch size must be at least 1, not {batch_size}.")
        shapes = {EMBEDDING: (self.dim,), **{name: self.local_features[name] for name in local}}
        features = {name: np.empty((len(crops), *shape), np.float32) for name, shape in shapes.items()}
        for start in range(0, len(crops), batch_size):
            chunk = crops[start : start + batch_size]
            if modality is Modality.INFRARED:
                chunk = [grey(as_rgb(crop, start + index)) for index, crop in enumerate(chunk)]
            batch = self.manifest.preprocess(chunk)
            raw = self._infer(batch, modality, tuple(shapes))
            absent = next((name for name in shapes if name not in raw), None)
            if absent is not None:
                raise ModelError(f"The network of {self.name!r} gives no feature {absent!r}.")
            found = {name: self._checked(raw[name], (len(batch), *shapes[name]), name) for name in shapes}
            if self.manifest.preprocess.mirror if mirror is None else mirror:
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                turned = self._infer(mirrored, modality, (EMBEDDING,))[EMBEDDING]
                turned = self._checked(turned, found[EMBEDDING].shape, EMBEDDING)
                found[EMBEDDING] = normalised(found[EMBEDDING] + turned)
            for name, rows in found.items():
                features[name][start : start + len(chunk)] = rows
        return features

    def _checked(self, raw: Floats, shape: tuple[int, ...], name: str) -> Floats:
        raw = np.asarray(raw, np.float32)
        if name == EMBEDDING and raw.ndim > 2 and all(side == 1 for side in raw.shape[2:]):
            raw = raw.reshape(raw.shape[:2])
        if raw.shape != shape:
            what, keys = (
                ("", "'embedding' and 'output'")
                if name == EMBEDDING
                else (f" as {name!r}", "'local_features'")
            )
            raise ModelError(
                f"The model {self.name!r} answered with shape {raw.shape}{what} to {shape[0]} crops, "
                f"not {shape}.",
                f"Check {keys} in its model.json.",
            )
        if not np.isfinite(raw).all():
            raise ModelError(f"The model {self.name!r} answered with numbers that are not finite.")
        return normalised(raw)

    @abstractmethod
    def _infer(self, batch: Floats, modality: Modality, names: Sequence[str]) -> Mapping[str, Floats]:
        """One forward pass, not yet normalised.

        Args:
            batch: ``(n, 3, H, W)``.
            modality: of all of it.
                names: of the features that are wanted; others may be left out.

        Returns:
            ``embedding``: ``(n, D)`` or ``(n, D, 1, 1)``; local ones: ``(n, P, d)``.
        """


def normalised(vectors: Floats) -> Floats:
    """Rows (along the last axis) of length one; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _modality(modality: Modality | str) -> Modality:
    try:
        return Modality(modality)
    except ValueError:
        raise UsageError(f"There is no modality {modality!r}.", "Use 'visible' or 'infrared'.") from None

"""Our own networks on torch: the reference that the other runtimes are measured against."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from reid_core.models.manifest import ModelManifest
from reid_core.runtime.embedder import Embedder
from reid_core.types import Floats, Modality

if TYPE_CHECKING:
    from reid_core.models.network import Network


class TorchEmbedder(Embedder):
    """A system's network on the CPU, ``channels_last``.

    Args:
        manifest: of the model.
        model_id: of the model.
        model: the network; it is put into evaluation mode.
        precision: ``fp32``, or ``bf16`` by autocast.
        threads: how many torch may use, in the whole process; ``None`` leaves it as it is.
    """

    runtime = "torch"

    def __init__(
        self,
        manifest: ModelManifest,
        model_id: str,
        model: "Network",
        precision: Literal["fp32", "bf16"] = "fp32",
        threads: int | None = None,
    ) -> None:
        import torch

        super().__init__(manifest, model_id)
        self.precision = precision
        if threads is not None:
            torch.set_num_threads(threads)
        self._model = model.eval().to(memory_format=torch.channels_last)

    def _infer(self, batch: Floats, modality: Modality, names: Sequence[str]) -> Mapping[str, Floats]:
        import torch

        images = torch.from_numpy(batch).to(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            found = self._model.features(images, modality)
        return {name: np.asarray(found[name].float().numpy(), np.float32) for name in names}

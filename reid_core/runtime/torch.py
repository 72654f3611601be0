"""Our own networks on torch: the reference that the other runtimes are measured against."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from reid_core.models.manifest import ModelManifest
from reid_core.runtime.embedder import Embedder
from reid_core.types import Floats, Modality

if TYPE_CHECKING:
    from reid_core.models.network import Network


TorchPrecision = Literal["fp32", "bf16", "fp16"]


class TorchEmbedder(Embedder):
    """A system's network on the CPU or a GPU, ``channels_last``.

    Args:
        manifest: of the model.
        model_id: of the model.
        model: the network; it is put into evaluation mode and onto the device.
        precision: ``fp32``, or ``bf16`` or ``fp16`` by autocast.
        threads: how many torch may use, in the whole process; ``None`` leaves it as it is.
        device: by torch's name.
    """

    runtime = "torch"

    def __init__(
        self,
        manifest: ModelManifest,
        model_id: str,
        model: "Network",
        precision: TorchPrecision = "fp32",
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        import torch

        super().__init__(manifest, model_id)
        self.precision = precision
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = device
        self._model = model.eval().to(device).to(memory_format=torch.channels_last)
        self._autocast = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def _infer(self, batch: Floats, modality: Modality, names: Sequence[str]) -> Mapping[str, Floats]:
        import torch

        images = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
        kind = torch.device(self.device).type
        with torch.inference_mode(), torch.autocast(kind, self._autocast, enabled=self._autocast is not None):
            found = self._model.features(images, modality)
        return {name: found[name].float().cpu().numpy() for name in names if name in found}

"""Networks in ONNX that ONNX Runtime runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import MissingDependencyError, ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.runtime.embedder import Embedder
from reid_core.runtime.graph import check_input, fixed_chunks, output_positions
from reid_core.types import Floats, Modality


class OnnxEmbedder(Embedder):
    """One graph for both modalities, or one each, on the CPU.

    Args:
        manifest: of the model.
        model_id: of the model.
        graphs: ``.onnx`` file, a modality each; the same path twice is opened once.
        threads: how many it may use, ``None`` for all.

    Raises:
        ModelError: a file is no network, or none with one image in and one vector out.
        MissingDependencyError: ONNX Runtime is not installed.
    """

    runtime = "onnx"
    precision = "fp32"

    def __init__(
        self,
        manifest: ModelManifest,
        model_id: str,
        graphs: Mapping[Modality, Path],
        threads: int | None = None,
    ) -> None:
        super().__init__(manifest, model_id)
        opened = {path: _Session(path, manifest, threads) for path in set(graphs.values())}
        self._sessions = {modality: opened[path] for modality, path in graphs.items()}

    def _infer(self, batch: Floats, modality: Modality, names: Sequence[str]) -> Mapping[str, Floats]:
        return self._sessions[modality](batch, names)


class _Session:
    def __init__(self, path: Path, manifest: ModelManifest, threads: int | None) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingDependencyError(
                "ONNX Runtime is not installed.", "Install it with: pip install 'nightreid[onnx]'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # Its exceptions have no common public class.
            raise ModelError(f"ONNX Runtime cannot open the network {path}: {error}.") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = [side if isinstance(side, int) else None for side in inputs[0].shape or ()]
        self.batch = check_input(path, manifest, len(inputs), shape)
        self._input = inputs[0].name
        positions = output_positions(path, manifest, [[output.name] for output in outputs])
        self._outputs = {name: outputs[position].name for name, position in positions.items()}

    def __call__(self, batch: Floats, names: Sequence[str]) -> Mapping[str, Floats]:
        wanted = [self._outputs[name] for name in names]

        def run(chunk: Floats) -> Mapping[str, Floats]:
            found = self._session.run(wanted, {self._input: chunk})
            return {name: np.asarray(each, np.float32) for name, each in zip(names, found, strict=True)}

        return fixed_chunks(run, batch, self.batch)

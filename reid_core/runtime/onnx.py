"""Networks in ONNX that ONNX Runtime runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import MissingDependencyError, ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.runtime.embedder import Embedder
from reid_core.runtime.graph import check_input, fixed_chunks, output_position
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

    def _infer(self, batch: Floats, modality: Modality) -> Floats:
        return self._sessions[modality](batch)


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
        position = output_position(path, manifest, [[output.name] for output in outputs])
        self._output = outputs[position].name

    def __call__(self, batch: Floats) -> Floats:
        return fixed_chunks(self._run, batch, self.batch)

    def _run(self, batch: Floats) -> Floats:
        return np.asarray(self._session.run([self._output], {self._input: batch})[0], np.float32)

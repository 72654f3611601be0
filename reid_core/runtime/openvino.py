"""Networks that OpenVINO runs: its own format, and ONNX."""

import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.openvino_package import openvino_core
from reid_core.runtime.embedder import Embedder, Precision
from reid_core.runtime.graph import check_input, fixed_chunks, output_positions
from reid_core.types import Floats, Modality


class OpenVinoEmbedder(Embedder):
    """One graph for both modalities, or one each.

    Args:
        manifest: of the model.
        model_id: of the model.
        graphs: ``.xml`` or ``.onnx`` file, a modality each; the same path twice is compiled once.
        precision: ``fp32`` or ``bf16`` (of the arithmetic; an int8 graph stays int8).
        threads: how many it may use, ``None`` for all.

    Raises:
        ModelError: a file is no network, or none with one image in and one vector out.
        MissingDependencyError: OpenVINO is not installed.
    """

    runtime = "openvino"

    def __init__(
        self,
        manifest: ModelManifest,
        model_id: str,
        graphs: Mapping[Modality, Path],
        precision: Precision = "fp32",
        threads: int | None = None,
    ) -> None:
        super().__init__(manifest, model_id)
        compiled = {path: _Graph(path, manifest, precision, threads) for path in set(graphs.values())}
        self._graphs = {modality: compiled[path] for modality, path in graphs.items()}
        self.precision = "int8" if any(graph.quantised for graph in compiled.values()) else precision

    def _infer(self, batch: Floats, modality: Modality, names: Sequence[str]) -> Mapping[str, Floats]:
        return self._graphs[modality](batch, names)


class _Graph:
    """One compiled network. It has one request and lends it to one caller at a time."""

    def __init__(
        self, path: Path, manifest: ModelManifest, precision: Precision, threads: int | None
    ) -> None:
        core = openvino_core()
        self._path = path
        try:
            network = core.read_model(str(path))
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot read the network {path}: {_last_line(error)}.") from None
        names = [sorted(each.get_names()) for each in network.outputs]
        self._outputs = output_positions(path, manifest, names)
        self.batch = check_input(path, manifest, len(network.inputs), _sides(network.inputs))
        if _set_free(network, manifest, self._outputs.values()):
            self.batch = None
        elif self.batch is None:
            raise ModelError(f"The network {path} cannot take the images of its model.json.")
        else:
            network = core.read_model(str(path))
        self.quantised = any(node.get_type_name() == "FakeQuantize" for node in network.get_ops())
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Left to itself the CPU plugin may compute in bf16 where the machine can.
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(network, "CPU", settings).create_infer_request()
        self._lock = threading.Lock()

    def __call__(self, batch: Floats, names: Sequence[str]) -> Mapping[str, Floats]:
        with self._lock:
            return fixed_chunks(lambda chunk: self._run(chunk, names), batch, self.batch)

    def _run(self, batch: Floats, names: Sequence[str]) -> Mapping[str, Floats]:
        try:
            self._request.infer([batch], share_inputs=True)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot run the network {self._path}: {_last_line(error)}.") from None
        # The tensors are the request's own memory: the next call writes over them.
        tensors = {name: self._request.get_output_tensor(self._outputs[name]) for name in names}
        return {name: np.array(tensor.data, np.float32) for name, tensor in tensors.items()}


def _sides(inputs: Any) -> list[int | None]:
    """The first input's shape, ``None`` where a side is free."""
    shape = inputs[0].get_partial_shape() if inputs else ()
    return [None if side.is_dynamic else int(side.get_length()) for side in shape]


def _set_free(network: Any, manifest: ModelManifest, outputs: Collection[int]) -> bool:
    """Let the batch size vary; false (and the network spoilt) where it has sizes written inside."""
    try:
        network.reshape([-1, 3, manifest.preprocess.height, manifest.preprocess.width])
    except RuntimeError:
        return False
    # Numbers written inside the network come out again: one answer, however many images.
    shapes = [network.outputs[output].get_partial_shape() for output in outputs]
    return all(bool(shape.rank.is_dynamic or shape[0].is_dynamic) for shape in shapes)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__

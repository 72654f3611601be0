"""What ultralytics' own backends run: torch checkpoints, ONNX, TensorRT engines."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors.network import Canvas, Head, Network
from detectors.ultralytics_package import quiet_ultralytics
from reid_core.errors import MissingDependencyError, ModelError
from reid_core.types import Floats, Image

# Frames in one call on a GPU. On a CPU torch is fastest with one at a time.
_GPU_BATCH = 32
_PROBE: Canvas = (64, 64)


class UltralyticsNetwork(Network):
    """A network run by ultralytics' backends, on the first GPU in half precision where there is one.

    Args:
        weights: a ``.pt``, ``.onnx`` or ``.engine`` file.
        threads: torch threads on a CPU.

    Raises:
        ModelError: the file is damaged, holds more than weights, is not a YOLO detector, or finds no people.
        MissingDependencyError: what runs this kind of file is not installed.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        quiet_ultralytics()
        import torch

        self._torch = torch
        on_gpu = torch.cuda.is_available()
        self._device = torch.device("cuda:0" if on_gpu else "cpu")
        if not on_gpu:
            torch.set_num_threads(threads)
        _check_runnable(weights, on_gpu)
        self._backend = _open_backend(weights, self._device, on_gpu)
        self.stride = max(32, int(self._backend.stride))
        size = getattr(self._backend, "imgsz", None) or (640, 640)
        exported: Canvas = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        takes_any = self._backend.format == "pt" or bool(self._backend.dynamic)
        self.fixed = None if takes_any else exported
        # A dynamic TensorRT engine was built for frames and batches up to those of its export.
        engine = self._backend.format == "engine"
        self._longest = max(exported) if engine else None
        self._batch = 1 if not on_gpu else int(self._backend.batch) if engine else _GPU_BATCH
        shape = self._run([np.zeros((*(self.fixed or _PROBE), 3), np.uint8)]).shape
        self._head = Head.of(shape, self._backend.names, bool(self._backend.end2end), str(weights))

    def canvas(self, height: int, width: int, size: int) -> Canvas:
        """The canvas for a frame, within what a TensorRT engine was built for."""
        return super().canvas(height, width, min(size, self._longest or size))

    def infer(self, canvases: Sequence[Image]) -> list[Floats]:
        """Run the network; see ``Network.infer``."""
        chunks = (canvases[start : start + self._batch] for start in range(0, len(canvases), self._batch))
        return [self._head.rows(output) for chunk in chunks for output in self._run(chunk)]

    def _run(self, canvases: Sequence[Image]) -> Floats:
        torch = self._torch
        stacked = torch.from_numpy(np.stack(canvases)).to(self._device).permute(0, 3, 1, 2)
        pictures = stacked.to(torch.float16 if self._backend.fp16 else torch.float32).div_(255)
        with torch.inference_mode():
            output = self._backend(pictures)
        output = output[0] if isinstance(output, list | tuple) else output
        return np.asarray(output.float().cpu().numpy(), np.float32)


def _check_runnable(weights: Path, on_gpu: bool) -> None:
    """Say what is missing before ultralytics tries to install it."""
    if weights.suffix == ".engine":
        if not on_gpu:
            raise ModelError(
                f"The detector {weights} is a TensorRT engine, and torch finds no NVIDIA GPU here.",
                "Give --detector a .pt, .onnx or OpenVINO model here.",
            )
        if importlib.util.find_spec("tensorrt") is None:
            raise MissingDependencyError(
                f"The detector {weights} is a TensorRT engine, and TensorRT is not installed.",
                "Install NVIDIA's package tensorrt in the version that the engine was built with.",
            )
    if weights.suffix == ".onnx" and importlib.util.find_spec("onnxruntime") is None:
        raise MissingDependencyError(
            f"The detector {weights} is an ONNX model, and ONNX Runtime is not installed.",
            "Install it with: pip install 'nightreid[onnx]'",
        )


def _open_backend(weights: Path, device: Any, half: bool) -> Any:
    from ultralytics.nn.autobackend import AutoBackend
    from ultralytics.nn.tasks import load_checkpoint

    try:
        # A torch checkpoint is unpickled by the allow-list that quiet_ultralytics has switched on.
        model = load_checkpoint(str(weights))[0] if weights.suffix == ".pt" else str(weights)
        backend = AutoBackend(model, device=device, fp16=half, verbose=False)
        backend.eval()
    except OSError as error:
        raise ModelError(f"The detector {weights} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # a damaged or foreign file raises anything at all in there
        if weights.suffix == ".pt":
            raise ModelError(
                f"The detector {weights} is damaged, or is no YOLO checkpoint; nothing in it was run.",
                "Fetch it again, or export it from its source with ultralytics.",
            ) from error
        raise ModelError(
            f"The detector {weights} is damaged, or not a model that can run here ({_reason(error)}).",
            "Export it again with ultralytics.",
        ) from error
    task = getattr(model, "task", None) or backend.task
    if task not in (None, "detect"):
        raise ModelError(f"The detector {weights} was made to {task}, not to detect.")
    if weights.suffix != ".pt" and not backend.metadata:
        raise ModelError(
            f"The detector {weights} does not name its classes.",
            "Export it with ultralytics, which writes them in.",
        )
    return backend


def _reason(error: Exception) -> str:
    """The first line of a message, without decoration."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split("ERROR ❌️ ")[-1].strip().rstrip(".")[:160]

"""Whatever ultralytics opens: torch checkpoints (by path or published name), ONNX, TensorRT engines."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors.network import Canvas, Network, person_class
from reid_core.errors import ModelError
from reid_core.types import Floats, Image


def quiet_ultralytics() -> None:
    """Make ultralytics load pickles by its allow-list only, install nothing, send nothing, print nothing.

    Has to run before the package is first imported, as it reads these variables then.
    """
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    from ultralytics.utils import SETTINGS

    # Usage events go out only while "sync" is on; not written back to the user's settings file.
    dict.__setitem__(SETTINGS, "sync", False)


class UltralyticsNetwork(Network):
    """A network run by ultralytics' own backends.

    Args:
        weights: path or published name.
        threads: torch threads; a GPU is used where there is one.
    """

    def __init__(self, weights: str, threads: int) -> None:
        quiet_ultralytics()
        import torch
        from ultralytics import YOLO
        from ultralytics.nn.autobackend import AutoBackend

        self._torch = torch
        self._device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
        try:
            yolo = YOLO(weights, task="detect")
            self.path = Path(getattr(yolo, "ckpt_path", None) or weights)
            model: Any = yolo.model if weights.endswith(".pt") else weights
            self._backend = AutoBackend(model, device=self._device, verbose=False)
            self._backend.eval()
        except (FileNotFoundError, ConnectionError, OSError) as error:
            raise ModelError(
                f"The detector {weights} is neither a file here nor could it be downloaded.",
                "Give --detector the path of YOLO weights (.pt, .onnx, .engine, or an OpenVINO folder).",
            ) from error
        except Exception as error:  # a damaged or foreign file raises anything at all in there
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise ModelError(f"The detector {weights} cannot be opened: {reason}") from error
        self._person = person_class(self._backend.names, weights)
        self._fixed = self._fixed_canvas()
        self.resizable = self._fixed is None

    def _fixed_canvas(self) -> Canvas | None:
        """The canvas of an export that is not dynamic."""
        if self._backend.format == "pt" or getattr(self._backend, "dynamic", False):
            return None
        size = getattr(self._backend, "imgsz", None) or (640, 640)
        return (int(size[0]), int(size[1])) if not isinstance(size, int) else (size, size)

    def canvas(self, height: int, width: int, size: int) -> Canvas:
        return self._fixed or super().canvas(height, width, size)

    def infer(self, canvases: Sequence[Image]) -> list[Floats]:
        torch = self._torch
        stacked = torch.from_numpy(np.stack(canvases)).to(self._device).permute(0, 3, 1, 2)
        pictures = stacked.to(torch.float16 if self._backend.fp16 else torch.float32).div_(255)
        with torch.inference_mode():
            output = self._backend(pictures)
        output = output[0] if isinstance(output, list | tuple) else output
        return [self._rows(np.asarray(one, np.float32)) for one in output.float().cpu().numpy()]

    def _rows(self, output: Floats) -> Floats:
        """One picture's output as ``(A, 5)`` rows, from either form of YOLO head."""
        if output.ndim == 2 and output.shape[1] == 6 and output.shape[0] > 6:
            # End-to-end heads: corners, score, class.
            people = output[output[:, 5].round() == self._person]
            corners = people[:, :4]
            centre = (corners[:, :2] + corners[:, 2:]) / 2
            return np.concatenate([centre, corners[:, 2:] - corners[:, :2], people[:, 4:5]], axis=1)
        return np.ascontiguousarray(output[[0, 1, 2, 3, 4 + self._person]].T)

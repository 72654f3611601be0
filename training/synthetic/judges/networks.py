"""The judges' networks: public ones that never saw this world, each as its makers feed it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reid_core.errors import ModelError
from reid_core.openvino_package import openvino_core
from reid_core.preprocess import Preprocess
from reid_core.types import Floats, Image

if TYPE_CHECKING:
    from detectors.detector import PersonDetector

DETECTOR = "yolo11n_int8_openvino_model"
ATTRIBUTES = (
    "open_model_zoo/person-attributes-recognition-crossroad-0230/FP32/"
    "person-attributes-recognition-crossroad-0230.xml"
)
ATTRIBUTE_OUTPUTS = (
    "is_male",
    "has_bag",
    "has_backpack",
    "has_hat",
    "has_longsleeves",
    "has_longpants",
    "has_longhair",
    "has_coat_jacket",
)
"""What the eight numbers of the network's first output mean, by its page in the Open Model Zoo."""

CONFIDENCE = 0.25
_BATCH = 16


def open_detector(weights: Path, threads: int) -> "PersonDetector":
    """COCO YOLO11n int8 on whole frames, 640 pixels, without tiles and as they are.

    Raises:
        ModelError: it is not there or damaged.
    """
    from detectors.config import DetectorSettings, LookSettings
    from detectors.detector import PersonDetector

    look = LookSettings(confidence=CONFIDENCE, low_confidence=CONFIDENCE, image_size=640, tile_below=0)
    settings = DetectorSettings(visible=look, infrared=look, polarity="black-hot", threads=threads)
    return PersonDetector.open(weights / DETECTOR, settings)


class AttributeNetwork:
    """Open Model Zoo's person-attributes-recognition-crossroad-0230.

    Args:
        weights: the folder of weights.
        threads: how many it may use.

    Raises:
        ModelError: it is not there or damaged.
        MissingDependencyError: OpenVINO is not installed.
    """

    # Mean and scale are inside the graph.
    preprocess = Preprocess(height=160, width=80, channels="bgr", interpolation="bilinear")

    def __init__(self, weights: Path, threads: int) -> None:
        core = openvino_core()
        file = weights / ATTRIBUTES
        if not file.is_file():
            raise ModelError(
                f"The network {file} does not exist.", "Give the folder of weights with --weights."
            )
        try:
            network = core.read_model(str(file))
            network.reshape([-1, 3, self.preprocess.height, self.preprocess.width])
        except RuntimeError as error:
            raise ModelError(f"The network {file} is damaged.") from error
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._request = core.compile_model(network, "CPU", settings).create_infer_request()

    def __call__(self, crops: Sequence[Image]) -> Floats:
        """Probabilities ``(N, 8)`` in the order of `ATTRIBUTE_OUTPUTS`, of ``uint8`` RGB crops."""
        found = np.empty((len(crops), len(ATTRIBUTE_OUTPUTS)), np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = self.preprocess(crops[start : start + _BATCH])
            self._request.infer([batch])
            output = self._request.get_output_tensor(0).data
            found[start : start + len(batch)] = output.reshape(len(batch), -1)
        return found

"""The detectors the tests look with, and the formats that they are opened from."""

import shutil

import cv2
import numpy as np
import pytest

from detectors.detector import PersonDetector
from reid_core.types import Frame, Modality


def read(video, numbers, modality=Modality.VISIBLE):
    """Frames of a video, by number."""
    capture, frames = cv2.VideoCapture(str(video)), []
    for number in numbers:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        picture = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
        frames.append(Frame("camera", modality, number, number, picture))
    return frames


@pytest.fixture(scope="session")
def int8(footage):
    with PersonDetector.open(footage["detector"]) as detector:
        yield detector


@pytest.fixture(scope="session")
def people(footage):
    """Six frames of the day with one person each, in several places."""
    return read(footage["day"], (90, 120, 300, 600, 800, 1000))


@pytest.fixture(scope="session")
def exports(shared, tmp_path_factory):
    """The same network in the formats that ultralytics exports to."""
    pytest.importorskip("onnx", reason="needs nightreid[onnx]")
    pytest.importorskip("onnxruntime", reason="needs nightreid[onnx]")
    from detectors.ultralytics_package import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("exports")
    made = {"torch": folder / "yolo11n.pt"}
    shutil.copy(shared / "weights/yolo11n_from_int8/yolo11n.pt", made["torch"])
    for name, settings in {
        "onnx static": {"format": "onnx"},
        "onnx dynamic": {"format": "onnx", "dynamic": True},
        "openvino static": {"format": "openvino"},
        "openvino dynamic": {"format": "openvino", "dynamic": True},
    }.items():
        written = YOLO(made["torch"]).export(imgsz=640, verbose=False, **settings)
        made[name] = folder / name.replace(" ", "_") if "openvino" in name else folder / f"{name}.onnx"
        shutil.move(written, made[name])
    return made


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A detector with random weights: ``toy("yolo26n.yaml", "car", "person") -> path of a .pt``."""
    from detectors.ultralytics_package import quiet_ultralytics

    quiet_ultralytics()
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    def make(config, *names, end_to_end=False):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            yolo = YOLO(config)
            yolo.model = DetectionModel(config, nc=len(names), verbose=False)
            _awaken(yolo.model, torch.rand(2, 3, 320, 320))
        yolo.model.names = dict(enumerate(names))
        yolo.model.args = {}
        if end_to_end:
            yolo.model.end2end = True
        file = tmp_path_factory.mktemp("toy") / "toy.pt"
        yolo.save(file)
        return file

    return make


def _awaken(model, pictures):
    """Norms that fit what passes through, so that random weights answer differently from place to place."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    model.train()
    for _ in range(3):
        model(pictures)
    model.eval()


@pytest.fixture
def noise():
    return np.random.default_rng(5).integers(0, 255, (320, 320, 3), np.uint8)

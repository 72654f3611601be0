"""Measures that several tests take."""

from contextlib import contextmanager

import numpy as np

from detectors.letterbox import intersections_over_unions
from reid_core.openvino_package import openvino_core
from reid_core.types import Detections


def detections(*boxes, confidence=0.8):
    """People in ``xyxy`` boxes."""
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), confidence, np.float32))


def sure(found, least=0.4):
    return found.select(found.confidences >= least)


def agreement(ours, theirs):
    """Worst overlap and worst difference in confidence of the people in two looks at the same frames."""
    overlap, difference = 1.0, 0.0
    for one, other in zip(ours, theirs, strict=True):
        assert len(one) == len(other)
        for box, confidence in zip(one.boxes, one.confidences, strict=True):
            ious = intersections_over_unions(box[None], other.boxes)[0]
            overlap = min(overlap, float(ious.max()))
            difference = max(difference, abs(float(confidence - other.confidences[ious.argmax()])))
    return overlap, difference


@contextmanager
def single_precision():
    """OpenVINO compiles networks to compute in f32, whatever this machine would choose."""
    core = openvino_core()
    before = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    try:
        yield
    finally:
        core.set_property("CPU", {"INFERENCE_PRECISION_HINT": before})

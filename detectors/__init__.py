"""Frames to people: YOLO on both modalities, thermal normalisation, tracking, choice of crops."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.config import DetectorSettings as DetectorSettings
    from detectors.detector import PersonDetector as PersonDetector

_HOME = {"DetectorSettings": "detectors.config", "PersonDetector": "detectors.detector"}

__all__ = ["DetectorSettings", "PersonDetector"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'detectors' has no attribute {name!r}")

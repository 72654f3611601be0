"""Crops to vectors: torch, ONNX Runtime and OpenVINO behind one ``embed(crops, modality)``.

Importing this package loads no framework; :func:`load_embedder` does.
"""

from reid_core.runtime.embedder import Embedder
from reid_core.runtime.loading import load_embedder

__all__ = ["Embedder", "load_embedder"]

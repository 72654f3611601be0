"""Crops to vectors: torch, ONNX Runtime and OpenVINO behind one ``embed(crops, modality)``; words likewise.

Importing this package loads no framework; :func:`load_embedder` does.
"""

from reid_core.runtime.embedder import Embedder
from reid_core.runtime.language import load_captioner, load_text_encoder
from reid_core.runtime.loading import load_embedder

__all__ = ["Embedder", "load_captioner", "load_embedder", "load_text_encoder"]

"""People to vectors, words and links. Knows no Kafka, no HTTP and no training.

The names below are the room's public surface; each is imported when it is first used, so that
``import reid_core`` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid_core.errors import NightreidError as NightreidError
    from reid_core.gallery import Gallery as Gallery
    from reid_core.matcher import Matcher as Matcher
    from reid_core.runtime import Embedder as Embedder
    from reid_core.runtime import load_embedder as load_embedder
    from reid_core.types import Modality as Modality

_HOME = {
    "Embedder": "reid_core.runtime",
    "Gallery": "reid_core.gallery",
    "Matcher": "reid_core.matcher",
    "Modality": "reid_core.types",
    "NightreidError": "reid_core.errors",
    "load_embedder": "reid_core.runtime",
}

__all__ = ["Embedder", "Gallery", "Matcher", "Modality", "NightreidError", "load_embedder"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'reid_core' has no attribute {name!r}")

"""The gallery: an SQL database (the truth) and what searches its vectors: FAISS in memory, or PostgreSQL.

The names below are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid_core.gallery.identities import IdentityPolicy
    from reid_core.gallery.index import Hits, SearchFilter, VectorIndex
    from reid_core.gallery.records import (
        CameraRecord,
        CaptionVectors,
        Checkpoint,
        IdentityRecord,
        ModelRecord,
        RecordingRecord,
        RecordingStatus,
        SightingRecord,
        TrackletEntry,
        TrackletRecord,
        TrackletVectors,
        VectorKind,
    )
    from reid_core.gallery.store import Gallery

__all__ = [
    "CameraRecord",
    "CaptionVectors",
    "Checkpoint",
    "Gallery",
    "Hits",
    "IdentityPolicy",
    "IdentityRecord",
    "ModelRecord",
    "RecordingRecord",
    "RecordingStatus",
    "SearchFilter",
    "SightingRecord",
    "TrackletEntry",
    "TrackletRecord",
    "TrackletVectors",
    "VectorIndex",
    "VectorKind",
]

_HOMES = {
    "Gallery": "store",
    "IdentityPolicy": "identities",
    "Hits": "index",
    "SearchFilter": "index",
    "VectorIndex": "index",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'records')}"), name)

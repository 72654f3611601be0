"""Questions to a gallery: who is like this image, this track, this description, or both.

The names below are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid_core.querying.description import Description, read_description
    from reid_core.querying.fusion import Fusion, normalised_mean
    from reid_core.querying.probes import Probe, image_probe, track_probe
    from reid_core.querying.query import Answer, Evidence, Form, Query, RankedIdentity, Share
    from reid_core.querying.service import QueryService

__all__ = [
    "Answer",
    "Description",
    "Evidence",
    "Form",
    "Fusion",
    "Probe",
    "Query",
    "QueryService",
    "RankedIdentity",
    "Share",
    "image_probe",
    "normalised_mean",
    "read_description",
    "track_probe",
]

_HOMES = {
    "Description": "description",
    "Fusion": "fusion",
    "Probe": "probes",
    "QueryService": "service",
    "image_probe": "probes",
    "normalised_mean": "fusion",
    "read_description": "description",
    "track_probe": "probes",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'query')}"), name)

"""Questions to a gallery: who is like this image, this track, this description, or both.

The names below are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid_core.querying.fusion import Fusion, normalised_mean
    from reid_core.querying.query import Answer, Evidence, Query, RankedIdentity
    from reid_core.querying.service import QueryService

__all__ = [
    "Answer",
    "Evidence",
    "Fusion",
    "Query",
    "QueryService",
    "RankedIdentity",
    "normalised_mean",
]

_HOMES = {"Fusion": "fusion", "normalised_mean": "fusion", "QueryService": "service"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'query')}"), name)

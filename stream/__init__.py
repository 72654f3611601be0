"""Frames in, sightings and links out: sources and the run that carries them to the gallery."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream.chain.config import RunSettings as RunSettings
    from stream.footage.naming import parse_source as parse_source
    from stream.run.running import run_footage as run_footage

_HOME = {
    "RunSettings": "stream.chain.config",
    "parse_source": "stream.footage.naming",
    "run_footage": "stream.run.running",
}

__all__ = ["RunSettings", "parse_source", "run_footage"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'stream' has no attribute {name!r}")

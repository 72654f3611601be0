"""Exports kept for the next start, by model id: a cache that can be deleted at any time."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reid_core.errors import ModelError, StorageError
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.presets import NetworkSource
from reid_core.runtime.export import Format, export_network
from reid_core.types import Modality

REVISION = 1
"""Of the exporter: a change in what it writes makes older caches stale."""


def cache_folder() -> Path:
    """Where things may be kept between runs: ``NIGHTREID_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("NIGHTREID_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nightreid"


def cached_export(source: NetworkSource, format: Format) -> Mapping[Modality, Path]:
    """The graphs of a network of this repository, exported now unless a whole export is there.

    Returns:
        The graph's file, a modality each.

    Raises:
        ModelError: parity to torch is not reached.
        MissingDependencyError: a package for the format is not installed.
        StorageError: neither the cache nor the system's temporary folder can be written.
    """
    folder = cache_folder() / "exports" / f"{source.model_id[:32]}-{format}-{REVISION}"
    found = _whole(folder, source)
    if found is None:
        try:
            export_network(source, format, folder)
        except StorageError:
            # Another process may have put its own there meanwhile; or the cache cannot be written.
            found = _whole(folder, source)
            if found is None:
                scratch = Path(tempfile.mkdtemp(prefix="nightreid-"))
                atexit.register(shutil.rmtree, scratch, ignore_errors=True)
                folder = scratch / "export"
                export_network(source, format, folder)
        found = found or _whole(folder, source)
    if found is None:
        raise ModelError(f"The export in {folder} was damaged as it was written.")
    return found


def _whole(folder: Path, source: NetworkSource) -> Mapping[Modality, Path] | None:
    if not folder.is_dir():
        return None
    try:
        files = open_checkpoint(folder)
    except ModelError:
        return None
    return files.weights if files.model_id == source.model_id else None

"""A vector index on disk: data files and a manifest that is replaced last, so that it is whole or absent.

The manifest names the data files, their digests and the place in the database's outbox up to which they
hold everything. Whatever does not fit is not used: the database can build the index anew.
"""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from reid_core.gallery.graph import Graph
from reid_core.gallery.index import VectorIndex
from reid_core.gallery.records import VectorKind

_LOG = logging.getLogger(__name__)
_FORMAT = 1
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Position:
    """The last outbox row an index has applied, and the digest over all vectors up to there."""

    outbox: int
    chain: str


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    # It was called the model while every vector was a crop's.
    space: str = Field(validation_alias=AliasChoices("space", "model"))
    kind: str = str(VectorKind.CROP)
    dim: int
    metric: str
    ntotal: int
    outbox: int
    chain: str
    cameras: list[str]
    vectors: str
    columns: str
    # While there are few vectors, there is none.
    graph: str | None = None
    sha256: dict[str, str]


def save_index(index: VectorIndex, position: Position, space: str, kind: VectorKind, folder: Path) -> None:
    """Write the index so that a reader, and a machine that stops, finds the old or the new one.

    Args:
        index: what to write.
        position: how much of the database it holds.
        space: of its vectors.
        kind: of its vectors.
        folder: made if missing; holds this index alone.

    Raises:
        OSError: the disk is full, read-only or gone; an older index stays as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vectors = f"vectors-{position.outbox}.faiss"
    columns = f"columns-{position.outbox}.npz"
    digests = {
        vectors: _write(folder / vectors, lambda file: _write_index(index.flat, file)),
        columns: _write(folder / columns, lambda file: np.savez(file, allow_pickle=False, **index.columns)),
    }
    graph = f"graph-{position.outbox}.faiss" if index.graph is not None else None
    if graph is not None and index.graph is not None:
        hnsw = index.graph.hnsw
        digests[graph] = _write(folder / graph, lambda file: _write_index(hnsw, file))
    manifest = _Manifest(
        format=_FORMAT,
        space=space,
        kind=str(kind),
        dim=index.dim,
        metric="inner product",
        ntotal=len(index),
        outbox=position.outbox,
        chain=position.chain,
        cameras=list(index.cameras),
        vectors=vectors,
        columns=columns,
        graph=graph,
        sha256=digests,
    )
    text = manifest.model_dump_json(indent=2).encode()
    _write(folder / _MANIFEST, lambda file: file.write(text))
    for stale in folder.iterdir():
        if stale.name not in (vectors, columns, graph, _MANIFEST):
            stale.unlink(missing_ok=True)


def load_index(space: str, kind: VectorKind, folder: Path) -> tuple[VectorIndex, Position] | None:
    """The index that was saved, or ``None`` where there is none that can be trusted.

    Whether it fits the database is for the caller to find out.
    """
    try:
        manifest = _Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        if manifest.format != _FORMAT or (manifest.space, manifest.kind) != (space, kind):
            return None
        for name in filter(None, (manifest.vectors, manifest.columns, manifest.graph)):
            if _digest(folder / Path(name).name) != manifest.sha256.get(name):
                raise ValueError(f"the digest of {name} differs")
        flat = faiss.read_index(str(folder / manifest.vectors))
        with np.load(folder / manifest.columns, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
        index = VectorIndex.restored(flat, columns, manifest.cameras)
        if len(index) != manifest.ntotal or index.dim != manifest.dim:
            raise ValueError("its size differs")
        if manifest.graph is not None:
            index.graph = Graph.restored(faiss.read_index(str(folder / Path(manifest.graph).name)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RuntimeError, ValidationError, json.JSONDecodeError) as error:
        _LOG.warning("The vector index in %s is damaged (%s); it is rebuilt.", folder, _first_line(error))
        return None
    return index, Position(manifest.outbox, manifest.chain)


def _write(path: Path, fill: Any) -> str:
    """Write a file whole or not at all; returns its SHA-256."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        digest = _digest(temporary)
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return digest


def _write_index(index: Any, file: BinaryIO) -> None:
    # Through Python's file rather than FAISS's: a full disk is then an OSError and not a C++ exception.
    # (FAISS's own annotations leave this class out.)
    writer = vars(faiss)["PyCallbackIOWriter"]
    faiss.write_index(index, writer(file.write))


def _sync_folder(folder: Path) -> None:
    # A rename is durable once the folder is; Windows neither needs nor allows this.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

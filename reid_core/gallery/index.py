"""The vectors of one space and kind, ready to be searched: a cache of the database's rows in memory.

The vectors lie in a FAISS flat index; beside it one array a column says of each row which vector it is
and what a filter asks for. Rows stand in ascending order of vector id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import UsageError
from reid_core.gallery.columns import Column, TimeBlocks
from reid_core.gallery.graph import Graph
from reid_core.gallery.hours import Hours, at_hours
from reid_core.gallery.limits import EXACT_UP_TO
from reid_core.gallery.scoring import best_rows, nearly_best_rows
from reid_core.types import Floats, Ints, Modality

# How far from 1 the length of an embedding may be: what float16 leaves of it.
_LENGTH_TOLERANCE = 5e-3
_MODALITIES = {Modality.VISIBLE: 0, Modality.INFRARED: 1}
# So many comparisons of a column cost less than one look-up in a table.
_FEW = 8
# Ids of tracklets and sightings are of at most this many ASCII characters.
ID_LENGTH = 36
_COLUMNS: dict[str, np.dtype[Any]] = {
    "id": np.dtype(np.int64),
    "time_ns": np.dtype(np.int64),
    "modality": np.dtype(np.int8),
    "camera": np.dtype(np.int32),
    "tracklet": np.dtype(f"S{ID_LENGTH}"),
    "sighting": np.dtype(f"S{ID_LENGTH}"),
}


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which sightings to look at; every condition that is given must hold.

    Attributes:
        cameras: only of these.
        exclude_cameras: of none of these.
        modality: only of this.
        since_ns: captured at or after this, UTC nanoseconds.
        until_ns: captured before this.
        newest: only vectors up to this id, which were there when it was the newest.
        hours: only captured at these times of day, on whichever day.
    """

    cameras: frozenset[str] | None = None
    exclude_cameras: frozenset[str] = frozenset()
    modality: Modality | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    newest: int | None = None
    hours: Hours | None = None


@dataclass(frozen=True)
class Hits:
    """What a search found: ``m = min(k, sightings that pass the filter)`` for each of ``Q`` queries.

    Attributes:
        scores: ``(Q, m)`` float32 cosines in descending order; equal ones in order of their id.
        ids: ``(Q, m)`` int64 vector ids.
    """

    scores: Floats
    ids: Ints
    _tracklets: NDArray[np.bytes_]
    _sightings: NDArray[np.bytes_]

    @cached_property
    def tracklets(self) -> NDArray[np.str_]:
        """``(Q, m)`` ids of the tracklets."""
        return self._tracklets.astype(np.str_)

    @cached_property
    def sightings(self) -> NDArray[np.str_]:
        """``(Q, m)`` ids of the sightings; empty for vectors of none."""
        return self._sightings.astype(np.str_)


@dataclass(frozen=True, slots=True)
class Rows:
    """``n`` rows to put into an index.

    Attributes:
        ids: ``(n,)`` int64 vector ids, ascending.
        times_ns: ``(n,)`` int64.
        modalities: ``n`` of them.
        cameras: ``n`` ids.
        tracklets: ``n`` ids of at most 36 characters.
        sightings: ``n`` ids of at most 36 characters, empty for vectors of none.
        vectors: ``(n, D)`` float32.
    """

    ids: Ints
    times_ns: Ints
    modalities: Sequence[Modality]
    cameras: Sequence[str]
    tracklets: Sequence[str]
    sightings: Sequence[str]
    vectors: Floats


def checked_vectors(vectors: Floats, dim: int | None) -> Floats:
    """``(N, D)`` contiguous float32 vectors, found fit to be compared.

    Raises:
        UsageError: wrong shape, another length than ``dim``, not finite, or not L2-normalised.
    """
    array = np.ascontiguousarray(vectors, np.float32)
    if array.ndim != 2 or array.shape[1] == 0:
        raise UsageError(f"Vectors must be an array of N rows and D columns, not of shape {array.shape}.")
    if dim is not None and array.shape[1] != dim:
        raise UsageError(f"The vectors have {array.shape[1]} dimensions, those of the gallery {dim}.")
    if not np.isfinite(array).all():
        raise UsageError("The vectors hold values that are not finite (NaN or infinite).")
    lengths = np.sqrt(np.einsum("nd,nd->n", array, array))
    if len(lengths) and np.abs(lengths - 1).max() > _LENGTH_TOLERANCE:
        raise UsageError("The vectors are not of length 1.", "Divide each by its Euclidean length.")
    return array


class VectorIndex:
    """The vectors of one space and kind and what a filter asks of them.

    Not for several threads at once: the gallery holds its lock around it.

    Args:
        dim: length of the vectors.
        exact_up_to: among more rows than this a search goes by the graph, where there is one.

    Attributes:
        graph: of the first rows, or ``None``; whoever holds the index lets it grow.
    """

    def __init__(self, dim: int, exact_up_to: int = EXACT_UP_TO) -> None:
        self.dim = dim
        self.exact_up_to = exact_up_to
        self.graph: Graph | None = None
        self._times = TimeBlocks()
        self._flat = faiss.IndexFlatIP(dim)
        self._cameras: dict[str, int] = {}
        self._columns = {name: Column(dtype) for name, dtype in _COLUMNS.items()}

    @classmethod
    def restored(
        cls, flat: Any, columns: Mapping[str, NDArray[Any]], cameras: Sequence[str]
    ) -> "VectorIndex":
        """An index of the parts that `flat`, `columns` and `cameras` of another gave.

        Raises:
            ValueError: the parts do not fit one another.
        """
        if flat.metric_type != faiss.METRIC_INNER_PRODUCT or set(columns) != set(_COLUMNS):
            raise ValueError("not the parts of an index")
        if any(len(column) != flat.ntotal for column in columns.values()):
            raise ValueError("columns of different lengths")
        index = cls(flat.d)
        index._flat = flat
        index._cameras = {name: code for code, name in enumerate(cameras)}
        for name, column in columns.items():
            index._columns[name].extend(column)
        index._times.extend(index._columns["time_ns"].values)
        return index

    def __len__(self) -> int:
        return int(self._flat.ntotal)

    @property
    def flat(self) -> Any:
        """The FAISS index that holds the vectors; never to be changed."""
        return self._flat

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """``(N,)`` arrays: id, time_ns, modality and camera (as codes), tracklet and sighting (ASCII)."""
        return {name: column.values for name, column in self._columns.items()}

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras, in order of their code."""
        return tuple(self._cameras)

    @property
    def vectors(self) -> Floats:
        """``(N, D)``, the index's own memory: valid until the next `add`, never to be written."""
        if not len(self):
            return np.zeros((0, self.dim), np.float32)
        view: Floats = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self.dim)
        return view.reshape(len(self), self.dim)

    def add(self, rows: Rows) -> None:
        """Append rows whose ids are above all that are there."""
        if not len(rows.ids):
            return
        self._flat.add(np.ascontiguousarray(rows.vectors, np.float32))
        codes = [self._cameras.setdefault(camera, len(self._cameras)) for camera in rows.cameras]
        added: dict[str, ArrayLike] = {
            "id": rows.ids,
            "time_ns": rows.times_ns,
            "modality": [_MODALITIES[modality] for modality in rows.modalities],
            "camera": codes,
            "tracklet": np.array(rows.tracklets, _COLUMNS["tracklet"]),
            "sighting": np.array(rows.sightings, _COLUMNS["sighting"]),
        }
        for name, values in added.items():
            self._columns[name].extend(values)
        self._times.extend(self._columns["time_ns"].values)

    def truncate(self, count: int) -> None:
        """Forget all rows after the first ``count``."""
        if count < len(self):
            self._flat.remove_ids(faiss.IDSelectorRange(count, len(self)))
            for column in self._columns.values():
                column.length = count
            self._times.truncate(self._columns["time_ns"].values)
            if self.graph is not None and len(self.graph) > count:
                self.graph = None

    def passing(self, where: SearchFilter) -> NDArray[np.bool_]:
        """``(N,)`` which rows pass the filter."""
        if where.since_ns is None and where.until_ns is None:
            return self.passing_of(where, slice(0, len(self)))
        keep = np.zeros(len(self), np.bool_)
        for part in self._times.within(where.since_ns, where.until_ns, len(self)):
            keep[part] = self.passing_of(where, part)
        return keep

    def passing_of(self, where: SearchFilter, rows: slice | Ints) -> NDArray[np.bool_]:
        """``(R,)`` which of some rows pass the filter."""
        columns = {name: column.values[rows] for name, column in self._columns.items()}
        keep = np.ones(len(columns["id"]), np.bool_)
        if where.cameras is not None:
            keep &= self._of_cameras(where.cameras, columns["camera"])
        if where.exclude_cameras:
            keep &= ~self._of_cameras(where.exclude_cameras, columns["camera"])
        if where.modality is not None:
            keep &= columns["modality"] == _MODALITIES[where.modality]
        if where.since_ns is not None:
            keep &= columns["time_ns"] >= where.since_ns
        if where.until_ns is not None:
            keep &= columns["time_ns"] < where.until_ns
        if where.newest is not None:
            keep &= columns["id"] <= where.newest
        if where.hours is not None:
            keep &= at_hours(columns["time_ns"], where.hours)
        return keep

    def search(
        self,
        queries: Floats,
        k: int,
        where: SearchFilter | None = None,
        also: Sequence[Ints] | None = None,
    ) -> Hits:
        """The ``k`` best of the sightings that pass the filter, never fewer than there are.

        Exact where no more than ``exact_up_to`` pass it, or while there is no graph; else nearly all of the
        best, with exact scores.

        Args:
            queries: ``(Q, D)`` float32, L2-normalised.
            k: how many for each query, at least 1.
            where: which sightings to look at; all by default.
            also: rows that each query looks at beside what the graph finds.

        Raises:
            UsageError: the queries do not fit, or ``k`` is below 1.
        """
        if k < 1:
            raise UsageError(f"The number of results must be at least 1, not {k}.")
        queries = checked_vectors(queries, self.dim)
        wanted = self.passing(where or SearchFilter())
        if self.graph is not None and np.count_nonzero(wanted) > self.exact_up_to:
            scores, rows = nearly_best_rows(self._flat, self.graph, queries, wanted, k, also)
        else:
            scores, rows = best_rows(self._flat, queries, wanted, k)
        columns = self.columns
        return Hits(scores, columns["id"][rows], columns["tracklet"][rows], columns["sighting"][rows])

    @property
    def by_graph(self) -> bool:
        """Whether searches of all rows go by a graph."""
        return self.graph is not None and len(self) > self.exact_up_to

    @property
    def in_graph(self) -> int:
        """How many of the first rows the graph holds."""
        return len(self.graph) if self.graph is not None else 0

    def near(self, queries: Floats, k: int, wanted: NDArray[np.bool_] | None = None) -> Ints | None:
        """Rows of the graph, ascending, among which nearly all of the ``k`` nearest of each query are.

        ``None`` where all rows are to be compared: there are few, or there is no graph.

        Args:
            queries: ``(Q, D)`` float32, L2-normalised.
            k: how many, at least 1.
            wanted: ``(in_graph,)`` which rows to look at; all by default.
        """
        if self.graph is None or not self.by_graph:
            return None
        found = self.graph.nearest(queries, min(k, len(self.graph)), wanted)
        return np.unique(found[found >= 0])

    def _of_cameras(self, names: frozenset[str], column: NDArray[Any]) -> NDArray[np.bool_]:
        codes = [code for camera, code in self._cameras.items() if camera in names]
        if len(codes) > _FEW:
            wanted = np.zeros(len(self._cameras), np.bool_)
            wanted[codes] = True
            return wanted.take(column)
        chosen = np.zeros(len(column), np.bool_)
        for code in codes:
            chosen |= column == code
        return chosen

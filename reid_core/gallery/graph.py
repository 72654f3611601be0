"""An HNSW graph over the first rows of a vector index: finds nearly all nearest rows without looking at each.

The graph keeps a coarse copy of the vectors, one byte a number. What it finds is compared anew with the
vectors themselves, so that it decides who is looked at and never a score.
"""

from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Ints

LINKS = 16
"""Neighbours of a row in the graph; twice as many on its lowest level."""

SAMPLE = 16_384
"""Vectors by which the ranges of the coarse copy are chosen."""

_BREADTH_OF_BUILDING = 60
# Rows looked at for each that is asked for, and at least.
_BREADTH, _LEAST_BREADTH = 2, 64
# So many queries at once are worth FAISS's threads. It wakes them for two, and they spin on afterwards.
_TOGETHER = 16
# FAISS's own annotations are wrong of the one and leave the other out.
_HNSW, _PARAMETERS = vars(faiss)["IndexHNSWSQ"], vars(faiss)["SearchParametersHNSW"]


class Graph:
    """Grows at its end; not for several threads at once.

    Args:
        sample: ``(n, D)`` float32 vectors by which the ranges of the coarse copy are chosen.
    """

    def __init__(self, sample: Floats) -> None:
        kind = faiss.ScalarQuantizer.QT_8bit
        self._hnsw = _HNSW(sample.shape[1], kind, LINKS, faiss.METRIC_INNER_PRODUCT)
        self._hnsw.hnsw.efConstruction = _BREADTH_OF_BUILDING
        self._hnsw.train(np.ascontiguousarray(sample, np.float32))

    @classmethod
    def restored(cls, hnsw: Any) -> Self:
        """A graph of what `hnsw` of another gave."""
        graph = cls.__new__(cls)
        graph._hnsw = hnsw
        return graph

    @property
    def hnsw(self) -> Any:
        """The FAISS index; never to be changed."""
        return self._hnsw

    def __len__(self) -> int:
        """How many rows are in it: the first ones of the index."""
        return int(self._hnsw.ntotal)

    def add(self, vectors: Floats) -> None:
        """Append the ``(n, D)`` float32 vectors of the next rows."""
        self._hnsw.add(np.ascontiguousarray(vectors, np.float32))

    def nearest(self, queries: Floats, k: int, wanted: NDArray[np.bool_] | None = None) -> Ints:
        """Rows that are nearly all of the ``k`` nearest of each query.

        Args:
            queries: ``(Q, D)`` float32, L2-normalised.
            k: how many, at least 1.
            wanted: ``(len(self),)`` which rows to look at; all by default.

        Returns:
            ``(Q, k)`` rows, -1 where fewer were found.
        """
        parameters = _PARAMETERS()
        parameters.efSearch = max(_LEAST_BREADTH, _BREADTH * k)
        if wanted is not None:
            # Named here, so that it lives as long as the search.
            bits = np.packbits(wanted, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(wanted), faiss.swig_ptr(bits))
            parameters.sel = selector
        step = 1 if len(queries) < _TOGETHER else len(queries)
        found = [
            self._hnsw.search(queries[start : start + step], k, params=parameters)[1]
            for start in range(0, len(queries), step)
        ]
        return np.concatenate(found) if found else np.empty((0, k), np.int64)

"""Whose exemplars to look at beside what a graph finds: one vector of each identity is compared.

A graph leads from neighbour to neighbour. Where people look like nobody else, their vectors are islands in
it, which a search that begins elsewhere may never come to: of a million vectors of 25,000 such people a
quarter. One coarse vector of each identity is few enough to be scanned, and says which islands to look at.
"""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from reid_core.gallery.index import VectorIndex
from reid_core.gallery.owners import Owners
from reid_core.types import Floats, Ints

# Identities whose exemplars are looked at, at least; of more results half as many. By a text, which is like
# nobody's pictures much, fewer would lose some of the ten best.
_LEAST, _RESULTS = 16, 2
# Vectors by which the ranges of the coarse copies are chosen.
_SAMPLE = 4096
_QUANTIZER = vars(faiss)["IndexScalarQuantizer"]


class Likely:
    """The first exemplar of each identity, one byte a number; kept in step with who owns what.

    Who is likely is nearly right, and the exemplars themselves decide.
    """

    def __init__(self) -> None:
        self._known = 0
        self._coarse: Any = None

    def rows(self, index: VectorIndex, owners: Owners, queries: Floats, k: int) -> list[Ints]:
        """The exemplars of the identities that are likeliest to be each query's, ascending.

        Args:
            index: of the vectors.
            owners: of all its rows; always the same, which nobody else asks for news.
            queries: ``(Q, D)`` float32, L2-normalised.
            k: how many results are asked for.
        """
        self._keep_step(index, owners)
        most = min(max(_LEAST, k // _RESULTS), self._known)
        if not most:
            return [np.empty(0, np.int64) for _ in queries]
        found = [self._coarse.search(query[None], most)[1][0] for query in queries]
        return [owners.rows(numbers[numbers >= 0].tolist()) for numbers in found]

    def _keep_step(self, index: VectorIndex, owners: Owners) -> None:
        kept, others = owners.news()
        if kept < self._known:
            self._coarse.remove_ids(faiss.IDSelectorRange(kept, self._known))
            self._known = kept
        names = owners.names
        if others:
            size = self._coarse.code_size
            codes = faiss.rev_swig_ptr(self._coarse.codes.data(), self._known * size).reshape(-1, size)
            codes[others] = self._coarse.sa_encode(_first(index, owners, [names[each] for each in others]))
        if self._known == len(names):
            return
        if self._coarse is None:
            kind = faiss.ScalarQuantizer.QT_8bit
            self._coarse = _QUANTIZER(index.dim, kind, faiss.METRIC_INNER_PRODUCT)
            self._coarse.train(index.vectors[:: max(1, len(index) // _SAMPLE)].copy())
        self._coarse.add(_first(index, owners, names[self._known :]))
        self._known = len(names)


def _first(index: VectorIndex, owners: Owners, names: Sequence[str]) -> Floats:
    """``(n, D)`` the first exemplar of each identity; zeros where it has none, which nobody looks like."""
    vectors = np.zeros((len(names), index.dim), np.float32)
    for place, name in enumerate(names):
        rows = owners.exemplars(name)
        if len(rows):
            vectors[place] = index.vectors[rows[0]]
    return vectors

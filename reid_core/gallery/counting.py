"""How many identities have a vector that passes a filter: counted once, then kept in step with what comes."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid_core.gallery.index import SearchFilter, VectorIndex
from reid_core.gallery.owners import Owners

# Filters that are remembered: each takes a byte an identity.
_FILTERS = 16


@dataclass(slots=True)
class _Counted:
    """Whom the first ``rows`` rows that pass a filter are of; ``moves`` as the owners had it then."""

    rows: int
    moves: int
    seen: NDArray[np.bool_]
    count: int


class IdentityCounts:
    """Counts of one index; not for several threads at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[SearchFilter, _Counted] = OrderedDict()

    def count(self, index: VectorIndex, owners: Owners, where: SearchFilter) -> int:
        """How many identities have a row that passes.

        Args:
            index: always the same.
            owners: of all its rows.
            where: the filter; rows come in the order of ``newest``, which bounds how many are looked at.
        """
        rows = len(index)
        if where.newest is not None:
            rows = int(np.searchsorted(index.columns["id"], where.newest, "right"))
        same = replace(where, newest=None)
        known = self._known.pop(same, None)
        if known is None or known.moves != owners.moves or known.rows > rows:
            found = _count(index, owners, same, rows)
        else:
            found = _extended(index, owners, same, rows, known)
        # A page of an answer that began earlier counts fewer, and is no reason to count all anew.
        self._known[same] = known if known is not None and known.rows > rows else found
        while len(self._known) > _FILTERS:
            self._known.popitem(last=False)
        return found.count


def _count(index: VectorIndex, owners: Owners, where: SearchFilter, rows: int) -> _Counted:
    passing = index.passing(where)[:rows]
    # The last one stands for nobody: number -1. To mark is several times as fast as to sort.
    seen = np.zeros(len(owners.names) + 1, np.bool_)
    seen[owners.all[:rows][passing]] = True
    return _Counted(rows, owners.moves, seen[:-1], int(np.count_nonzero(seen[:-1])))


def _extended(
    index: VectorIndex, owners: Owners, where: SearchFilter, rows: int, known: _Counted
) -> _Counted:
    part = slice(known.rows, rows)
    if part.start == part.stop:
        return known
    seen = np.zeros(len(owners.names), np.bool_)
    seen[: len(known.seen)] = known.seen
    came = owners.all[part][index.passing_of(where, part)]
    seen[came[came >= 0]] = True
    return _Counted(rows, known.moves, seen, int(np.count_nonzero(seen)))

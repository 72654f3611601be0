"""Columns of an index in memory: arrays that grow at their end, and where in them a time can be."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows of which the earliest and the latest time are known together.
_BLOCK = 65_536


class TimeBlocks:
    """The earliest and the latest time of each block of rows.

    Rows stand in order of arrival, which is nearly that of capture: a stretch of time is in few blocks.
    """

    def __init__(self) -> None:
        self._earliest: list[int] = []
        self._latest: list[int] = []
        self._count = 0

    def extend(self, times: NDArray[np.int64]) -> None:
        """Learn of the times behind those that are known, of all that there are."""
        while self._count < len(times):
            block = self._count // _BLOCK
            end = min((block + 1) * _BLOCK, len(times))
            added = times[self._count : end]
            earliest, latest = int(added.min()), int(added.max())
            if block == len(self._earliest):
                self._earliest.append(earliest)
                self._latest.append(latest)
            else:
                self._earliest[block] = min(self._earliest[block], earliest)
                self._latest[block] = max(self._latest[block], latest)
            self._count = end

    def truncate(self, times: NDArray[np.int64]) -> None:
        """Know only of the times that are left."""
        whole = len(times) // _BLOCK
        del self._earliest[whole:], self._latest[whole:]
        self._count = whole * _BLOCK
        self.extend(times)

    def within(self, since_ns: int | None, until_ns: int | None, count: int) -> list[slice]:
        """The blocks of ``count`` rows in which a time can be that is not before one and before the other."""
        keep = np.ones(len(self._earliest), np.bool_)
        if since_ns is not None:
            keep &= np.array(self._latest, np.int64) >= since_ns
        if until_ns is not None:
            keep &= np.array(self._earliest, np.int64) < until_ns
        return [
            slice(block * _BLOCK, min((block + 1) * _BLOCK, count)) for block in np.flatnonzero(keep).tolist()
        ]


class Column:
    """An array that grows at its end at amortised constant cost."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        self._room = np.zeros(0, dtype)
        self.length = 0

    @property
    def values(self) -> NDArray[Any]:
        """What is in it: its own memory, valid until the next `extend`."""
        return self._room[: self.length]

    def extend(self, values: ArrayLike) -> None:
        """Append values."""
        added = np.asarray(values, self._room.dtype)
        end = self.length + len(added)
        if end > len(self._room):
            room = np.zeros(max(end, 2 * self.length), self._room.dtype)
            room[: self.length] = self.values
            self._room = room
        self._room[self.length : end] = added
        self.length = end

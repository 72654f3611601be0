"""Whose each row of a vector index is, and which rows are exemplars: what identities are decided by."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from reid_core.gallery.columns import Column
from reid_core.types import Ints


class Owners:
    """The identities of an index's rows, numbered in order of first appearance.

    Attributes:
        names: the identities by their number.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._owners = Column(np.dtype(np.int64))
        self._deciding = Column(np.dtype(np.int64))
        # The exemplars of each identity, ascending.
        self._rows: list[list[int]] = []
        # Rows that are exemplars no more, in the order in which that was learnt.
        self._set_aside: list[int] = []

    def __len__(self) -> int:
        return self._owners.length

    @property
    def all(self) -> Ints:
        """``(N,)`` the number of each row's identity, -1 for rows of nobody."""
        return self._owners.values

    @property
    def deciding(self) -> Ints:
        """``(N,)`` as `all`, but -1 also for rows that are no exemplars."""
        return self._deciding.values

    def number(self, name: str) -> int | None:
        """The number of an identity; ``None`` where it has no row."""
        return self._numbers.get(name)

    def rows(self, numbers: Iterable[int]) -> Ints:
        """The exemplars of some identities, ascending."""
        return np.sort(np.array([row for number in numbers for row in self._rows[number]], np.int64))

    def extend(self, identities: Sequence[str | None], surplus: NDArray[np.bool_]) -> None:
        """Learn of the next rows.

        Args:
            identities: of each, ``None`` for nobody.
            surplus: of each, whether it is no exemplar.
        """
        first = len(self)
        owners = np.array([-1 if name is None else self._number(name) for name in identities], np.int64)
        deciding = np.where(surplus, -1, owners)
        self._owners.extend(owners)
        self._deciding.extend(deciding)
        for row, owner in enumerate(deciding.tolist(), start=first):
            if owner >= 0:
                self._rows[owner].append(row)

    def set_aside(self, rows: Iterable[int]) -> None:
        """Learn that rows are exemplars no more."""
        for row in rows:
            owner = int(self.deciding[row])
            if owner >= 0:
                self.deciding[row] = -1
                places = self._rows[owner]
                del places[bisect_left(places, row)]
                self._set_aside.append(row)

    def mark(self) -> int:
        """What `restore` is to be given."""
        return len(self._set_aside)

    def restore(self, count: int, mark: int) -> None:
        """Forget the rows from ``count`` on, and what was set aside since ``mark``."""
        for row in range(min(count, len(self)), len(self)):
            owner = int(self.deciding[row])
            if owner >= 0:
                places = self._rows[owner]
                del places[bisect_left(places, row)]
        self._owners.length = self._deciding.length = min(count, len(self))
        for row in self._set_aside[mark:]:
            if row < len(self):
                self.deciding[row] = self.all[row]
                insort(self._rows[int(self.all[row])], row)
        del self._set_aside[mark:]
        # Numbers were given in order of first appearance.
        known = int(self.all.max(initial=-1)) + 1
        for name in self.names[known:]:
            del self._numbers[name]
        del self.names[known:], self._rows[known:]

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
            self._rows.append([])
        return number

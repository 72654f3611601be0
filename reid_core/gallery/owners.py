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
        moves: how often rows that were there before went to somebody else, or were forgotten.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.moves = 0
        self._numbers: dict[str, int] = {}
        self._owners = Column(np.dtype(np.int64))
        self._deciding = Column(np.dtype(np.int64))
        # The exemplars of each identity, and its other rows, ascending.
        self._rows: list[list[int]] = []
        self._beyond: list[list[int]] = []
        # Rows that were changed, with their owner and what they decided before, in the order of the changes.
        self._changed: list[tuple[int, int, int]] = []
        # What `news` has not told yet.
        self._kept = 0
        self._first: set[int] = set()

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
        """The number of an identity; ``None`` where it has no exemplar."""
        number = self._numbers.get(name)
        return number if number is not None and self._rows[number] else None

    def rows(self, numbers: Iterable[int]) -> Ints:
        """The exemplars of some identities, ascending."""
        return np.sort(np.array([row for number in numbers for row in self._rows[number]], np.int64))

    def exemplars(self, name: str) -> Ints:
        """The exemplars of one identity, ascending; none where it has no row."""
        number = self._numbers.get(name)
        return np.array(self._rows[number] if number is not None else (), np.int64)

    def news(self) -> tuple[int, list[int]]:
        """What is not as it was when this was last asked.

        Returns:
            how many of the names are, the first ones; and the numbers of those among them whose first
            exemplar is another one now, ascending.
        """
        kept, first = min(self._kept, len(self.names)), self._first
        self._kept, self._first = len(self.names), set()
        return kept, sorted(number for number in first if number < kept)

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
        for row, (owner, decides) in enumerate(
            zip(owners.tolist(), deciding.tolist(), strict=True), start=first
        ):
            if decides >= 0:
                self._gain(decides, row)
            elif owner >= 0:
                self._beyond[owner].append(row)

    def rows_of(self, names: Iterable[str]) -> Ints:
        """All rows of some identities, ascending: exemplars and others."""
        numbers = {self._numbers[name] for name in names if name in self._numbers}
        return np.sort(
            np.array(
                [row for number in numbers for row in (*self._rows[number], *self._beyond[number])], np.int64
            )
        )

    def set_aside(self, rows: Iterable[int]) -> None:
        """Learn that rows are exemplars no more."""
        for row in rows:
            if self.deciding[row] >= 0:
                self._change(row, int(self.all[row]), -1)

    def reassign(self, rows: Iterable[int], names: Iterable[str | None], surplus: Iterable[bool]) -> None:
        """Learn that rows are of other identities.

        Args:
            rows: which.
            names: of the identity of each from now on, ``None`` for nobody.
            surplus: of each, whether it is no exemplar.
        """
        for row, name, beyond in zip(rows, names, surplus, strict=True):
            owner = -1 if name is None else self._number(name)
            self._change(row, owner, -1 if beyond else owner)

    def mark(self) -> int:
        """What `restore` is to be given."""
        return len(self._changed)

    def restore(self, count: int, mark: int) -> None:
        """Forget the rows from ``count`` on, and what was changed since ``mark``."""
        self.moves += 1
        for row in range(min(count, len(self)), len(self)):
            self._assign(row, -1, -1)
        self._owners.length = self._deciding.length = min(count, len(self))
        for row, owner, deciding in reversed(self._changed[mark:]):
            if row < len(self):
                self._assign(row, owner, deciding)
        del self._changed[mark:]
        # Numbers were given in order of first appearance.
        known = int(self.all.max(initial=-1)) + 1
        for name in self.names[known:]:
            del self._numbers[name]
        del self.names[known:], self._rows[known:], self._beyond[known:]
        self._kept = min(self._kept, known)

    def _change(self, row: int, owner: int, deciding: int) -> None:
        self._changed.append((row, int(self.all[row]), int(self.deciding[row])))
        self.moves += owner != self.all[row]
        self._assign(row, owner, deciding)

    def _assign(self, row: int, owner: int, deciding: int) -> None:
        """Let a row be an identity's, or nobody's (-1), and one of its exemplars or not (-1)."""
        owned, decided = int(self.all[row]), int(self.deciding[row])
        if decided >= 0:
            if not _take(self._rows[decided], row):
                self._first.add(decided)
        elif owned >= 0:
            _take(self._beyond[owned], row)
        self.all[row], self.deciding[row] = owner, deciding
        if deciding >= 0:
            self._gain(deciding, row)
        elif owner >= 0:
            insort(self._beyond[owner], row)

    def _gain(self, number: int, row: int) -> None:
        rows = self._rows[number]
        insort(rows, row)
        if rows[0] == row:
            self._first.add(number)

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
            self._rows.append([])
            self._beyond.append([])
        return number


def _take(rows: list[int], row: int) -> int:
    """Take a row out of ascending ones; where it was."""
    place = bisect_left(rows, row)
    del rows[place]
    return place

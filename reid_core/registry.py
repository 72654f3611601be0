"""Things found by name: those of this repository from a table, others through entry points of packages."""

import difflib
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from reid_core.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and what they stand for; nothing is imported before it is asked for.

    A package of somebody else adds to it by an entry point of the group, so that nothing here has to know
    its name::

        [project.entry-points."nightreid.systems"]
        mine = "my_package.my_system:MySystem"

    Args:
        what: one of them, in words, for messages.
        group: of the entry points.
        table: name to ``module:attribute``, those of this repository; they come first.
    """

    def __init__(self, what: str, group: str, table: Mapping[str, str]) -> None:
        self._what = what
        self._group = group
        self._table = table
        self._loaded: dict[str, T] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._table or name in self._others

    @property
    def names(self) -> tuple[str, ...]:
        """All names, those of this repository first."""
        return (*self._table, *(name for name in sorted(self._others) if name not in self._table))

    def get(self, name: str) -> T:
        """What a name stands for.

        Raises:
            UsageError: there is nothing of that name, or what it stands for cannot be imported.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> T:
        if name in self._table:
            module, _, attribute = self._table[name].partition(":")
            found: T = getattr(import_module(module), attribute)
            return found
        point = self._others.get(name)
        if point is None:
            raise UsageError(f"There is no {self._what} {name!r}.", self._hint(name))
        try:
            other: Any = point.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The {self._what} {name!r} ({point.value}) cannot be imported: {error}."
            ) from error
        loaded: T = other
        return loaded

    def _hint(self, name: str) -> str:
        names = self.names
        if not names:
            return f"None is built in; a package adds one by an entry point of the group {self._group!r}."
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        return f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(names)}."

    @property
    def _others(self) -> Mapping[str, EntryPoint]:
        # Read anew each time: a package may be installed while a notebook is open.
        return {point.name: point for point in entry_points(group=self._group)}

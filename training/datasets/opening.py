"""Which of the known layouts a folder has."""

from collections.abc import Iterator
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.registry import Registry
from training.datasets.layout import Layout
from training.datasets.records import ReidDataset

LAYOUTS: Registry[Layout] = Registry(
    "data set layout",
    "nightreid.layouts",
    {
        "sysu": "training.datasets.sysu:LAYOUT",
        "synthetic": "training.datasets.synthetic:LAYOUT",
        "regdb": "training.datasets.regdb:LAYOUT",
        "llcm": "training.datasets.llcm:LAYOUT",
        "market": "training.datasets.market:LAYOUT",
        "own": "training.datasets.own:LAYOUT",
    },
)
"""Layouts by name, in the order in which a folder is asked whether it has them."""


def layout_of(root: Path, name: str | None = None) -> Layout | None:
    """The layout of a folder.

    Args:
        root: the folder.
        name: its layout, or the one that it builds on; by default what the folder looks like.

    Returns:
        The most special one that fits; ``None`` where no name is given and the folder looks like none.

    Raises:
        UsageError: there is no layout of that name.
    """
    if name is not None:
        found: Layout | None = LAYOUTS.get(name)
    else:
        found = next((one for one in _layouts() if one.builds_on is None and one.recognises(root)), None)
    while found is not None:
        above = found.name
        special = next((one for one in _layouts() if one.builds_on == above and one.recognises(root)), None)
        if special is None:
            return found
        found = special
    return None


def open_dataset(root: Path, name: str | None = None, *, trial: int = 1) -> ReidDataset:
    """List a data set.

    Args:
        root: its folder.
        name: one of `LAYOUTS`; by default what the folder looks like.
        trial: of a data set with several divisions, such as RegDB's halvings, 1 to 10.

    Raises:
        UsageError: there is no layout of that name.
        SourceError: the folder is missing or of no known layout, or something in it is.
    """
    return need_layout(root, name).open(root, trial)


def need_layout(root: Path, name: str | None = None) -> Layout:
    """As `layout_of`, for a folder that must have one.

    Raises:
        UsageError: there is no layout of that name.
        SourceError: the folder is missing or of no known layout.
    """
    if name is not None:
        # A name that there is not is told of before a folder that there is not.
        LAYOUTS.get(name)
    if not root.is_dir():
        raise SourceError(f"The data set folder {root} does not exist.")
    layout = layout_of(root, name)
    if layout is not None:
        return layout
    for one in _layouts():
        lacking = one.lacks(root)
        if lacking is not None:
            raise lacking
    *others, last = (one.looks for one in _layouts() if one.builds_on is None)
    raise SourceError(
        f"The folder {root} is no data set of a known layout.",
        f"Known are {', '.join(others)} and {last}.",
    )


def _layouts() -> Iterator[Layout]:
    return (LAYOUTS.get(name) for name in LAYOUTS.names)

"""Which of the known layouts a folder has."""

from collections.abc import Callable
from pathlib import Path

from reid_core.errors import SourceError, UsageError
from training.datasets import llcm, own, regdb, sysu
from training.datasets.records import ReidDataset

_LOOKS: dict[str, Callable[[Path], bool]] = {
    sysu.LAYOUT: sysu.looks_like_sysu,
    regdb.LAYOUT: regdb.looks_like_regdb,
    llcm.LAYOUT: llcm.looks_like_llcm,
    own.LAYOUT: own.looks_like_own,
}
LAYOUTS = tuple(_LOOKS)


def layout_of(root: Path) -> str | None:
    """The name of the layout that a folder looks like, if it looks like one."""
    return next((each for each, looks in _LOOKS.items() if looks(root)), None)


def open_dataset(root: Path, name: str | None = None, *, trial: int = 1) -> ReidDataset:
    """List a data set.

    Args:
        root: its folder.
        name: ``sysu``, ``regdb``, ``llcm`` or ``own``; by default what the folder looks like.
        trial: RegDB's halving, 1 to 10.

    Raises:
        UsageError: there is no layout of that name.
        SourceError: the folder is missing or of no known layout, or something in it is.
    """
    if name is not None and name not in _LOOKS:
        raise UsageError(f"There is no data set layout {name!r}.", f"Choose one of: {', '.join(LAYOUTS)}.")
    if not root.is_dir():
        raise SourceError(f"The data set folder {root} does not exist.")
    layout = name or layout_of(root)
    if layout == sysu.LAYOUT:
        return sysu.open_sysu(root)
    if layout == regdb.LAYOUT:
        return regdb.open_regdb(root, trial)
    if layout == llcm.LAYOUT:
        return llcm.open_llcm(root)
    if layout == own.LAYOUT:
        return own.open_own(root)
    if any(root.glob("cam[1-9]")):
        raise SourceError(
            f"The folder {root} is laid out like SYSU-MM01 but lacks its exp folder.",
            "exp/train_id.txt, val_id.txt and test_id.txt say whose images belong to which split.",
        )
    raise SourceError(
        f"The folder {root} is no data set of a known layout.",
        "Known are SYSU-MM01 (cam1 to cam6, exp), RegDB (Visible, Thermal, idx), LLCM (vis, nir, idx) and "
        "what `nightreid dataset import` writes (dataset.json, images.csv).",
    )

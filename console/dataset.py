"""The logic of ``nightreid dataset``: whether a copy is whole, and data sets of a user's own images."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from console.failing import check_writable
from console.progress import ProgressBars
from console.statuses import WRONG
from reid_core.errors import UsageError
from reid_core.types import Modality, Spectrum

if TYPE_CHECKING:
    from training.datasets.checking import CheckReport
    from training.datasets.importing import Imported


def check_command(name: str, root: Path, deep: bool = False, as_json: bool = False) -> int:
    """Compare a copy of a data set with what was published, and print what is missing or surplus.

    Args:
        name: its layout, or ``auto`` for what the folder looks like.
        root: its folder.
        deep: decode every image.
        as_json: print the report as JSON, with all paths.

    Returns:
        0, or 1 if anything is an error.

    Raises:
        SourceError: the folder is missing or looks like no data set.
    """
    from training.datasets.checking import check_dataset

    with ProgressBars() as bars:
        report = check_dataset(
            root,
            None if name == "auto" else name,
            deep=deep,
            told=lambda what, done, total: bars.show(what, done, total, ""),
        )
    if as_json:
        json.dump(report.as_json(), sys.stdout, indent=2)
        print()
    else:
        _show(report)
    return WRONG if report.errors else 0


def import_command(
    folder: Path,
    out: Path,
    table: Path | None = None,
    *,
    name: str | None = None,
    val: float | None = None,
    test: float | None = None,
    seed: int = 1,
    spectrum: str | None = None,
    same_place: Sequence[str] = (),
    copy: bool = False,
    as_json: bool = False,
) -> int:
    """Make a data set of a folder of images, and print what is in it.

    Args:
        folder: that the images lie in.
        out: folder to be created.
        table: CSV that lists them; ``None`` reads it out of the folders.
        name: of the data set.
        val: share of the identities for validation.
        test: likewise for test.
        seed: by which they are drawn.
        spectrum: ``near`` or ``thermal``, of infrared images that do not say.
        same_place: ``INFRARED=VISIBLE`` each, cameras that see the same place.
        copy: copy the images too.
        as_json: print what was made as JSON.

    Returns:
        0.

    Raises:
        UsageError: ``out`` holds something, or an option contradicts the images.
        SourceError: an image or row cannot be used.
        StorageError: ``out`` cannot be written.
    """
    from training.datasets.importing import ImportSettings, import_dataset

    places = {}
    for each in same_place:
        infrared, separator, visible = each.partition("=")
        if not (infrared and separator and visible):
            raise UsageError(f"--same-place {each} is not of the form INFRARED=VISIBLE, two cameras.")
        places[infrared] = visible
    # Nothing is made before all images are known to be right, not even the folders above.
    above = next(place for place in out.resolve().parents if place.exists())
    check_writable(above, folder=True)
    settings = ImportSettings(
        name=name,
        val=val,
        test=test,
        seed=seed,
        spectrum=None if spectrum is None else Spectrum(spectrum),
        same_place=places,
        copy=copy,
    )
    with ProgressBars() as bars:
        imported = import_dataset(
            folder, out, settings, table, lambda done, total: bars.show("images", done, total, "")
        )
    _tell(imported, as_json)
    return 0


def _show(report: "CheckReport") -> None:
    console = Console()
    table = Table("", "found", "published" if report.published else "expected", "")
    for column in table.columns[1:3]:
        column.justify = "right"
    for count in report.counts:
        if count.detail and not count.wrong:
            continue
        numbers = ("" if number is None else f"{number:,}" for number in (count.found, count.expected))
        table.add_row(count.what, *numbers, "WRONG" if count.wrong else "")
    if table.row_count:
        console.print(table)
    for finding in report.findings:
        # Paths are long; a terminal folds them, and nothing is cut off.
        print(f"{finding.severity}: {finding.text}")
    notes = len(report.findings) - report.errors
    known = [count for count in report.counts if count.expected is not None]
    agreed = sum(count.found == count.expected for count in known)
    right = f"{agreed} of {len(known)} counts are right; " if known else ""
    print(f"{report.root} ({report.layout}): {right}errors: {report.errors}, notes: {notes}.")


def _tell(imported: "Imported", as_json: bool) -> None:
    from training.datasets.records import identities_of

    dataset = imported.dataset
    splits = {
        str(split): {
            "identities": len(identities_of(records)),
            **{str(each): sum(record.modality is each for record in records) for each in Modality},
        }
        for split, records in dataset.splits.items()
    }
    if as_json:
        told = {
            "root": str(dataset.root),
            "digest": dataset.digest,
            "splits": splits,
            "notes": imported.notes,
        }
        print(json.dumps(told, indent=2))
        return
    table = Table("split", *(f"{what}" for what in ("identities", *Modality)))
    for split, numbers in splits.items():
        table.add_row(split, *(f"{number:,}" for number in numbers.values()))
    Console().print(table)
    for text in imported.notes:
        print(f"note: {text}")
    print(f"{dataset.name} is in {dataset.root}; train and evaluate with that folder.")

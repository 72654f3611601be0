"""The logic of ``nightreid compare``: results side by side, next to what papers print."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from training.evaluation.comparing import Row


def compare_command(
    runs: Sequence[Path], protocols: Sequence[str] = (), mixed: bool = False, as_json: bool = False
) -> int:
    """Print results of the same protocols side by side.

    Args:
        runs: files that ``nightreid evaluate --out`` wrote.
        protocols: only these, presets or ids.
        mixed: also print protocols that not all files have, each in a table of its own.
        as_json: print JSON.

    Returns:
        0.

    Raises:
        SourceError: a file is no result.
        UsageError: the files share no protocol, or speak of different data under one.
    """
    from training.evaluation.comparing import compare

    compared = compare(runs, protocols, mixed)
    if as_json:
        plain = {key: [asdict(row) for row in rows] for key, rows in compared.tables.items()}
        print(json.dumps(plain, indent=2))
        return 0
    console = Console()
    for key, rows in compared.tables.items():
        console.print(_table(key, rows))
        console.print(_sources(key, rows), highlight=False, markup=False, soft_wrap=True)
    if compared.left:
        console.print(
            f"Not in all files, so not shown: {', '.join(compared.left)} (--mixed shows them).",
            highlight=False,
        )
    return 0


def _table(key: str, rows: "Sequence[Row]") -> Table:
    from training.evaluation.protocols import short_name

    table = Table("", "R1", "R10", "R20", "mAP", "mINP", title=short_name(key), box=SIMPLE_HEAD)
    for row in rows:
        names = ("r1", "r10", "r20", "map", "minp")
        cells = (_number(row.figures.get(name), row.std.get(name)) for name in names)
        table.add_row(Text(row.name, no_wrap=True), *cells)
    return table


def _sources(key: str, rows: "Sequence[Row]") -> str:
    from training.evaluation.intervals import said_of_share

    lines = [key]
    for row in rows:
        source = f"printed in {row.source}" if row.published else row.source
        # A paper prints neither; in the table they would not fit beside the names of systems.
        sure = ""
        if row.queries is not None and row.interval_95 is not None:
            sure = f"R1 of {said_of_share(row.queries, row.interval_95)}"
        lines.append(f"  {row.name}: {'; '.join(part for part in (source, sure, row.note) if part)}")
    return "\n".join(lines)


def _number(value: float | None, std: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if std is None else f"{value:.4f} ± {std:.4f}"

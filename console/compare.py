"""The logic of ``nightreid compare``: results side by side, next to what papers print."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.evaluated import FIGURES, FORMAT
from reid_core.errors import SourceError, UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """One result under one protocol; metrics in 0..1, ``None`` where a source does not say.

    Attributes:
        name: of the model, the file or the published system.
        source: where it comes from.
        published: whether a paper says so, and nobody measured it here.
        figures: by name.
        std: by name, over several models of one file.
        note: what else there is to know.
    """

    name: str
    source: str
    published: bool
    figures: dict[str, float | None]
    std: dict[str, float]
    note: str


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
    from training.evaluation.protocols import parse_protocol, short_name

    read = [(path, *_results(path)) for path in runs]
    everything = list(dict.fromkeys(key for _, _, results in read for key in results))
    wanted = [parse_protocol(text).id for text in protocols]
    for text, key in zip(protocols, wanted, strict=True):
        if key not in everything:
            raise UsageError(f"None of the files has a result of the protocol {text!r}.")
    chosen = [key for key in everything if not wanted or key in wanted]
    shared = [key for key in chosen if all(key in results for _, _, results in read)]
    if not shared and not mixed:
        said = "; ".join(f"{path}: {', '.join(map(short_name, results))}" for path, _, results in read)
        raise UsageError(
            f"The files have no protocol in common, and figures of different ones do not compare ({said}).",
            "--mixed prints each protocol in a table of its own.",
        )
    shown = chosen if mixed else shared
    tables = {key: _rows(key, read) for key in shown}
    if as_json:
        print(json.dumps({key: [asdict(row) for row in rows] for key, rows in tables.items()}, indent=2))
        return 0
    console = Console()
    for key, rows in tables.items():
        console.print(_table(key, rows))
        console.print(_sources(key, rows), highlight=False, markup=False, soft_wrap=True)
    left = [short_name(key) for key in chosen if key not in shown]
    if left:
        console.print(
            f"Not in all files, so not shown: {', '.join(left)} (--mixed shows them).", highlight=False
        )
    return 0


def _results(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[tuple[str, dict[str, Any]]]]]:
    """The runs of a file, and by protocol each run's name and figures."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"The result file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"The result file {path} cannot be read: {error}.") from None
    runs = said.get("runs", [said]) if isinstance(said, dict) else []
    if not runs or said.get("format") != FORMAT or not all("results" in run for run in runs):
        raise SourceError(
            f"{path} holds no results of this version.", "Write them with nightreid evaluate --out."
        )
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for run in runs:
        name = run["model"]["name"] if run["model"] else path.stem
        for key, figures in run["results"].items():
            found.setdefault(key, []).append((name, figures))
    return runs, found


def _rows(key: str, read: Sequence[tuple[Path, list[dict[str, Any]], dict[str, Any]]]) -> list[Row]:
    from training.evaluation.protocols import short_name
    from training.evaluation.published import published_rows

    rows, data = [], {}
    for path, runs, results in read:
        if key not in results:
            continue
        for run in runs:
            said = run["data"]
            # Of a data set that everybody draws alone, only the same copy compares.
            data[str(path)] = (said.get("digest"), said.get("split"), said.get("trials"))
        named = results[key]
        means: dict[str, float | None] = {
            figure: statistics.fmean(figures[figure] for _, figures in named)
            for figure in (*FIGURES, "chance_r1", "chance_map")
        }
        std = {}
        if len(named) > 1:
            std = {figure: statistics.stdev(figures[figure] for _, figures in named) for figure in FIGURES}
        several = f"{len(named)} models" if len(named) > 1 else ""
        rows.append(Row(named[0][0], str(path), False, means, std, several))
    if len(set(data.values())) > 1:
        raise UsageError(
            f"The results of {short_name(key)} are of different data: {', '.join(data)}.",
            "Evaluate them on the same copy, split and trials.",
        )
    for row in published_rows():
        if row.protocol == key:
            figures: dict[str, float | None] = {"r1": row.r1, "map": row.map, "minp": row.minp}
            rows.append(Row(row.system, row.source, True, figures, {}, row.note))
    return rows


def _table(key: str, rows: Sequence[Row]) -> Table:
    from training.evaluation.protocols import short_name

    table = Table("", "R1", "R10", "R20", "mAP", "mINP", title=short_name(key), box=SIMPLE_HEAD)
    for row in rows:
        names = ("r1", "r10", "r20", "map", "minp")
        cells = (_number(row.figures.get(name), row.std.get(name)) for name in names)
        table.add_row(Text(row.name, no_wrap=True), *cells)
    return table


def _sources(key: str, rows: Sequence[Row]) -> str:
    lines = [key]
    for row in rows:
        source = f"printed in {row.source}" if row.published else row.source
        lines.append(f"  {row.name}: {'; '.join(part for part in (source, row.note) if part)}")
    return "\n".join(lines)


def _number(value: float | None, std: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if std is None else f"{value:.4f} ± {std:.4f}"

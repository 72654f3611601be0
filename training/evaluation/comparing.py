"""Results side by side, next to what papers print: only of the same protocol, and of the same data."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError, UsageError
from training.evaluation.evaluated import FORMAT
from training.evaluation.evaluating import FIGURES
from training.evaluation.intervals import Interval
from training.evaluation.protocols import parse_protocol, short_name
from training.evaluation.published import published_rows


@dataclass(frozen=True, slots=True)
class Row:
    """One result under one protocol; metrics in 0..1, ``None`` where a source does not say.

    Attributes:
        name: of the model, the file or the published system.
        source: where it comes from.
        published: whether a paper says so, and nobody measured it here.
        figures: by name.
        std: by name, over several models of one file.
        queries: valid ones; ``None`` where a paper does not say.
        interval_95: of rank-1; of several models, from the lowest to the highest end.
        note: what else there is to know.
    """

    name: str
    source: str
    published: bool
    figures: dict[str, float | None]
    std: dict[str, float]
    queries: int | None
    interval_95: Interval | None
    note: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tables of results.

    Attributes:
        tables: by protocol id.
        left: names of the protocols that are not shown, as not all files have them.
    """

    tables: Mapping[str, Sequence[Row]]
    left: tuple[str, ...]


def compare(runs: Sequence[Path], protocols: Sequence[str] = (), mixed: bool = False) -> Comparison:
    """Put results of the same protocols side by side.

    Args:
        runs: files of plain values, as `evaluated.as_json` makes them.
        protocols: only these, presets or ids.
        mixed: also protocols that not all files have, each in a table of its own.

    Raises:
        SourceError: a file is no result.
        UsageError: the files share no protocol, or speak of different data under one.
    """
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
    left = tuple(short_name(key) for key in chosen if key not in shown)
    return Comparison({key: _rows(key, read) for key in shown}, left)


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
        lows, highs = zip(*(figures["interval_95"]["r1"] for _, figures in named), strict=True)
        ends = (min(lows), max(highs))
        valid = min(figures["valid"] for _, figures in named)
        rows.append(Row(named[0][0], str(path), False, means, std, valid, ends, several))
    if len(set(data.values())) > 1:
        raise UsageError(
            f"The results of {short_name(key)} are of different data: {', '.join(data)}.",
            "Evaluate them on the same copy, split and trials.",
        )
    for row in published_rows():
        if row.protocol == key:
            figures: dict[str, float | None] = {"r1": row.r1, "map": row.map, "minp": row.minp}
            rows.append(Row(row.system, row.source, True, figures, {}, None, None, row.note))
    return rows

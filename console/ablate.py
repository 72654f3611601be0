"""The logic of ``nightreid ablate``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.failing import check_writable
from console.progress import TrainingBars

if TYPE_CHECKING:
    from training.ablation.table import Row

_FIGURES = (("r1", "R1"), ("map", "mAP"), ("minp", "mINP"))


def ablate_command(
    what: str,
    recipe: Path | None,
    dataset: Path,
    start: Path | None,
    out: Path,
    seeds: int,
    overrides: Sequence[str],
    trials: int,
    as_json: bool,
) -> int:
    """Train what is missing, measure, print.

    Args:
        what: name of the ablation.
        recipe: all parts on; the one that ships for synthetic data by default.
        dataset: folder of the data set.
        start: checkpoint to start from; the starter embedder by default.
        out: folder of the runs, which are resumed.
        seeds: how many, from 1.
        overrides: ``section.key=value`` each.
        trials: galleries drawn.
        as_json: print JSON instead of tables.

    Returns:
        0.

    Raises:
        UsageError: there is no such ablation, no checkpoint to start from, or the data have no such
            protocol.
        SourceError: images or captions are missing.
        ModelError: the checkpoint cannot be started from.
    """
    from reid_core.errors import UsageError
    from reid_core.starter import starter_embedder
    from training.ablation import ABLATIONS
    from training.ablation.plan import Plan

    ablate = ABLATIONS.get(what)
    chosen = recipe or Path(__file__).parents[1] / "configs/recipes" / what / "synthetic.yaml"
    place = start or starter_embedder()
    if place is None:
        raise UsageError("There is no network to start from.", "Name its checkpoint with --start FOLDER.")
    check_writable(out, folder=True)
    with TrainingBars() as bars:
        plan = Plan(chosen, dataset, place, out, range(1, seeds + 1), bars, overrides, trials)
        found = ablate(plan)
    if as_json:
        print(json.dumps([_as_json(row) for row in found.rows], indent=2))
    else:
        print("\n\n".join([*_tables(found.rows), *found.notes]))
    return 0


def _as_json(row: "Row") -> dict[str, object]:
    figures = {key: {"mean": row.mean(key), "deviation": row.deviation(key)} for key, _ in _FIGURES}
    return {"row": row.name, "infrared": row.kind, "words": row.level, "seeds": len(row.figures), **figures}


def _tables(rows: Sequence["Row"]) -> list[str]:
    """A Markdown table for each kind of infrared images and each level of words."""
    tables = []
    for kind in dict.fromkeys(row.kind for row in rows):
        levels = dict.fromkeys(row.level for row in rows if row.level is not None)
        for level in [*levels] if levels else [None]:
            shown = [row for row in rows if row.kind == kind and row.level in (None, level)]
            title = kind if level is None else f"{kind}, words: {level}"
            lines = [title, "", "| | R1 | mAP | mINP |", "|---|---|---|---|"]
            for row in shown:
                cells = (f"{row.mean(key):.1f} ± {row.deviation(key):.1f}" for key, _ in _FIGURES)
                lines.append(f"| {row.name} | {' | '.join(cells)} |")
            tables.append("\n".join(lines))
    return tables

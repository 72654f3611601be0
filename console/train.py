"""The logic of ``nightreid train``."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from console.failing import check_writable
from console.progress import TrainingBars
from console.statuses import INTERRUPTED
from console.stopping import stopped_by_ctrl_c

RUNS = Path("runs")


def train_command(
    recipe: Path,
    data: Path | None = None,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    restart: bool = False,
    as_json: bool = False,
    start: Path | None = None,
) -> int:
    """Train, or go on with the run in the folder.

    Args:
        recipe: YAML file.
        data: folder of the data set, above the recipe's own.
        out: folder of the run; ``runs/<name>`` by default.
        overrides: ``section.key=value`` each.
        restart: drop an earlier run in the folder.
        as_json: print ``run.json`` at the end.
        start: checkpoint folder to start from, above the recipe's own.

    Returns:
        0; 130 where it was interrupted (the same command goes on).
    """
    from training.systems.reading import load_recipe

    settings = load_recipe(recipe, overrides, os.environ)
    folder = out or RUNS / settings.name
    check_writable(folder, folder=True)
    from training.trainer import train

    with TrainingBars() as bars, stopped_by_ctrl_c() as stop:
        result = train(settings, folder, data, bars, restart=restart, stop=stop, start=start)
    if as_json:
        print(json.dumps(result.summary, indent=2, ensure_ascii=False))
    elif result.finished:
        print(f"{result.steps} steps; the model is in {folder / 'model'}")
    else:
        print(f"Stopped after {result.steps} steps; the same command resumes from there.")
    return 0 if result.finished else INTERRUPTED

"""The logic of ``nightreid train``."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from console.failing import INTERRUPTED, check_writable
from console.stopping import stopped_by_ctrl_c
from reid_core.config import load_config
from training.recipe import Recipe

RUNS = Path("runs")
_LINE_SECONDS = 10.0


def train_command(
    recipe: Path,
    data: Path | None = None,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    restart: bool = False,
    as_json: bool = False,
) -> int:
    """Train, or go on with the run in the folder.

    Args:
        recipe: YAML file.
        data: folder of the data set, above the recipe's own.
        out: folder of the run; ``runs/<name>`` by default.
        overrides: ``section.key=value`` each.
        restart: drop an earlier run in the folder.
        as_json: print ``run.json`` at the end.

    Returns:
        0; 130 where it was interrupted (the same command goes on).
    """
    settings = load_config(Recipe, recipe, overrides, os.environ)
    folder = out or RUNS / settings.name
    check_writable(folder, folder=True)
    # Heavy, and not needed to find out that a recipe is wrong.
    from training.trainer import train

    with TrainingBars() as bars, stopped_by_ctrl_c() as stop:
        result = train(settings, folder, data, bars, restart=restart, stop=stop)
    if as_json:
        print(json.dumps(result.summary, indent=2, ensure_ascii=False))
    elif result.finished:
        print(f"{result.steps} steps; the model is in {folder / 'model'}")
    else:
        print(f"Stopped after {result.steps} steps; the same command goes on from there.")
    return 0 if result.finished else INTERRUPTED


class TrainingBars:
    """Bars on a terminal, plain lines elsewhere; a `training.trainer.TrainingProgress`."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>9}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._found = ""
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def images(self, done: int, total: int) -> None:
        """Images resized for the cache."""
        # Two caches are made one after the other.
        if done == 1:
            self._begun.pop("images", None)
        self._update("images", done, total, "")

    def step(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """Steps done, and the values of the last row of the log."""
        if values:
            names = ("loss", "accuracy", "lr")
            self._found = ", ".join(f"{name} {values[name]:.3g}" for name in names if name in values)
        self._update("steps", done, total, self._found)

    def note(self, text: str) -> None:
        """One sentence worth telling at once."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _update(self, what: str, done: int, total: int, found: str) -> None:
        now = time.monotonic()
        begun, first = self._begun.setdefault(what, (now, done))
        speed = (done - first) / (now - begun) if now > begun and done > first else 0.0
        rate = f"{speed:.1f}/s" if speed else ""
        if not self._console.is_terminal:
            if speed and now - self._said >= _LINE_SECONDS:
                self._said = now
                tail = f", {found}" if found else ""
                self.note(f"{what}: {done} of {total}, {rate}, {(total - done) / speed:.0f} s left{tail}")
            return
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total, rate="", found="")
        self._bars.update(self._tasks[what], completed=done, total=total, rate=rate, found=found)

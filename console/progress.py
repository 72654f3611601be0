"""How far something has come: bars on a terminal, plain lines elsewhere; always on standard error."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0


class ProgressBars:
    """A bar for each thing under way, with its rate, the time left and what was found.

    Args:
        console: where it is told; standard error unless said.
        ends: elsewhere than on a terminal, tell also when something is done.
    """

    def __init__(self, console: Console | None = None, ends: bool = False) -> None:
        self._console = console or Console(file=sys.stderr)
        self._ends = ends
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
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        """One sentence worth telling at once."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, what: str) -> None:
        """Count the rate of something anew."""
        self._begun.pop(what, None)

    def show(self, what: str, done: int, total: int | None, found: str) -> None:
        """Tell how much of something is done, of how much if that is known, and what was found."""
        now = time.monotonic()
        begun, first = self._begun.setdefault(what, (now, done))
        speed = (done - first) / (now - begun) if now > begun and done > first else 0.0
        rate = f"{speed:.1f}/s" if speed else ""
        if not self._console.is_terminal:
            if (speed and now - self._said >= _LINE_SECONDS) or (self._ends and done == total):
                self._said = now
                left = f"{(total - done) / speed:.0f} s left" if total and done < total else ""
                of_all = f"{done} of {total}" if total else f"{done}"
                self.note(f"{what}: " + ", ".join(part for part in (of_all, rate, left, found) if part))
            return
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total, rate="", found="")
        self._bars.update(self._tasks[what], completed=done, total=total, rate=rate, found=found)


class RunProgress(ProgressBars):
    """Shows a run's cameras; implements what `stream.run.running` reports to.

    Args:
        counted: what is found.
    """

    def __init__(self, counted: str = "tracklets") -> None:
        super().__init__()
        self._counted = counted

    def update(self, camera: str, done: int, total: int | None, tracklets: int) -> None:
        """A camera's frames done, of how many, and its tracklets so far."""
        self.show(f"{camera} frames", done, total, f"{tracklets} {self._counted}")


class TrainingBars(ProgressBars):
    """Shows a training; implements `training.trainer.TrainingProgress`."""

    def __init__(self) -> None:
        super().__init__()
        self._found = ""

    def images(self, done: int, total: int) -> None:
        """Images resized for the cache."""
        # Two caches are made one after the other.
        if done == 1:
            self.begin("images")
        self.show("images", done, total, "")

    def step(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """Steps done, and the values of the last row of the log."""
        if values:
            names = ("loss", "accuracy", "lr")
            self._found = ", ".join(f"{name} {values[name]:.3g}" for name in names if name in values)
        self.show("steps", done, total, self._found)


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows one thing: call what it gives with how many are done, of how many."""
    with ProgressBars(ends=True) as bars:
        yield lambda done, total: bars.show(what, done, total, "")

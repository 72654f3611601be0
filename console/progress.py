"""How far a run has come: bars on a terminal, plain lines elsewhere; always on standard error."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

_LINE_SECONDS = 10.0


class RunProgress:
    """Shows a run's cameras; implements what `stream.run` reports to.

    Args:
        counted: what is found.
    """

    def __init__(self, counted: str = "tracklets") -> None:
        self._counted = counted
        self._console = Console(file=sys.stderr)
        self._bars = Bars(
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

    def update(self, camera: str, done: int, total: int | None, tracklets: int) -> None:
        """A camera's frames done, of how many, and its tracklets so far."""
        now = time.monotonic()
        begun, first = self._begun.setdefault(camera, (now, done))
        rate = f"{(done - first) / (now - begun):.0f} fps" if now > begun else ""
        found = f"{tracklets} {self._counted}"
        if not self._console.is_terminal:
            if now - self._said >= _LINE_SECONDS:
                self._said = now
                seconds = (now - begun) / max(1, done - first)
                left = f", {(total - done) * seconds:.0f} s left" if total else ""
                self.note(f"{camera}: {done}{f' of {total}' if total else ''} frames, {rate}{left}, {found}")
            return
        if camera not in self._tasks:
            self._tasks[camera] = self._bars.add_task(camera, total=total, rate="", found="")
        self._bars.update(self._tasks[camera], completed=done, rate=rate, found=found)

    def note(self, text: str) -> None:
        """One sentence worth telling at once."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

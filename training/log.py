"""A run's log: rows of a CSV file, and TensorBoard's events where that is installed."""

import csv
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LOG_NAME = "log.csv"
EVENTS_NAME = "tensorboard"


class RunLog:
    """Appends to a run's log; rows behind the step that is gone on from are dropped first.

    Args:
        folder: of the run.
        columns: of the CSV file; the first is ``step``.
        step: steps done already.
    """

    def __init__(self, folder: Path, columns: tuple[str, ...], step: int) -> None:
        self._columns = columns
        path = folder / LOG_NAME
        kept = [row for row in _rows(path) if int(row["step"]) <= step]
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, columns, restval="", extrasaction="ignore")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._file.flush()
        self._events: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(folder / EVENTS_NAME), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._events is not None:
            self._events.close()

    def row(self, values: Mapping[str, float]) -> None:
        """One row of the CSV file, flushed, and the same to TensorBoard."""
        self._writer.writerow({key: f"{value:.6g}" for key, value in values.items()})
        self._file.flush()
        self.scalars(int(values["step"]), {f"train/{k}": v for k, v in values.items() if k != "step"})

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Values for TensorBoard alone."""
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)
            self._events.flush()


def _rows(path: Path) -> list[dict[str, str]]:
    """The whole rows of an earlier log; one cut off in the middle is left out."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            row for row in csv.DictReader(file) if None not in row.values() and row.get("step", "").isdigit()
        ]

"""What an ablation gives: rows with their figures over seeds, and how they are to be read."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from training.ablation.asking import Figures, Level
from training.trainer import TrainingProgress


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the row.
        kind: of infrared images: ``near``, ``thermal`` ...
        level: whose words; ``None`` where none are read.
        figures: of each seed.
    """

    name: str
    kind: str
    level: Level | None
    figures: tuple[Figures, ...]

    def mean(self, figure: str) -> float:
        """Over the seeds, in per cent."""
        return 100 * statistics.fmean(getattr(each, figure) for each in self.figures)

    def deviation(self, figure: str) -> float:
        """Sample standard deviation over the seeds, in points; 0 of one seed."""
        values = [100 * getattr(each, figure) for each in self.figures]
        return statistics.stdev(values) if len(values) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Ablated:
    """Everything an ablation found.

    Attributes:
        rows: by kind of infrared images.
        notes: sentences that stand with them: protocols, and how a paper was read where it leaves a choice.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


class Ablation(Protocol):
    """Train what is missing and measure every row."""

    def __call__(
        self,
        recipe: Path,
        root: Path,
        start: Path,
        out: Path,
        seeds: Sequence[int],
        progress: TrainingProgress,
        overrides: Sequence[str] = (),
        trials: int = 10,
    ) -> Ablated:
        """Train and measure.

        Args:
            recipe: its parts all on.
            root: folder of the data set; its test identities are asked for.
            start: checkpoint of a network that has learned.
            out: folder of the runs; those that are finished are taken as they are.
            seeds: a run of each training for each.
            progress: who is told.
            overrides: settings above the recipe's, for every training.
            trials: galleries drawn.

        Raises:
            UsageError: the data set has no protocol by kind of infrared images, or a run was stopped.
            SourceError: images or captions are missing.
            ModelError: the checkpoint cannot be started from.
        """

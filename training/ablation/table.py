"""What an ablation gives: rows with their figures over seeds, and how they are to be read."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from training.ablation.asking import Figures, Level
from training.ablation.plan import Plan
from training.evaluation.evaluating import ProtocolResult


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


def measured_by(results: Iterable[ProtocolResult]) -> str:
    """The protocols of rows, in Markdown, and how many queries each asks."""
    lines = [
        f"- `{one.protocol}`: {one.valid} queries in each of {len(one.trials)} galleries of {one.gallery}"
        for one in results
    ]
    return "\n".join(["Protocols:", "", *lines])


class Ablation(Protocol):
    """Train what is missing and measure every row."""

    def __call__(self, plan: Plan) -> Ablated:
        """Train and measure.

        Args:
            plan: what is asked for.

        Raises:
            UsageError: the data set has no protocol by kind of infrared images, or a run was stopped.
            SourceError: images or captions are missing.
            ModelError: the checkpoint cannot be started from.
        """

"""What an evaluation hands to its table, its file, its report and to a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.datasets.records import ImageRecord, ReidDataset
    from training.evaluation.evaluating import Contest, ProtocolResult

FORMAT = 1
FIGURES = ("r1", "r5", "r10", "r20", "map", "minp")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One model's results, with what they were made of where a report is wanted.

    Attributes:
        said: as ``--json`` prints it.
        results: by protocol id.
        contests: by protocol id.
        records: images of the split; ``None`` for vectors from a file.
        dataset: likewise.
    """

    said: dict[str, Any]
    results: "Mapping[str, ProtocolResult]"
    contests: "Mapping[str, Sequence[Contest]]"
    records: "Sequence[ImageRecord] | None"
    dataset: "ReidDataset | None"

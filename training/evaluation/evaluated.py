"""What an evaluation hands on: to a table, to a file that comparisons read, to a report."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from training.datasets.records import ImageRecord, ReidDataset, identities_of
from training.evaluation.evaluating import FIGURES, Contest, ProtocolResult

FORMAT = 1
"""Of the plain values."""


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """Whose vectors were measured.

    Attributes:
        name: for people.
        ids: the model's, one for each trial that has a model of its own.
        checkpoint: name of its file or folder; ``None`` for a model out of memory.
    """

    name: str
    ids: tuple[str, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class EvaluatedImages:
    """Whose images were measured, of the first trial where there are several.

    Attributes:
        dataset: where they lie.
        records: the images.
        split: the split that they are.
        trials: divisions of the data set, where it has any.
    """

    dataset: ReidDataset
    records: Sequence[ImageRecord]
    split: str
    trials: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One model's results with what they were made of.

    Attributes:
        results: by protocol id.
        contests: by protocol id, a trial each.
        model: ``None`` for vectors from files.
        images: likewise.
        files: names of the files that the vectors were read from.
        seconds: that it took.
    """

    results: Mapping[str, ProtocolResult]
    contests: Mapping[str, Sequence[Contest]]
    model: EvaluatedModel | None = None
    images: EvaluatedImages | None = None
    files: tuple[str, ...] = ()
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values, as ``nightreid evaluate`` prints and writes them."""
        model = self.model
        return {
            **_head(),
            "data": self._data(),
            "model": None
            if model is None
            else {"name": model.name, "ids": list(model.ids), "checkpoint": model.checkpoint},
            **({} if self.seconds is None else {"seconds": round(self.seconds, 1)}),
            "results": {key: result.as_json() for key, result in self.results.items()},
        }

    def _data(self) -> dict[str, Any]:
        images = self.images
        if images is None:
            return {"name": "features", "files": list(self.files)}
        dataset = images.dataset
        return {
            "name": dataset.name,
            "layout": dataset.layout,
            "digest": dataset.digest,
            "split": images.split,
            "images": len(images.records),
            "identities": len(identities_of(images.records)),
            **({} if images.trials is None else {"trials": list(images.trials)}),
        }


def over_models(runs: Sequence[Evaluated]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and standard deviation over several models, as over seeds, of the protocols that all have.

    Returns:
        Protocol id -> figure -> ``mean`` and ``std``.
    """
    shared = [key for key in runs[0].results if all(key in run.results for run in runs)]
    return {
        key: {
            figure: {
                "mean": statistics.fmean(run.results[key].mean(figure) for run in runs),
                "std": statistics.stdev(run.results[key].mean(figure) for run in runs),
            }
            for figure in FIGURES
        }
        for key in shared
    }


def as_json(runs: Sequence[Evaluated]) -> dict[str, Any]:
    """One model's results as they are; of several, each one's and their mean and spread."""
    if len(runs) == 1:
        return runs[0].as_json()
    return {**_head(), "runs": [run.as_json() for run in runs], "over_runs": over_models(runs)}


def _head() -> dict[str, Any]:
    return {"format": FORMAT, "nightreid": version("nightreid")}
